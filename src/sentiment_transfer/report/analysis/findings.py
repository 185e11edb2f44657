"""The report's findings as plain values: nothing here computes, draws or reads.

``answer.answer(collection)`` fills an ``Answer``; ``report/prose`` turns it into sentences; page, tables and terminal
show both. Scores are fractions in 0..1 in the metric's own direction (an error falls, an F1 rises, as a
model gets better); differences are ``second - first`` in the same unit. Intervals are 95 %, see
``statistics/interval.py`` for what they cover.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sentiment_transfer.report.analysis.distance_findings import DistanceTrend
from sentiment_transfer.report.analysis.effects import SizeVerdict
from sentiment_transfer.report.analysis.estimate import Estimate as Estimate
from sentiment_transfer.report.analysis.estimate import Scope as Scope
from sentiment_transfer.report.analysis.llm_findings import Cost, LlmVerdict, Unanswered
from sentiment_transfer.report.analysis.slices import SlicedSet
from sentiment_transfer.results.published import PublishedNumber
from sentiment_transfer.statistics.crossing import Crossing

LabelUse = Literal["none", "target_only", "sequential", "joint"]


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
    caveats: tuple[str, ...]  # of any of its runs, to be shown with every number of it
    run_ids: tuple[str, ...]
    averaged: int = 0  # runs whose weights it is the mean of; it is shown, and not tested
    layers: int = 0  # the number kept where it is the first layers of an encoder (model.layers); else 0
    incomplete_seeds: tuple[int, ...] = ()  # left out: they lack folds that other seeds have
    command: str = ""  # of its runs, without the seed; empty where it is not known
    prompted: bool = False  # a large language model that was asked, and not trained
    deterministic: bool = False  # it has no seed: a prompted model without examples, at temperature 0

    @property
    def compared(self) -> bool:
        """Whether it takes part in comparisons of encoders."""
        return not self.averaged and not self.prompted

    @property
    def size(self) -> int:
        """Layers or parameters, whichever its family's sizes differ by."""
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
    inside: bool | None  # True if it lies in our interval; None where not comparable or without interval


@dataclass(frozen=True)
class Calibration:
    """Reliability curve over all seeds' predictions, 15 equal-width bins of the predicted probability."""

    ece: float  # mean over runs of the expected calibration error (Guo et al. 2017); its bias allows no interval
    confidence: tuple[float, ...]  # mean predicted probability of each bin that is not empty
    accuracy: tuple[float, ...]  # fraction of correct predictions in it
    low: tuple[float, ...]  # 95 % interval of that fraction (over examples)
    high: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """One entry's headline metric on one dataset under one selection."""

    entry: str  # Entry.key
    model: str
    source: str
    target: str  # the dataset that was scored; the source's own test set is one too
    role: str  # source | target
    protocol: str  # zero-shot | cross-domain | supervised | few-label | few-shot | joint
    language: str
    domain: str
    selection: str  # last | source_dev | average | oracle
    metric: str  # a key of formatting.METRIC_TITLES
    classes: tuple[str, ...]
    n: int  # test reviews (all folds together)
    by_seed: Mapping[int, float]  # seed -> the metric (mean over folds where the metric says so)
    degenerate_seeds: tuple[int, ...]  # seeds of which a run predicted one class only, on this set
    mean: Estimate  # over all seeds
    without_degenerate: Estimate | None  # over the others, where some but not all have collapsed
    floor: float  # the score of the best constant prediction
    confusion: tuple[tuple[int, ...], ...]  # counts summed over runs; rows gold, columns predicted
    calibration: Calibration | None  # None without predictions
    published: tuple[Published, ...]
    run_ids: tuple[str, ...]
    has_predictions: bool  # if not, the interval is from the confusion matrices and nothing is paired


class McNemar(NamedTuple):
    """An exact test of two trained networks of one seed on the same reviews; it says nothing of other seeds."""

    seed: int
    only_first_right: int
    only_second_right: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Two entries of one source on one dataset; the smaller model first."""

    source: str
    target: str
    selection: str
    metric: str
    first: str  # Entry.key
    second: str  # Entry.key
    difference: Estimate  # second - first
    p: float  # two-sided, from the same t distribution as the interval
    p_holm: float  # adjusted over ``family_size`` comparisons
    family_size: int  # comparisons of this source that were tested together, over all datasets
    mcnemar: tuple[McNemar, ...]  # for each seed that both have; empty where predictions do not match
    minimum_detectable_difference: float  # at 80 % power and the level that Holm's procedure asked of it
    verdict: Literal["better", "worse", "not shown"]  # second against first, by p_holm < .05
    paired: bool  # same reviews on both sides
    n: int


@dataclass(frozen=True)
class Best:
    """The entry with the best mean on one dataset, and whether the others were shown to be worse."""

    source: str
    target: str
    selection: str
    metric: str
    entry: str  # Entry.key of the best mean
    rivals: tuple[str, ...]  # Entry.keys whose difference from it was not shown
    certain: bool  # no rivals, among two entries or more with two seeds or more each
    compared: int  # entries, itself among them
    scope: Scope  # of the comparisons


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
    p: float
    p_holm: float  # adjusted over the trends of this source
    family_size: int  # trends that were tested together

    @property
    def change(self) -> tuple[Estimate, str]:
        """Per doubling, or over the range where that is less than one: nothing is claimed for other sizes."""
        doublings = math.log2(max(self.sizes) / min(self.sizes))
        if doublings >= 1:
            return self.per_doubling, f"per doubling of {self.unit}"
        return self.per_doubling.scaled(doublings), "over this range"


@dataclass(frozen=True)
class TransferGap:
    """Error on the target minus error of the same networks on the source's own test set."""

    entry: str  # Entry.key
    source_set: str
    target: str
    selection: str
    gap: Estimate  # in error, whatever the headline metrics are
    p: float
    p_holm: float  # adjusted over the gaps of this source


