"""Runs scored on many languages of one corpus, whose errors grow with distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.helpers.written_runs import answers, write_run

from sentiment_transfer.results.languages import typological_distance
from sentiment_transfer.results.predictions import Predictions
from sentiment_transfer.results.record import RunResult

NUSAX = ("en", "id", "jv", "su", "min", "ace", "ban", "bjn", "bug", "mad", "nij", "bbc")
MARC = ("en", "de", "es", "fr", "ja", "zh")
LEVEL = 0.12  # error on the reference
OWN = 0.012  # standard deviation of a language's own effect
OF_SEED = 0.006  # of a seed on one language


def language_runs(
    folder: Path,
    slopes: Mapping[str, float],  # model, the smallest first -> growth of its error per unit of distance
    *,
    codes: Sequence[str] = NUSAX,
    corpus: str = "nusax",
    parallel: bool = True,
    seeds: int = 3,
    source: str = "amazon_en",
    n: int = 400,
    **of_run: Any,
) -> list[RunResult]:
    """One run per model and seed, scored on its source and on each language of the corpus."""
    generator = np.random.default_rng(0)
    own = OWN * generator.standard_normal(len(codes))
    runs = []
    for size, (model, slope) in enumerate(slopes.items(), start=1):
        for seed in range(seeds):
            sets: dict[str, Predictions] = {}
            for place, code in enumerate(codes):
                nearest = min(typological_distance(name.rpartition("_")[2], code) or 0.0 for name in source.split("+"))
                error = (
                    LEVEL
                    - 0.02 * size
                    + slope * nearest
                    + (own[place] + OF_SEED * generator.standard_normal()) * (nearest > 0)
                )
                sets[f"{corpus}_{code}"] = answers(error, seed, n, rows=1 if parallel else place)
            for place, name in enumerate(source.split("+")):
                sets.setdefault(name, answers(0.1, seed, n, rows=90 + place))
            runs.append(
                write_run(
                    folder, sets, seed=seed, model=model, parameters=10**6 * 4**size,
                    sources=tuple(source.split("+")), **of_run,
                )
            )  # fmt: skip
    return runs
