"""The typed schema of what uses a trained model: predict.py, evaluate.py, export.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from sentiment_transfer.config.schema import DatasetConfig, PathsConfig


@dataclass
class ExportConfig:
    """Of export.py; the others are train.py's."""

    checkpoint: str = MISSING  # the directory of a finished run
    output: str = MISSING  # the folder to write
    selection: str | None = None  # which of the run's weights; null: source_dev where it has them, else last
    onnx: bool = False  # also as an ONNX graph
    int8: bool = False  # also as a dynamically quantised one (which needs the other: it is written as well)
    check_limit: int | None = 10_000  # reviews of each test set that ONNX versions are compared on; null: all
    push: str | None = None  # user/name on the Hugging Face hub
    private: bool = True  # the repository, where push= makes one
    overwrite: bool = False
    paths: PathsConfig = field(default_factory=PathsConfig)


@dataclass
class PredictConfig:
    """Of predict.py."""

    checkpoint: str = MISSING  # a run's directory, an exported folder, or a hub name
    input: str = MISSING  # .csv, .tsv, .txt, .jsonl (also .gz, .xz, .bz2, .zst) or .parquet; -: lines on standard input
    output: str = MISSING  # of the same kind; -: standard output
    text: Any = "text"  # column of the texts, or its number from 0 where header=false
    header: bool = True  # whether a delimited file's first row names the columns
    delimiter: str | None = None  # by the file's ending where null
    quoted: bool | None = None  # null: yes, unless the delimiter is a tab
    label_column: str = "label"  # names of what is added; probability_column is followed by _negative and so on
    probability_column: str = "probability"
    reason_column: str = "reason"  # why a row has no label
    overwrite: bool = False
    selection: str | None = None  # of a run: null takes source_dev where there is one, else last
    labels: Any = None  # a foreign model's label -> negative, positive, neutral or null; several may be one class
    revision: str | None = None  # of a hub model
    accelerator: str = "auto"
    precision: str = "auto"  # auto: bf16-mixed where the device has it, else 32-true
    batch_tokens: int = 16384  # computed at once, padding included
    cache_dir: str = MISSING


@dataclass
class EvaluateDataConfig:
    max_length: int | None = None  # tokens; null: a run's own, else what the model is made for
    dedup: bool = False  # drop target rows whose text a run was trained on
    targets_required: bool = False
    seed: int = 0  # of subsets


@dataclass
class EvaluateConfig:
    """Of evaluate.py; what has the same name as in PredictConfig means the same."""

    checkpoint: str = MISSING
    targets: dict[str, DatasetConfig] = field(default_factory=dict)
    labels: Any = None
    revision: str | None = None
    data: EvaluateDataConfig = field(default_factory=EvaluateDataConfig)
    accelerator: str = "auto"
    precision: str = "auto"
    batch_tokens: int = 16384
    paths: PathsConfig = field(default_factory=PathsConfig)


SCHEMAS = {"export": ExportConfig, "predict": PredictConfig, "evaluate": EvaluateConfig}