@dataclass(frozen=True)
class Budget:
    """Runs with the same number and use of the target's labels."""

    label_use: LabelUse
    labels: int  # of the target, all classes together; 0 for zero-shot
    per_class: int | None  # protocol.shots; None for no label, and for the whole training split
    mean: Estimate  # over all runs, of the headline metric
    seeds: int
    draws: int  # samples of examples
    run_ids: tuple[str, ...]


class LabelGain(NamedTuple):
    """The change from zero-shot with the same seeds that a budget of labels makes; one family per use of labels."""

    budget: Budget
    change: Estimate  # in the headline metric
    p: float
    p_holm: float


@dataclass(frozen=True)
class Study:
    """One model on one target, from no label of it to all of them."""

    model: str
    source: str  # names joined by "+"; empty where no run here has one
    target: str
    fold: str  # "fold 0" where one of several folds is trained on and tested; else empty
    metric: str
    selection: str
    n: int  # test reviews
    budgets: tuple[Budget, ...]  # zero-shot first, then by use and number of labels
    label_value: Crossing | None  # the number of labels zero-shot is worth; None without zero-shot or two budgets
    gains: tuple[LabelGain, ...]  # of the budgets that share a seed with zero-shot

    def of(self, label_use: LabelUse) -> list[Budget]:
        return [budget for budget in self.budgets if budget.label_use == label_use]


@dataclass(frozen=True)
class Answer:
    """Everything that the report shows. ``comparisons``, ``best``, ``trends`` and ``gaps`` are of ``selection`` alone;
    ``cells`` are of every selection that the runs have."""

    selection: str
    entries: tuple[Entry, ...]  # by source, then parameters, then name
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    best: tuple[Best, ...]
    trends: tuple[Trend, ...]
    gaps: tuple[TransferGap, ...]
    caveats: tuple[str, ...]  # of any run shown
    unavailable: Mapping[str, str]  # dataset -> why it was not scored
    unfinished: tuple[str, ...]  # run folders
    unusable: tuple[str, ...]  # results that were found and left out, one sentence each
    verdicts: tuple[SizeVerdict, ...] = ()  # the pre-declared tests: largest minus smallest, on zero-shot targets
    studies: tuple[Study, ...] = ()  # scores over labels of the target; these runs are in nothing else here
    slices: tuple[SlicedSet, ...] = ()  # of ``selection``; empty without the reviews' properties
    label_runs: int = 0  # runs that only the studies hold
    copies: int = 0  # further records of the same runs, left out
    faults: tuple[str, ...] = ()  # predictions that could not be used, one sentence each
    distances: tuple[DistanceTrend, ...] = ()  # by source and corpus, of ``selection`` alone
    llms: tuple[LlmVerdict, ...] = ()  # every encoder against each large language model, on each target
    unanswered: tuple[Unanswered, ...] = ()  # where language models named no class
    costs: Mapping[str, Cost] = field(default_factory=dict)  # Entry.key -> of 1,000 reviews

    @property
    def names(self) -> dict[str, str]:
        """Entry.key -> Entry.name."""
        return {entry.key: entry.name for entry in self.entries}

    @property
    def order(self) -> dict[str, int]:
        """Entry.key -> its place, which is its colour in every figure."""
        return {entry.key: place for place, entry in enumerate(self.entries)}

    @property
    def selected(self) -> list[Cell]:
        """The cells of ``selection``."""
        return [cell for cell in self.cells if cell.selection == self.selection]

    def cost(self, entry: str) -> Cost:
        """Of 1,000 reviews with an entry, as far as it is known."""
        return self.costs.get(entry, Cost(None, None))

    def cell(self, entry: str, target: str, selection: str | None = None) -> Cell | None:
        """The cell of an entry on a dataset (under ``self.selection`` unless named), or None."""
        key = (entry, target, selection or self.selection)
        return next((cell for cell in self.cells if (cell.entry, cell.target, cell.selection) == key), None)
