"""How many labels zero-shot is worth, and what labels add to it, in sentences no stronger than the runs allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sentiment_transfer.report.analysis.budgets import TITLES, Budget, LabelUse, Study
from sentiment_transfer.report.prose.phrases import (
    NOUNS,
    estimate_text,
    interval_text,
    lower_is_better,
    p_text,
    points,
)
from sentiment_transfer.statistics.budgets import Crossing, Runs, crossing, over_runs
from sentiment_transfer.statistics.comparisons import holm
from sentiment_transfer.statistics.interval import Contrasts, contrasts, intervals, p_values
from sentiment_transfer.statistics.resampling import Scored

ALPHA = 0.05
APART = 8  # times: between numbers of labels further apart than this a straight line is said to be a weak one


def sentences(study: Study, scored: Mapping[Budget, Runs]) -> Iterator[str]:
    """``scored`` are the runs of each of the study's budgets, by seed and draw."""
    zero = study.of("none")
    if not zero:
        yield (
            f"How many labels of {place(study)} zero-shot is worth is not known: there is no zero-shot run of "
            f"{study.model} on it with the same settings."
        )
        return
    yield worth(study, zero[0], scored)
    ways: tuple[LabelUse, LabelUse] = ("sequential", "joint")
    for label_use in ways:
        if of := study.of(label_use):
            yield gains(study, label_use, zero[0], of, scored)


def place(study: Study) -> str:
    return f"{study.target} ({study.fold})" if study.fold else study.target


def worth(study: Study, zero: Budget, scored: Mapping[Budget, Runs]) -> str:
    curve = study.of("target_only")
    if len(curve) < 2:
        return (
            f"How many labels of {place(study)} zero-shot from {study.source} is worth to {study.model} is not known: "
            "that takes runs on the target's labels alone, of two numbers or more: "
            f"python train.py -m protocol=supervised targets={study.target} protocol.shots=4,64."
        )
    found = crossing(
        [budget.labels for budget in curve],
        [scored[budget] for budget in curve],
        scored[zero],
        study.n,
        lower_is_better=lower_is_better(study.metric),
    )
    noun = NOUNS[study.metric]
    zero_shot = f"zero-shot from {study.source} ({study.model}, {noun} {estimate_text(zero.mean)})"
    limits = (
        " At some of these points there is one run: the interval covers other reviews there, not other seeds or draws."
    )
    single = min(len(scored[budget]) for budget in (zero, *curve)) == 1
    return f"On {place(study)}, {zero_shot} {verdict(found, curve, noun)}{limits * single}"


def verdict(found: Crossing, curve: list[Budget], noun: str) -> str:
    first, last = curve[0], curve[-1]
    at_last = f"with {last.labels:,} labels alone {noun} is {estimate_text(last.mean)}"
    at_first = f"with {first.labels:,} labels alone {noun} is {estimate_text(first.mean)}"
    if found.surely_above:
        return f"is worth more labels than the {last.labels:,} that were tried: {at_last}, which is worse for certain."
    if found.surely_below:
        return f"is worth fewer labels than the {first.labels:,} that were tried: {at_first}, better for certain."
    low = f"fewer than {first.labels:,}" if found.low is None else rounded(found.low)
    high = f"more than {last.labels:,}" if found.high is None else rounded(found.high)
    if found.low is None and found.high is None:
        return (
            f"cannot be told from any number of labels: {first.labels:,} to {last.labels:,} were tried, and the 95 % "
            "interval holds all of them."
        )
    if found.estimate is None:
        side = f"more than the {last.labels:,}" if found.above else f"fewer than the {first.labels:,}"
        return (
            f"seems to be worth {side} labels that were tried ({at_last if found.above else at_first}), which is not "
            f"certain: the 95 % interval is {low} to {high}."
        )
    near = 1 + 1e-9  # the estimate has been through a logarithm
    below = max(budget.labels for budget in curve if budget.labels <= found.estimate * near)
    above = min(budget.labels for budget in curve if budget.labels >= found.estimate / near)
    text = (
        f"is worth about {rounded(found.estimate)} labels (95 % CI {low} to {high}): training on labels alone reaches "
        f"the same {noun} between {below:,} and {above:,}, the nearest numbers that were tried ({len(curve)}, from "
        f"{first.labels:,} to {last.labels:,}). The interval takes the curve to be straight over the logarithm between "
    )
    return text + ("these, and they lie far apart: run some in between." if above > APART * below else "them.")


def rounded(labels: float) -> str:
    """To two digits, as it is not known better: ``187.3`` -> ``190``."""
    digits = max(len(str(round(labels))) - 2, 0)
    return f"{round(labels, -digits):,.0f}"


def gains(study: Study, label_use: LabelUse, zero: Budget, of: list[Budget], scored: Mapping[Budget, Runs]) -> str:
    """What labels change against zero-shot with the same seeds; Holm over the numbers of labels."""
    here = f"On {place(study)}, {study.model} trained on {study.source}, {TITLES[label_use]}"
    paired = {budget: differences(scored[budget], scored[zero]) for budget in of}
    known = [budget for budget in of if paired[budget]]
    if not known:
        return f"{here}: nothing is compared with zero-shot, of which there is no run with the same seed."
    found = joined([contrasts(np.ones((1, 1)), over_runs([paired[b]]), smallest=1 / study.n**2) for b in known])
    (low, high), p = intervals(found), holm(p_values(found))
    sign = 1 if lower_is_better(study.metric) else -1
    gained = [k for k in range(len(known)) if p[k] < ALPHA and sign * found.values[k] < 0]
    lost = [k for k in range(len(known)) if p[k] < ALPHA and sign * found.values[k] > 0]
    last = len(known) - 1
    change, ends = float(found.values[last]), (float(low[last]), float(high[last]))
    if change < 0:
        ends = (-ends[1], -ends[0])
    over = f" after Holm over {len(known)} numbers of labels" if len(known) > 1 else ""
    tested = f"{interval_text(*ends)}, {p_text(float(p[last]))}{over}"
    noun, labels = NOUNS[study.metric], f"{known[last].labels:,} labels"
    if p[last] < ALPHA:
        verb = "falls" if change < 0 else "rises"
        text = f"{here}: with {labels} {noun} {verb} by {points(abs(change))} against zero-shot ({tested})."
    else:
        side = "lower" if change < 0 else "higher"
        text = (
            f"{here}: with {labels} no difference from zero-shot could be shown ({noun} {points(abs(change))} {side}, "
            f"{tested})."
        )
    if gained:
        text += f" The fewest labels with which a gain was shown: {known[gained[0]].labels:,}."
    else:
        text += " No gain could be shown with any number of labels."
    if lost:
        text += f" With {known[lost[0]].labels:,} labels it was shown to be worse than with none."
    if min(len(paired[budget]) for budget in known) == 1:
        text += " Where there is one run, this is about this network and these examples."
    return text


def differences(runs: Runs, zero: Runs) -> Runs:
    """Of each run the difference from the zero-shot run of its seed: they share a network, or the source's order."""
    seeds = {seed: scored for (seed, _), scored in zero.items()}
    return {
        (seed, draw): Scored(scored.values - seeds[seed].values, scored.replicates - seeds[seed].replicates)
        for (seed, draw), scored in runs.items()
        if seed in seeds
    }


def joined(found: list[Contrasts]) -> Contrasts:
    return Contrasts(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
