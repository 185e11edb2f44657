"""A trained model with the fast path: texts in, class probabilities out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
import torch
from torch import Tensor

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.data.batches import batches_by_length, pack, pad
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.device import choose_accelerator, choose_precision
from sentiment_transfer.model.packed.network import PackedNetwork, why_padded
from sentiment_transfer.prediction.texts import token_ids, why_unusable

if TYPE_CHECKING:
    from sentiment_transfer.checkpoints.model import TrainedModel

BATCH_TOKENS = 16_384  # as in scoring; padding included, where the network needs it
AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


class Prediction(NamedTuple):
    """What a model says of one text."""

    label: str | None  # negative, neutral or positive; None where the text cannot be answered
    probabilities: dict[str, float]  # class -> probability, adding up to 1; empty where there is no label
    reason: str = ""  # why there is no label

    @property
    def probability(self) -> float | None:
        """Of the label."""
        return None if self.label is None else self.probabilities[self.label]


class Predictor:
    """Answers texts with a trained model.

    >>> from sentiment_transfer import load
    >>> model = load("outputs/base-amazon_en-s0-1a2b3c4d")
    >>> model.predict(["Pelayanannya ramah sekali.", "最悪でした。"])
    [Prediction(label='positive', probabilities={'negative': 0.02, 'positive': 0.98}, reason=''), ...]

    Args:
        model: from ``open_model``; its network is moved to the device.
        accelerator: auto, cpu, gpu, cuda or mps.
        precision: auto (bf16 where the device multiplies in it), 32-true, bf16-mixed or 16-mixed.
    """

    def __init__(self, model: TrainedModel, *, accelerator: str = "auto", precision: str = "auto") -> None:
        self.model = model
        self.device = torch.device(choose_accelerator(accelerator, "accelerator"))
        self.precision = choose_precision(precision, self.device.type)
        if self.precision not in ("32-true", *AUTOCAST):
            raise UserError(f"precision={precision} is not there: one of auto, 32-true, {', '.join(AUTOCAST)}.")
        self.network = model.network.to(self.device)  # type: ignore[arg-type]
        self.packed = None if why_padded(model.network) else PackedNetwork(model.network, model.cache_dir)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.model.classes

    @property
    def batching(self) -> tuple[str, str]:
        """How batches are computed (packed; packed, fused kernels; padded), and why not in a faster way."""
        if self.packed is None:
            return "padded", why_padded(self.model.network) or ""
        return self.packed.batching, self.packed.why_not_fused or ""

    @overload
    def predict(self, texts: str, *, batch_tokens: int = BATCH_TOKENS) -> Prediction: ...  # type: ignore[overload-overlap]  # a string is an iterable of strings
    @overload
    def predict(self, texts: Iterable[str | None], *, batch_tokens: int = BATCH_TOKENS) -> list[Prediction]: ...
    def predict(
        self, texts: str | Iterable[str | None], *, batch_tokens: int = BATCH_TOKENS
    ) -> Prediction | list[Prediction]:
        """The label and the class probabilities of each text, in the order given; of a single string, its own.

        ``batch_tokens`` is the number of tokens computed at once: less needs less memory. What is None, empty or no
        text gets no label but a reason.
        """
        if isinstance(texts, str):
            return self.predict([texts], batch_tokens=batch_tokens)[0]
        given = list(texts)
        reasons = [why_unusable(text) for text in given]
        usable = [str(text) for text, reason in zip(given, reasons, strict=True) if not reason]
        answers = iter(self.probabilities(usable, batch_tokens=batch_tokens).tolist())
        return [Prediction(None, {}, reason) if reason else self._prediction(next(answers)) for reason in reasons]

    def _prediction(self, row: list[float]) -> Prediction:
        probabilities = dict(zip(self.classes, row, strict=True))
        return Prediction(max(probabilities, key=probabilities.__getitem__), probabilities)

    def probabilities(self, texts: Sequence[str], *, batch_tokens: int = BATCH_TOKENS) -> np.ndarray:
        """(n, classes) float32 of n texts that are usable, in the order of ``classes``."""
        return self.of_ids(token_ids(self.model.tokenizer, texts, self.model.max_length), batch_tokens)

    @torch.inference_mode()
    def of_ids(self, ids: Sequence[np.ndarray], batch_tokens: int = BATCH_TOKENS) -> np.ndarray:
        """(n, classes) float32 of n texts as token ids, each (length,) int32; computed in order of length."""
        answers = np.empty((len(ids), len(self.classes)), dtype=np.float32)
        lengths = np.array([len(text) for text in ids], dtype=np.int64)
        with nullcontext() if self.packed is None else self.packed.unchanged_weights():
            for rows in batches_by_length(lengths, batch_tokens, packed=self.packed is not None):
                logits = self._logits([ids[row] for row in rows])
                answers[rows] = self.model.probabilities(logits).cpu().numpy()
        return answers

    def _logits(self, texts: list[np.ndarray]) -> Tensor:
        with torch.autocast(self.device.type, AUTOCAST.get(self.precision), enabled=self.precision in AUTOCAST):
            if self.packed is not None:
                batch = pack(texts)
                return self.packed(batch["input_ids"].to(self.device), batch["cu_seqlens"].to(self.device)).float()
            batch = {name: t.to(self.device) for name, t in pad(texts, self.model.tokenizer.pad_token_id).items()}
            return self.network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.float()


def load(
    checkpoint: str | Path,
    *,
    selection: str | None = None,
    labels: Mapping[str, str | None] | None = None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    accelerator: str = "auto",
    precision: str = "auto",
) -> Predictor:
    """Open a trained model for use: ``load(path).predict(["a text", "another"])``.

    Args:
        checkpoint: a run's directory, an exported folder, or the name or folder of a Hugging Face sequence classifier.
        selection, labels, revision: see ``sentiment_transfer.checkpoints.opening.open_model``.
        cache_dir: where compiled kernels are kept; default: SENTIMENT_CACHE_DIR, else ~/.cache/sentiment-transfer.
        accelerator: auto, cpu, gpu, cuda or mps.
        precision: auto (bf16 where the device multiplies in it), 32-true, bf16-mixed or 16-mixed.

    Raises UserError, in a sentence, for what cannot be opened or computed here.
    """
    cache = cache_dir or os.environ.get("SENTIMENT_CACHE_DIR") or "~/.cache/sentiment-transfer"
    model = open_model(str(checkpoint), selection=selection, labels=labels, revision=revision, cache_dir=cache)
    return Predictor(model, accelerator=accelerator, precision=precision)
