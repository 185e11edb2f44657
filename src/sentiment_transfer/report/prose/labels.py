"""Sentences on labels of the target: the number of them that zero-shot is worth, and what they add to it."""

from __future__ import annotations

from collections.abc import Iterator

from sentiment_transfer.commands import command
from sentiment_transfer.formatting import interval_text, lower_is_better, metric_noun, p_holm_text, points
from sentiment_transfer.report.analysis.findings import Budget, LabelUse, Study
from sentiment_transfer.report.prose.cautions import estimate_text
from sentiment_transfer.statistics.comparisons import ALPHA
from sentiment_transfer.statistics.crossing import Crossing

LABEL_USES: dict[LabelUse, str] = {
    "none": "no target label",
    "target_only": "target labels alone",
    "sequential": "source, then target labels",
    "joint": "source and target labels together",
}
APART = 8  # times: interpolation between numbers of labels further apart than this is called weak


def label_sentences(study: Study) -> Iterator[str]:
    """One sentence on the value of zero-shot in labels, and one on the gain for each use of labels beside it."""
    zero_shot = study.of("none")
    if not zero_shot:
        yield (
            f"How many labels of {place(study)} zero-shot is worth is not known: there is no zero-shot run of "
            f"{study.model} on it with the same settings."
        )
        return
    yield value_text(study, zero_shot[0])
    uses: tuple[LabelUse, LabelUse] = ("sequential", "joint")
    for label_use in uses:
        if study.of(label_use):
            yield gain_text(study, label_use)


def place(study: Study) -> str:
    return f"{study.target} ({study.fold})" if study.fold else study.target


def value_text(study: Study, zero_shot: Budget) -> str:
    curve = study.of("target_only")
    if study.label_value is None:
        return (
            f"How many labels of {place(study)} zero-shot from {study.source} is worth to {study.model} is not known: "
            "that takes runs on the target's labels alone, of two numbers or more: "
            f"{command('train', '-m', 'protocol=supervised', f'targets={study.target}', 'protocol.shots=4,64')}."
        )
    noun = metric_noun(study.metric)
    subject = f"zero-shot from {study.source} ({study.model}, {noun} {estimate_text(zero_shot.mean)})"
    single = any(budget.mean.scope == "examples" for budget in (zero_shot, *curve))
    limits = (
        " At some of these points there are fewer than three runs: the interval covers other reviews there, not other "
        "seeds or draws."
    )
    return f"On {place(study)}, {subject} {verdict(study.label_value, curve, noun)}{limits * single}"


def verdict(value: Crossing, curve: list[Budget], noun: str) -> str:
    first, last = curve[0], curve[-1]
    at_last = f"with {last.labels:,} labels alone {noun} is {estimate_text(last.mean)}"
    at_first = f"with {first.labels:,} labels alone {noun} is {estimate_text(first.mean)}"
    if value.surely_above:
        return f"is worth more labels than the {last.labels:,} that were tried: {at_last}, shown to be worse."
    if value.surely_below:
        return f"is worth fewer labels than the {first.labels:,} that were tried: {at_first}, shown to be better."
    low = f"fewer than {first.labels:,}" if value.low is None else rounded(value.low)
    high = f"more than {last.labels:,}" if value.high is None else rounded(value.high)
    if value.low is None and value.high is None:
        return (
            f"could not be placed among the numbers of labels: {first.labels:,} to {last.labels:,} were tried, and the "
            "95 % interval contains all of them."
        )
    if value.estimate is None:
        side = f"more than the {last.labels:,}" if value.above else f"fewer than the {first.labels:,}"
        return (
            f"seems to be worth {side} labels that were tried ({at_last if value.above else at_first}), which is not "
            f"certain: the 95 % interval is {low} to {high}."
        )
    near = 1 + 1e-9  # the estimate has been through a logarithm
    below = max(budget.labels for budget in curve if budget.labels <= value.estimate * near)
    above = min(budget.labels for budget in curve if budget.labels >= value.estimate / near)
    text = (
        f"is worth about {rounded(value.estimate)} labels (95 % CI {low} to {high}): training on labels alone reaches "
        f"the same {noun} between {below:,} and {above:,}, the nearest numbers that were tried ({len(curve)}, from "
        f"{first.labels:,} to {last.labels:,}). The interval assumes a straight line over the logarithm between "
    )
    return text + ("these, and they lie far apart: run some in between." if above > APART * below else "them.")


def rounded(labels: float) -> str:
    """To two significant digits, as it is not known better: ``187.3`` -> ``190``."""
    digits = max(len(str(round(labels))) - 2, 0)
    return f"{round(labels, -digits):,.0f}"


def gain_text(study: Study, label_use: LabelUse) -> str:
    """The change against zero-shot with the most labels, and the fewest labels with which a gain was shown."""
    here = f"On {place(study)}, {study.model} trained on {study.source}, {LABEL_USES[label_use]}"
    gains = [gain for gain in study.gains if gain.budget.label_use == label_use]
    if not gains:
        return f"{here}: not compared with zero-shot, of which there is no run with the same seed."
    sign = 1 if lower_is_better(study.metric) else -1
    gained = [gain for gain in gains if gain.p_holm < ALPHA and sign * gain.change.value < 0]
    lost = [gain for gain in gains if gain.p_holm < ALPHA and sign * gain.change.value > 0]
    last = gains[-1]
    lower, change = last.change.value < 0, last.change.magnitude
    p = p_holm_text(last.p_holm, len(gains), "numbers of labels")
    tested = f"{interval_text(change.low, change.high)}, {p}"
    noun, labels = metric_noun(study.metric), f"{last.budget.labels:,} labels"
    if last.p_holm < ALPHA:
        verb = "falls" if lower else "rises"
        text = f"{here}: with {labels} {noun} {verb} by {points(change.value)} against zero-shot ({tested})."
    else:
        side = "lower" if lower else "higher"
        text = (
            f"{here}: with {labels} no difference from zero-shot could be shown ({noun} {points(change.value)} {side}, "
            f"{tested})."
        )
    if gained:
        text += f" The fewest labels with which a gain was shown: {gained[0].budget.labels:,}."
    else:
        text += " No gain could be shown with any number of labels."
    if lost:
        text += f" With {lost[0].budget.labels:,} labels it was shown to be worse than with none."
    if any(gain.change.scope == "examples" for gain in gains):
        text += " Where there are fewer than three runs, this is about these networks and these examples."
    return text
