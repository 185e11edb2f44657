"""The reviews that a run was scored on, read again, and nothing else of its datasets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.config.schema import PathsConfig
from sentiment_transfer.config.typed import from_plain
from sentiment_transfer.data.catalog import make_dataset
from sentiment_transfer.data.reviews import Reviews, stratified_rows
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import RunResult


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
