"""The typed schema of every configuration group, registered with Hydra's ConfigStore.

The values live in ``conf/``; this file says which keys exist and of which type, so that an unknown or misspelt
key, or a value of the wrong type, fails while the configuration is composed. ``validate.py`` adds what types
cannot say. Imports nothing heavy: ``--help`` and ``--cfg job`` answer from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


class Weights(Enum):
    pretrained = "pretrained"  # the published (or local) weights
    random = "random"  # the architecture alone: for shape, speed and memory; labelled as such everywhere


class TextRule(Enum):
    title_body = "title_body"  # title, newline, body: what mteb's mirror has
    body = "body"  # body alone: what SetFit's mirror has


@dataclass
class ModelConfig:
    name: str = MISSING  # short name, used in run names and tables
    encoder: str = MISSING  # Hugging Face name, local folder, or builtin:<size>
    revision: str | None = None  # hub revision (branch, tag or commit)
    tokenizer: str | None = None  # name or folder, where it is not the encoder's own
    weights: Weights = Weights.pretrained
    learning_rate: float = 2e-5  # the recipe's peak rate for this size; optimizer.learning_rate follows it
    dropout: float | None = None  # hidden, attention and head dropout; null keeps the encoder's own
    freeze_embeddings: bool = False
    trim_vocabulary: bool = True  # hold the rows of the tokens that occur in the run's texts; exact, see the README
    gradient_checkpointing: bool = False  # keep a layer's input alone and compute it again: less memory, a third slower
    lora_rank: int | None = None  # train low-rank adapters of the attention and the head, and nothing else


@dataclass
class DatasetConfig:
    """What every dataset has; ``kind`` chooses the DataModule and is set by the file in conf/dataset."""

    kind: str = MISSING
    limit: int | None = None  # rows of each split to keep: a shuffled, stratified, seeded subset


@dataclass
class AmazonConfig(DatasetConfig):
    kind: str = "amazon"
    language: str = MISSING
    text_rule: TextRule = TextRule.title_body


@dataclass
class RakutenConfig(DatasetConfig):
    kind: str = "rakuten"
    path: str | None = None  # the folder of train.csv.xz and test.csv.xz, where it is not data_dir/rakuten_ja


@dataclass
class IndoLEMConfig(DatasetConfig):
    kind: str = "indolem"
    fold: int | None = None  # 0..4; null scores all five test folds and averages, as published


@dataclass
class SmSAConfig(DatasetConfig):
    kind: str = "smsa"
    classes: int = 2  # 3 keeps neutral


@dataclass
class CSVConfig(DatasetConfig):
    kind: str = "csv"
    path: Any = MISSING  # a file, a glob, or a list of them
    text: Any = "text"  # column name, or its number from 0 where header=false
    label: Any = "label"
    labels: Any = None  # word in the file -> class, null drops the row; Any: a typed dict takes no keys from outside
    language: str = MISSING
    domain: str = "own"
    header: bool = True
    delimiter: str | None = None  # by the file's ending where null
    quoted: bool | None = None  # null: yes, unless the delimiter is a tab
    dev_path: Any = None
    test_path: Any = None
    dev_share: float = 0.1  # shares cut from path where there is no dev_path or test_path
    test_share: float = 0.1  # 1.0: the whole file is the test set
    classes: int = 2


@dataclass
class DemoConfig(DatasetConfig):
    kind: str = "demo"
    language: str = MISSING


@dataclass
class DataConfig:
    max_length: int = 256  # tokens, special ones included; ours: the paper does not give its own
    dedup: bool = False  # drop target rows whose text was seen in training
    targets_required: bool = False  # stop where a target cannot be had, instead of naming it and going on
    seed: int = 0  # of subsets and splits, apart from the run's seed: every seed is scored on the same rows
    num_workers: int = 0  # batches come from a memory-mapped store: workers cost more than they give
    score_batch_tokens: int = 16384  # tokens per batch when scoring, padding included


@dataclass
class OptimizerConfig:
    learning_rate: float = 2e-5
    weight_decay: float = 0.01  # not on biases and norms
    warmup_ratio: float = 0.1  # share of all steps; then linear to zero
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    max_grad_norm: float = 1.0


@dataclass
class TrainerConfig:
    max_epochs: int = 4
    batch_size: int = 32  # reviews per optimiser step on one device
    accumulate: int = 1  # parts a batch is cut into, to fit memory: the step stays batch_size reviews
    memory_split: int = 1  # cut each part, and scoring batches, into so many more; set by the launcher to fit memory
    precision: str = "auto"  # auto: bf16-mixed where the device has it, else 32-true
    accelerator: str = "auto"
    packed: bool = True  # compute without padding where the encoder can; false: the plain padded path
    threads: int | None = None  # CPU threads; null keeps torch's choice
    deterministic: bool = False  # force deterministic CUDA kernels (a CPU run always is)
    save_every_minutes: float = 10.0  # of last.ckpt, besides every epoch's end
    oracle: bool = False  # also select by each target's own dev set; never a zero-shot number
    keep_weights: bool = True  # keep the selected weights when the run is finished


@dataclass
class LoggerConfig:
    csv: bool = True  # metrics.csv in the run directory
    wandb: bool = False
    project: str = "sentiment-transfer"
    entity: str | None = None
    tags: list[str] = field(default_factory=list)
    log_every: int = 50  # optimiser steps
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
    seed: int = 0
    model: ModelConfig = MISSING
    source: dict[str, DatasetConfig] = MISSING
    targets: dict[str, DatasetConfig] = field(default_factory=dict)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
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


DATASET_SCHEMAS: dict[str, type[DatasetConfig]] = {
    "amazon": AmazonConfig,
    "rakuten": RakutenConfig,
    "indolem": IndoLEMConfig,
    "smsa": SmSAConfig,
    "csv": CSVConfig,
    "demo": DemoConfig,
}


def register() -> None:
    """Tell Hydra about the schema; call once before ``hydra.main`` or ``compose``."""
    store = ConfigStore.instance()
    store.store(group="schema", name="config", node=Config)
    store.store(group="schema", name="predict", node=PredictConfig)
    store.store(group="schema", name="export", node=ExportConfig)
    for kind, schema in DATASET_SCHEMAS.items():
        store.store(group="schema", name=kind, node=schema)
