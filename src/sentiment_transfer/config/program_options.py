"""Options of the programs that work on finished runs: predict.py, evaluate.py and export.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Ge
from omegaconf import MISSING

from sentiment_transfer.config.bounds import ACCELERATOR, SCORING_PRECISION
from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.config.llm_options import LLM, LlmConfig, PromptConfig, llm_problems
from sentiment_transfer.config.schema import PathsConfig
from sentiment_transfer.config.written_form import written_form_problems


@dataclass
class ExportConfig:
    """Options of export.py."""

    checkpoint: str = MISSING  # the directory of a finished run
    output: str = MISSING  # the folder to write
    selection: str | None = None  # which of the run's weights; null: source_dev where it has them, else last
    onnx: bool = False  # also as an ONNX graph
    int8: bool = False  # also as a dynamically quantised one (which needs the other: it is written as well)
    check_limit: Annotated[int | None, Ge(1)] = 10_000  # reviews per test set to compare ONNX versions on; null: all
    push: str | None = None  # user/name on the Hugging Face hub
    private: bool = True  # the repository, where push= makes one
    overwrite: bool = False  # replace an output that exists
    paths: PathsConfig = field(default_factory=PathsConfig)


@dataclass
class PredictConfig:
    """Options of predict.py."""

    checkpoint: str = MISSING  # a run's directory, an exported folder, or a hub name
    input: str = MISSING  # .csv, .tsv, .txt, .jsonl (also .gz, .xz, .bz2, .zst) or .parquet; -: lines on standard input
    output: str = MISSING  # of the same kind; -: standard output
    text: Any = "text"  # column of the texts (a.b: field b in a), or its number from 0 where header=false
    header: bool = True  # whether a delimited file's first row names the columns
    delimiter: str | None = None  # null: by the file's ending, or as its header shows
    quoted: bool | None = None  # null: yes, unless the delimiter is a tab and quotes stand within fields
    encoding: str | None = None  # e.g. cp932; null: UTF-8, or by a byte order mark; the output is UTF-8
    label_column: str = "label"  # the added column of the labels
    probability_column: str = "probability"  # begins the names of the added columns: probability_negative and so on
    reason_column: str = "reason"  # why a row has no label
    overwrite: bool = False  # replace an output that exists
    selection: str | None = None  # of a run: null takes source_dev where there is one, else last
    labels: Any = None  # a foreign model's label -> negative, positive, neutral or null; several may be one class
    revision: str | None = None  # of a hub model
    accelerator: Annotated[str, ACCELERATOR] = "auto"  # auto: a GPU where there is one, else cpu
    precision: Annotated[str, SCORING_PRECISION] = "auto"  # auto: bf16-mixed where the device has it, else 32-true
    batch_tokens: Annotated[int, Ge(1)] = 16384  # computed at once, padding included
    cache_dir: str = MISSING  # compiled kernels

    def problems(self, where: str) -> Iterator[str]:
        yield from written_form_problems(self, where)
        yield from _label_problems(self.labels)


@dataclass
class EvaluateDataConfig:
    max_length: Annotated[int | None, Ge(4)] = None  # tokens; null: the run's own, else the model's limit
    dedup: bool = False  # drop target rows whose text a run was trained on
    targets_required: bool = False  # stop if a target is unavailable, instead of reporting it and continuing
    seed: Annotated[int, Ge(0)] = 0  # of subsets


@dataclass
class EvaluateConfig:
    """Options of evaluate.py."""

    checkpoint: str = MISSING  # a run's directory, an exported folder, a hub name, or llm
    targets: dict[str, DatasetConfig] = field(default_factory=dict)
    source: dict[str, DatasetConfig] = field(default_factory=dict)  # of checkpoint=llm: what examples are drawn from
    llm: LlmConfig = field(default_factory=LlmConfig)  # of checkpoint=llm
    prompts: dict[str, PromptConfig] = field(default_factory=dict)  # of checkpoint=llm, by name: files in conf/prompt
    labels: Any = None  # a foreign model's label -> negative, positive, neutral or null; several may be one class
    revision: str | None = None  # of a hub model
    data: EvaluateDataConfig = field(default_factory=EvaluateDataConfig)
    accelerator: Annotated[str, ACCELERATOR] = "auto"  # auto: a GPU where there is one, else cpu
    precision: Annotated[str, SCORING_PRECISION] = "auto"  # auto: bf16-mixed where the device has it, else 32-true
    batch_tokens: Annotated[int, Ge(1)] = 16384  # computed at once, padding included
    paths: PathsConfig = field(default_factory=PathsConfig)

    def problems(self, where: str) -> Iterator[str]:
        yield from _label_problems(self.labels)
        if self.checkpoint == LLM:
            yield from llm_problems(self.llm, self.prompts, self.source)
        elif self.source or self.llm != LlmConfig():
            yield "llm.* and source= belong to checkpoint=llm: leave them out."
        if not self.targets:
            yield "targets is empty: name the datasets to score on, e.g. targets=indonesian."


def _label_problems(labels: Any) -> Iterator[str]:
    if labels is not None and not isinstance(labels, dict):
        yield f"labels={labels} is not a mapping: use {{LABEL_0: negative, LABEL_1: positive}}."
