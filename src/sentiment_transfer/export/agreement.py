"""The predictions of a converted network beside those of the original in fp32, on whole test sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from rich.progress import track

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.config.schema import PathsConfig
from sentiment_transfer.config.typed import from_plain
from sentiment_transfer.data.batches import TokenBatches, scoring_loader
from sentiment_transfer.data.catalog import make_dataset
from sentiment_transfer.data.reviews import Reviews, stratified_rows
from sentiment_transfer.data.tokens import token_store
from sentiment_transfer.errors import UserError
from sentiment_transfer.export.card.scores import FP32, Conversion, difference
from sentiment_transfer.export.onnx import INPUTS, session
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import RunResult

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BATCH_TOKENS = 4096  # padding included
# What another order of summation makes of logits in fp32, with room to spare: 1e-6 for small encoders, and it grows
# with depth. More than this is another network.
SAME = 1e-3


@dataclass(frozen=True)
class ScoredSet:
    """A test set of a run, or a drawn part of it."""

    name: str
    reviews: Reviews
    of: int  # reviews that the whole set has
    metric: str  # its headline metric


def scored_sets(result: RunResult, folder: Path, paths: PathsConfig, limit: int | None) -> Iterator[ScoredSet | str]:
    """Every test set that the run was scored on with the very rows that were scored, or why it is unavailable.

    Of a test set with more than ``limit`` reviews, ``limit`` are drawn evenly by label.
    """
    for name, entry in result["scores"].items():
        try:
            reviews = _scored_rows(name, result, folder, paths)
        except UserError as error:
            yield f"{name} is unavailable here: {error}"
            continue
        whole = len(reviews)
        if limit is not None and limit < whole:
            reviews = reviews.take(np.sort(stratified_rows(reviews.labels, limit, seed=0)))
        yield ScoredSet(name, reviews, whole, entry["metric"])


def _scored_rows(name: str, result: RunResult, folder: Path, paths: PathsConfig) -> Reviews:
    """The predictions name the rows, which dedup=true or a limit may have made fewer than the file has."""
    config = result["config"]
    settings = config["source"].get(name) or config["targets"][name]
    reviews = make_dataset(
        name,
        from_plain(settings, DatasetConfig),
        data_dir=str(Path(paths.data_dir).expanduser()),
        cache_dir=str(Path(paths.cache_dir).expanduser()),
        seed=config["data"]["seed"],
    ).reviews("test")
    scored = read_predictions(folder, name)
    place = {row: index for index, row in enumerate(reviews.ids)}
    rows = np.array([place.get(row, -1) for row in scored.ids])
    if (rows < 0).any() or (reviews.labels[rows] != scored.gold).any():
        raise UserError("its reviews here are not those that the run was scored on: the files have changed.")
    return reviews.take(rows)


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
