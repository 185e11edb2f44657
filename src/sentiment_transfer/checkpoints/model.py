"""The trained classifier that prediction, evaluation and export share: network, tokenizer, classes and origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from sentiment_transfer.files.text import cache_folder
from sentiment_transfer.results.record import RunResult

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# The key in an exported folder's config.json: {"run_id": ..., "selection": ..., "caveats": [...]}.
ORIGIN_KEY = "sentiment_transfer"


@dataclass(frozen=True)
class Origin:
    """Where a classifier was loaded from."""

    kind: Literal["run", "folder", "hub"]
    path: str  # the folder, absolute; or the repository's name on the hub
    revision: str | None = None  # commit on the hub
    selection: str | None = None  # of a run: last, source_dev, average or oracle
    result: RunResult | None = None  # of a run: its record

    @property
    def name(self) -> str:
        """The last part of the path: a run's id, a folder's or a repository's name."""
        return Path(self.path).name


@dataclass(frozen=True)
class TrainedModel:
    """A sequence classifier ready for inference.

    Attributes:
        network: with its full vocabulary, in fp32 on the CPU, in eval mode. Its weights may be memory-mapped from a
            file: copy them before changing them.
        tokenizer: the one it was trained with.
        classes: the distinct classes (negative, neutral, positive), in the order in which the logits first name them.
        outputs: for each logit its class, or None if it is ignored. For a run or an exported folder the same as
            ``classes``; in other classifiers several logits may map to one class.
        max_length: texts are truncated to this many tokens, special tokens included.
        origin: where it was loaded from.
        caveats: to be shown with every prediction (random or 4-bit weights, trained from scratch).
        cache_dir: cache for compiled kernels and tokens.
    """

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    classes: tuple[str, ...]
    outputs: tuple[str | None, ...]
    max_length: int
    origin: Origin
    caveats: tuple[str, ...] = ()
    cache_dir: Path = field(default_factory=cache_folder)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Class probabilities, (n, classes) float32, of ``logits`` (n, outputs).

        Ignored logits are left out of the softmax; probabilities of logits that map to the same class are added.
        """
        kept = [index for index, name in enumerate(self.outputs) if name is not None]
        columns = torch.tensor([self.classes.index(str(self.outputs[index])) for index in kept])
        softmax = logits.float()[:, kept].softmax(-1)
        return (
            torch.zeros(len(softmax), len(self.classes)).to(softmax).index_add_(1, columns.to(softmax.device), softmax)
        )
