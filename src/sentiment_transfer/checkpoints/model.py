"""A trained classifier as everything that uses one gets it: network, tokenizer, classes and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from sentiment_transfer.results.record import RunResult

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Where an exported folder's config.json keeps what the run's record said: {"labels": [...], "run_id": ..., ...}.
ORIGIN_KEY = "sentiment_transfer"


@dataclass(frozen=True)
class Origin:
    """Where a classifier was opened from."""

    kind: Literal["run", "folder", "hub"]
    path: str  # the folder, absolute; or the hub's name
    revision: str | None = None  # the hub's commit
    selection: str | None = None  # which of a run's weights
    result: RunResult | None = None  # a run's record

    @property
    def name(self) -> str:
        """The last part of the path: a run's id, a folder's or a repository's name."""
        return Path(self.path).name


@dataclass(frozen=True)
class TrainedModel:
    """A sequence classifier ready to be used.

    Attributes:
        network: with its whole vocabulary, in fp32 on the CPU, in eval mode. Its weights may lie in a file that is
            mapped into memory: copy them before changing them.
        tokenizer: the one it was trained with.
        classes: the project's names (negative, neutral, positive) of what it tells apart, in the order of the logits
            in which they first occur.
        outputs: of each logit, the class it counts for, or None where it is left out. Of a run or an exported folder
            the same as ``classes``; of others several logits may be one class.
        max_length: tokens of a text, special ones included, that are read; the rest is cut.
        origin: where it was opened from.
        labels: what must be said wherever its answers are shown (random or 4-bit weights, trained from scratch).
        cache_dir: where compiled kernels are kept.
    """

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    classes: tuple[str, ...]
    outputs: tuple[str | None, ...]
    max_length: int
    origin: Origin
    labels: tuple[str, ...] = ()
    cache_dir: Path = Path("~/.cache/sentiment-transfer")

    def probabilities(self, logits: Tensor) -> Tensor:
        """(n, classes) float32 of ``logits`` (n, outputs): of labels that are one class they add, and what is left
        out has no share."""
        kept = [place for place, name in enumerate(self.outputs) if name is not None]
        places = torch.tensor([self.classes.index(str(self.outputs[place])) for place in kept])
        shares = logits.float()[:, kept].softmax(-1)
        return torch.zeros(len(shares), len(self.classes)).to(shares).index_add_(1, places.to(shares.device), shares)
