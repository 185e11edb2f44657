"""The predictions of a converted network beside those of the original in fp32, on whole test sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from rich.progress import track

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.data.batches import TokenBatches, scoring_loader
from sentiment_transfer.data.tokens import token_store
from sentiment_transfer.errors import UserError
from sentiment_transfer.export.card.parts import FP32, Conversion
from sentiment_transfer.export.card.scores import difference
from sentiment_transfer.export.onnx import INPUTS, session
from sentiment_transfer.export.scored_sets import ScoredSet

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BATCH_TOKENS = 4096  # padding included
# What another order of summation makes of logits in fp32, with room to spare: 1e-6 for small encoders, and it grows
# with depth. More than this is another network.
SAME = 1e-3


def compare(model: TrainedModel, sets: Sequence[ScoredSet], folder: Path, files: Sequence[str]) -> list[Conversion]:
    """Every file on every set. Raises UserError where the fp32 graph does not answer as the original."""
    sessions = {file: session(folder / file) for file in files}
    found = [each for s in sets for each in _on_set(model, s, sessions)]
    for each in found:
        if each.file == FP32 and not each.largest_difference <= SAME:
            raise UserError(
                f"The ONNX version does not answer as the original: on {each.dataset}, logits differ by up to "
                f"{each.largest_difference:.2g}. Nothing was written. Leave onnx=true out, and report this to "
                "transformers, whose exporter it is."
            )
    return found


def _on_set(model: TrainedModel, of: ScoredSet, sessions: Mapping[str, InferenceSession]) -> Iterator[Conversion]:
    original, converted = _logits(model, of, sessions)
    answers = original.argmax(1)
    for file, logits in converted.items():
        theirs = logits.argmax(1)
        ours, other, low, high = difference(
            of.reviews.labels, answers, theirs, of.metric, of.reviews.classes, of.reviews.folds
        )
        yield Conversion(
            file=file,
            dataset=of.name,
            n=len(of.reviews),
            of=of.of,
            largest_difference=float(np.abs(logits - original).max()),
            agreement=float((answers == theirs).mean()),
            metric=of.metric,
            original=ours,
            converted=other,
            low=low,
            high=high,
        )


def _logits(
    model: TrainedModel, of: ScoredSet, sessions: Mapping[str, InferenceSession]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(n, classes) float32 of the original, and of each session, in the order of the reviews."""
    tokens = token_store(of.reviews, model.tokenizer, model.max_length, model.cache_dir)
    batches = TokenBatches([tokens], of.reviews.labels, model.tokenizer.pad_token_id)
    loader = scoring_loader(batches, BATCH_TOKENS)
    original = np.empty((len(of.reviews), len(model.classes)), dtype=np.float32)
    converted = {file: np.empty_like(original) for file in sessions}
    for batch in track(loader, f"Comparing on {of.name}", transient=True):
        rows = batch["rows"].numpy()
        with torch.inference_mode():
            original[rows] = model.network(**{name: batch[name] for name in INPUTS}).logits.numpy()
        feed = {name: batch[name].numpy() for name in INPUTS}
        for file, runtime in sessions.items():
            converted[file][rows] = runtime.run(None, feed)[0]
    return original, converted
