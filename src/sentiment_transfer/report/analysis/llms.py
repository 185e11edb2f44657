"""Every encoder against each large language model on each target, and what predicting costs.

A family of tests of its own for each language model, with Holm's correction: no other comparison changes because one
was evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sentiment_transfer.config.prices import Prices
from sentiment_transfer.formatting import lower_is_better
from sentiment_transfer.report.analysis.cells import ResampledCell, scope_of
from sentiment_transfer.report.analysis.comparisons import estimate, least_variance, same_rows
from sentiment_transfer.report.analysis.datasets import recorded_name
from sentiment_transfer.report.analysis.findings import Entry
from sentiment_transfer.report.analysis.llm_findings import Cost, LlmComparison, LlmVerdict, Unanswered
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.statistics.comparisons import ALPHA, family_tests
from sentiment_transfer.statistics.interval import ENOUGH_SEEDS, contrasts, variances
from sentiment_transfer.statistics.resampling import Scored

LESS_THE_LLM = np.array([[-1.0, 1.0]])


def llm_verdicts(cells: Sequence[ResampledCell], entries: Mapping[str, Entry]) -> list[LlmVerdict]:
    """A verdict for each prompted entry, on the targets that encoders were scored on as well."""
    encoders = [c for c in cells if c.cell.role == "target" and not entries[c.cell.entry].prompted]
    found = []
    for key in dict.fromkeys(c.cell.entry for c in cells if entries[c.cell.entry].prompted):
        sides = [
            (own, other)
            for own in cells
            if own.cell.entry == key
            for other in encoders
            if (other.cell.target, other.cell.metric, other.cell.classes)
            == (own.cell.target, own.cell.metric, own.cell.classes)
        ]
        if sides:
            found.append(LlmVerdict(key, tuple(compared(sides, entries[key]))))
    return found


def compared(sides: Sequence[tuple[ResampledCell, ResampledCell]], llm: Entry) -> list[LlmComparison]:
    models = [variances([repeated(own.score) if llm.deterministic else own.score, other.score]) for own, other in sides]
    tests = family_tests(
        [
            contrasts(LESS_THE_LLM, each, extra_variance=least_variance(pair))
            for each, pair in zip(models, sides, strict=True)
        ]
    )
    comparisons = []
    for (own, other), each, test in zip(sides, models, tests, strict=True):
        cell = other.cell
        gain = estimate(test, scope_of(each.counts)).scaled(-1 if lower_is_better(cell.metric) else 1)
        comparisons.append(
            LlmComparison(
                encoder=cell.entry,
                target=cell.target,
                language=cell.language,
                metric=cell.metric,
                gain=gain,
                p=test.p,
                p_holm=test.p_holm,
                shown="not shown" if test.p_holm >= ALPHA else "better" if gain.value > 0 else "worse",
                paired=same_rows(own, other),
            )
        )
    return comparisons


def repeated(score: Scored) -> Scored:
    """The score of a model that has no seed, as that of enough seeds which all agree."""
    return Scored(np.repeat(score.values, ENOUGH_SEEDS), np.repeat(score.replicates, ENOUGH_SEEDS, axis=0))


def unanswered(entries: Mapping[str, Entry], runs: Mapping[str, RunResult]) -> list[Unanswered]:
    """Where language models named no class, or declined."""
    found = []
    for key, entry in entries.items():
        counts: dict[str, tuple[int, int]] = {}
        for run in (runs[run_id] for run_id in entry.run_ids if entry.prompted):
            for name, scores in run["scores"].items():
                each, so_far = run["llm"]["answers"][recorded_name(run["config"], name)], counts.get(name, (0, 0))
                counts[name] = so_far[0] + each["unparsable"] + each["refused"], so_far[1] + scores["n"]
        found += [Unanswered(key, name, answers, of) for name, (answers, of) in counts.items() if answers]
    return found


def costs_of(entries: Mapping[str, Entry], runs: Mapping[str, RunResult], prices: Prices) -> dict[str, Cost]:
    """The cost of 1,000 reviews with every entry, by its key."""
    return {key: cost_of([runs[run_id] for run_id in entry.run_ids], prices) for key, entry in entries.items()}


def cost_of(runs: Sequence[RunResult], prices: Prices) -> Cost:
    """A language model's dollars are those of its tokens, an encoder's those of the machine's time."""
    seconds, dollars = [], []
    for run in runs:
        rate = run["performance"].get("examples_per_second", {}).get("score")
        if rate:
            seconds.append(1000 / rate)
        if (llm := run.get("llm")) is not None:
            paid = [each["cost"] for each in llm["answers"].values()]
            rows = sum(entry["n"] for entry in run["scores"].values())
            dollars.append(None if None in paid else 1000 * sum(filter(None, paid)) / rows)
        else:
            hour = prices.per_hour(run["device"]["name"])
            dollars.append(None if hour is None or not rate else 1000 / rate * hour / 3600)
    known = [each for each in dollars if each is not None]
    return Cost(
        seconds=float(np.mean(seconds)) if seconds else None,
        dollars=float(np.mean(known)) if known and len(known) == len(dollars) else None,
    )
