"""What the report says, as plain values: nothing here computes, draws or reads.

``answer.answer(found)`` fills an ``Answer``; the page, the tables and the terminal only show it. Scores are fractions
in 0..1 in the metric's own direction (an error falls, an F1 rises, as a model gets better); differences are
``second - first`` in the same unit. Intervals are 95 %, see ``statistics/interval.py`` for what they cover.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from sentiment_transfer.results.published import PublishedNumber

if TYPE_CHECKING:
    from sentiment_transfer.report.analysis.budgets import Study

Scope = Literal["seeds and examples", "examples", "none"]


class Estimate(NamedTuple):
    """A number with its 95 % interval.

    ``scope`` says what the interval covers: other seeds and other test reviews; other test reviews of these very
    networks alone (where there is one seed); or nothing (then low and high are None).
    """

    value: float
    low: float | None
    high: float | None
    scope: Scope


@dataclass(frozen=True)
class Entry:
    """One row of the matrix: runs of one configuration that differ by seed (or IndoLEM fold) alone."""

    key: str  # unique in the answer, e.g. "base|amazon_en|" or "base|amazon_en|optimizer.learning_rate=0.0001"
    name: str  # to be shown: the model, with the settings that set it apart from others of its name
    model: str
    source: str  # names joined by "+"
    settings: Mapping[str, str]  # what sets it apart from other entries of its source; mostly empty
    family: str  # what encoders that differ by size alone are called, "XLM-R"; empty where it belongs to none
    parameters: int
    seeds: tuple[int, ...]
    degenerate_seeds: tuple[int, ...]
    labels: tuple[str, ...]  # honesty labels of any of its runs, to be shown with every number of it
    run_ids: tuple[str, ...]
    averaged: int = 0  # runs whose weights it is the mean of; it is shown, and not tested
    layers: int = 0  # where it is the first layers of an encoder (model.layers), how many; else 0

    @property
    def size(self) -> int:
        """What its family's sizes differ by: layers, or parameters."""
        return self.layers or self.parameters

    @property
    def unit(self) -> str:
        return "layers" if self.layers else "parameters"


@dataclass(frozen=True)
class Published:
    """A published number beside one of our cells."""

    row: PublishedNumber
    comparable: bool
    reason: str  # why not; empty where comparable
    inside: bool | None  # whether it lies in our interval; None where not comparable or without interval
    sentence: str  # the number with its provenance, and how ours stands to it or why it cannot


@dataclass(frozen=True)
class Calibration:
    """Reliability curve over all seeds' predictions, 15 equal-width bins of the predicted probability."""

    ece: float  # mean over runs of the expected calibration error (Guo et al. 2017); its bias allows no interval
    confidence: tuple[float, ...]  # mean predicted probability of each bin that is not empty
    accuracy: tuple[float, ...]  # share of right answers in it
    low: tuple[float, ...]  # 95 % interval of that share (over examples)
    high: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """One entry's headline metric on one evaluation set under one selection."""

    entry: str  # Entry.key
    model: str
    source: str
    target: str  # evaluation set; the source's own test set is one too
    role: str  # source | target
    protocol: str  # zero-shot | supervised
    language: str
    domain: str
    selection: str  # last | source_dev | average | oracle
    metric: str  # a key of TITLES in results/headline.py
    classes: tuple[str, ...]
    n: int  # test reviews (all folds together)
    by_seed: Mapping[int, float]  # seed -> the metric (mean over folds where the metric says so)
    degenerate_seeds: tuple[int, ...]  # seeds of which a run predicted one class only, on this set
    mean: Estimate  # over all seeds
    without_degenerate: Estimate | None  # over the others, where some but not all have collapsed
    floor: float  # what the best constant answer scores
    confusion: tuple[tuple[int, ...], ...]  # counts summed over runs; rows gold, columns predicted
    calibration: Calibration | None  # None where the predictions are not there
    published: tuple[Published, ...]
    run_ids: tuple[str, ...]
    remark: str  # how it was computed where that was not the usual way, e.g. "predictions are missing"; else empty


