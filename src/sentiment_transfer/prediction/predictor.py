"""A trained model on the fast path: texts in, class probabilities out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
import torch
from torch import Tensor

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.data.batches import batches_by_length, pack, pad
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.device import choose_accelerator, choose_precision, scoring_tokens
from sentiment_transfer.model.packed.network import PackedNetwork, why_padded
from sentiment_transfer.prediction.predictions import Prediction, Predictions
from sentiment_transfer.prediction.texts import index_of, text_list, token_ids, unusable_reason
from sentiment_transfer.prediction.windows import Answers, Window, prefetched

if TYPE_CHECKING:
    from sentiment_transfer.checkpoints.model import TrainedModel

BATCH_TOKENS = 16_384  # as in scoring; padding included if the network needs it
AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}

Name = Callable[[int], str]  # what an error calls the text of this index


class Predictor:
    """Classifies texts with a trained model.

    >>> from sentiment_transfer import load
    >>> model = load("outputs/base-amazon_en-s0-1a2b3c4d")
    >>> model.predict(["Pelayanannya ramah sekali.", "最悪でした。"])
    [Prediction(label='positive', probabilities={'negative': 0.0213, 'positive': 0.9787}), ...]

    Args:
        model: from ``open_model``; its network is moved to the device.
        accelerator: auto, cpu, gpu, cuda or mps.
        precision: auto (bf16 if the device multiplies in it), 32-true, bf16-mixed or 16-mixed.

    Raises UserError for an accelerator that is not available and an unknown precision.
    """

    def __init__(self, model: TrainedModel, *, accelerator: str = "auto", precision: str = "auto") -> None:
        self.model = model
        self.device = torch.device(choose_accelerator(accelerator, "accelerator"))
        self.precision = choose_precision(precision, self.device.type)
        if self.precision not in ("32-true", *AUTOCAST):
            raise UserError(f"precision={precision} is invalid: use auto, 32-true, {' or '.join(AUTOCAST)}.")
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
    def predict(self, texts: Iterable[str | None], *, batch_tokens: int = BATCH_TOKENS) -> Predictions: ...
    def predict(
        self, texts: str | Iterable[str | None], *, batch_tokens: int = BATCH_TOKENS
    ) -> Prediction | Predictions:
        """The label and the class probabilities of each text, in the order given; of a single string, a single one.

        The texts are a list, a Series or an array; the answer is a list, and ``to_frame()`` a table of it.
        ``batch_tokens`` is the number of tokens computed at once: fewer need less memory. None, an empty text and a
        value that is not a string get no label but a reason. Raises UserError where the network's output for a text is
        not a finite number.
        """
        if isinstance(texts, str):
            return self.predict([texts], batch_tokens=batch_tokens)[0]
        reasons, answers = self._answers(texts, batch_tokens)
        both = zip(reasons, answers.tolist(), strict=True)
        predictions = [Prediction(None, {}, reason) if reason else self._prediction(row) for reason, row in both]
        return Predictions(predictions, self.classes, index_of(texts))

    def _prediction(self, row: list[float]) -> Prediction:
        probabilities = dict(zip(self.classes, row, strict=True))
        return Prediction(max(probabilities, key=probabilities.__getitem__), probabilities)

    def probabilities(self, texts: Iterable[str | None], *, batch_tokens: int = BATCH_TOKENS) -> np.ndarray:
        """(texts, classes) float32, in the order of ``classes``; NaN for a text that has no label in ``predict``.

        The texts are a list, a Series or an array. Raises UserError for a single string, and where the network's output
        for a text is not a finite number.
        """
        if isinstance(texts, str):
            raise UserError("probabilities takes several texts: type probabilities([text]).")
        return self._answers(texts, batch_tokens)[1]

    def _answers(self, texts: Iterable[str | None], batch_tokens: int) -> tuple[list[str], np.ndarray]:
        """Why each text has no label (empty if it has one), and (texts, classes) float32, NaN without a label."""
        given = text_list(texts)
        reasons = [unusable_reason(text) for text in given]
        usable = [place for place, reason in enumerate(reasons) if not reason]
        ids = token_ids(self.model.tokenizer, [str(given[place]) for place in usable], self.model.max_length)
        answers = np.full((len(given), len(self.classes)), np.nan, dtype=np.float32)
        answers[usable] = self.of_ids(ids, batch_tokens, lambda index: f"text {usable[index] + 1:,}")
        return reasons, answers

    def __repr__(self) -> str:
        return (
            f"Predictor({self.model.origin.name}: {'/'.join(self.classes)}; at most {self.model.max_length} tokens; "
            f"{self.device.type}, {self.precision}, {self.batching[0]})"
        )

    @torch.inference_mode()
    def of_ids(
        self,
        ids: Sequence[np.ndarray],
        batch_tokens: int = BATCH_TOKENS,
        name: Name = lambda index: f"text {index + 1:,}",
    ) -> np.ndarray:
        """(texts, classes) float32 of texts as token ids, each (length,) int32; computed in order of length.

        Raises UserError, with the text's ``name``, where the network's output for it is not a finite number.
        """
        answers = np.empty((len(ids), len(self.classes)), dtype=np.float32)
        lengths = np.array([len(text) for text in ids], dtype=np.int64)
        batch_tokens = scoring_tokens(batch_tokens, self.device.type)
        with nullcontext() if self.packed is None else self.packed.unchanged_weights():
            for rows in batches_by_length(lengths, batch_tokens, packed=self.packed is not None):
                logits = self._logits([ids[row] for row in rows])
                finite = logits.isfinite().all(-1).tolist()
                if not all(finite):
                    raise self._not_finite(name(min(row for row, fine in zip(rows, finite, strict=True) if not fine)))
                answers[rows] = self.model.probabilities(logits).cpu().numpy()
        return answers

    def _not_finite(self, name: str) -> UserError:
        wider = "" if self.precision == "32-true" else f" or too large for precision={self.precision}: try 32-true"
        return UserError(
            f"The output of {self.model.origin.path} for {name} is not a finite number, and no label follows from it. "
            f"Its weights are damaged or diverged{wider}. Otherwise name another checkpoint."
        )

    def _logits(self, texts: list[np.ndarray]) -> Tensor:
        with torch.autocast(self.device.type, AUTOCAST.get(self.precision), enabled=self.precision in AUTOCAST):
            if self.packed is not None:
                batch = pack(texts)
                return self.packed(batch["input_ids"].to(self.device), batch["cu_seqlens"].to(self.device)).float()
            batch = {name: t.to(self.device) for name, t in pad(texts, self.model.tokenizer.pad_token_id).items()}
            return self.network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.float()


class AnsweredWindow(NamedTuple):
    window: Window
    answers: Answers
    tokens: int

    @property
    def counts(self) -> Counter[str]:
        """Rows by label, and by ``reason: ...`` if they have none."""
        both = zip(self.answers.labels, self.answers.reasons, strict=True)
        return Counter(label or f"reason: {reason}" for label, reason in both)


def answer_windows(
    predictor: Predictor, windows: Iterator[Window], batch_tokens: int, done: int = 0
) -> Iterator[AnsweredWindow]:
    """Each window with its predictions. The next one is read and tokenised while this one is computed.

    ``done`` is the number of rows before the first window. Raises UserError as ``Predictor.of_ids`` does.
    """
    classes = predictor.classes
    for window, reasons, rows, ids in prefetched(_tokenised(predictor.model, window) for window in windows):
        probabilities = np.full((len(reasons), len(classes)), np.nan, dtype=np.float32)
        row_of = [f"row {done + row + 1:,} of the input" for row in rows]
        probabilities[rows] = predictor.of_ids(ids, batch_tokens, row_of.__getitem__)
        done += len(reasons)
        labels: list[str | None] = [None] * len(reasons)
        for row, index in zip(rows, probabilities[rows].argmax(1).tolist(), strict=True):
            labels[row] = classes[index]
        yield AnsweredWindow(window, Answers(labels, probabilities, reasons), sum(map(len, ids)))


def _tokenised(model: TrainedModel, window: Window) -> tuple[Window, list[str], list[int], list[np.ndarray]]:
    """The window, the reasons of its rows, the rows that have a text, and the token ids of those."""
    both = zip(window.texts, window.reasons, strict=True)
    reasons = [reason or unusable_reason(text) for text, reason in both]
    rows = [row for row, reason in enumerate(reasons) if not reason]
    return window, reasons, rows, token_ids(model.tokenizer, [str(window.texts[row]) for row in rows], model.max_length)


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
        cache_dir: the folder of compiled kernels; default: see ``cache_folder``.
        accelerator, precision: see ``Predictor``.

    Raises UserError for a checkpoint that cannot be opened or computed here.
    """
    model = open_model(str(checkpoint), selection=selection, labels=labels, revision=revision, cache_dir=cache_dir)
    return Predictor(model, accelerator=accelerator, precision=precision)