class McNemar(NamedTuple):
    """Two trained networks of the same seed on the same reviews: an exact test, of the networks, not the models."""

    seed: int
    only_first_right: int
    only_second_right: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Two entries of one source on one evaluation set; the smaller model first."""

    source: str
    target: str
    selection: str
    metric: str
    first: str  # Entry.key
    second: str  # Entry.key
    difference: Estimate  # second - first
    better: str | None  # Entry.key of the one with the better mean; None where equal
    p: float | None  # two-sided, from the same t distribution as the interval; None without interval
    p_holm: float | None  # adjusted over ``family_size`` comparisons
    family_size: int  # comparisons of this source that were tested together, over all evaluation sets
    mcnemar: tuple[McNemar, ...]  # for each seed that both have; empty where predictions do not match
    minimum_detectable_difference: (
        float | None
    )  # the difference that would have been shown in 80 of 100 such experiments
    verdict: Literal["better", "worse", "not shown", "not tested"]  # second against first, by p_holm < .05
    sentence: str
    paired: bool  # same reviews on both sides
    n: int


@dataclass(frozen=True)
class Best:
    """Which entry is best on one evaluation set, and whether that is certain."""

    source: str
    target: str
    selection: str
    metric: str
    entry: str  # Entry.key of the best mean
    rivals: tuple[str, ...]  # Entry.keys that could not be told from it
    certain: bool  # no rivals, among two entries or more with two seeds or more each
    sentence: str


@dataclass(frozen=True)
class Trend:
    """A line through the cells of one family: metric against log2 of the size."""

    family: str
    source: str
    target: str
    selection: str
    metric: str
    entries: tuple[str, ...]  # Entry.keys, by size; at least two sizes
    sizes: tuple[int, ...]
    unit: str  # of the sizes: parameters, or layers
    means: tuple[float, ...]
    per_doubling: Estimate  # change of the metric for twice the size
    per_decade: Estimate  # for ten times the size
    p: float | None
    p_holm: float | None  # adjusted over the trends of this source
    intercept: float  # of the line at size 1: metric = intercept + per_doubling * log2(size)
    rmse: float | None  # root mean square distance of the means from the line; None for two sizes
    sentence: str


@dataclass(frozen=True)
class TransferGap:
    """What an unseen language costs: error on the target minus error on the source's own test set, same networks."""

    entry: str  # Entry.key
    source_set: str
    target: str
    selection: str
    gap: Estimate  # in error, whatever the headline metrics are
    p: float | None
    p_holm: float | None  # adjusted over the gaps of this source
    sentence: str


@dataclass(frozen=True)
class Sentence:
    """One sentence of the answer, in the order to be shown."""

    kind: Literal["question", "best", "comparison", "trend", "gap", "labels", "published", "caution"]
    text: str
    target: str  # empty where it is about all
    source: str


@dataclass(frozen=True)
class Answer:
    """All that the report shows. ``comparisons``, ``best``, ``trends`` and ``gaps`` are of ``selection`` alone;
    ``cells`` are of every selection that the runs have."""

    selection: str
    sentences: tuple[Sentence, ...]
    entries: tuple[Entry, ...]  # by source, then parameters, then name
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    best: tuple[Best, ...]
    trends: tuple[Trend, ...]
    gaps: tuple[TransferGap, ...]
    labels: tuple[str, ...]  # honesty labels of any run shown
    unavailable: Mapping[str, str]  # evaluation set -> why it was not scored
    unfinished: tuple[str, ...]  # run folders
    unusable: tuple[str, ...]  # results that were found and left out, one sentence each
    notes: tuple[str, ...]  # how the numbers were made and what was left out, sentences
    studies: tuple[Study, ...] = ()  # scores over labels of the target; these runs are in nothing else here

    def cell(self, entry: str, target: str, selection: str | None = None) -> Cell | None:
        """The cell of an entry on an evaluation set (under ``self.selection`` unless named), or None."""
        wanted = (entry, target, selection or self.selection)
        return next((cell for cell in self.cells if (cell.entry, cell.target, cell.selection) == wanted), None)
