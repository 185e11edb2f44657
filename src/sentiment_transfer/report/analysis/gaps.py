"""What an unseen language costs: error on a target less error of the same networks on their source's own test set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sentiment_transfer.report.analysis.cells import Measured
from sentiment_transfer.report.analysis.comparisons import ALPHA, scope_of
from sentiment_transfer.report.analysis.findings import Estimate, TransferGap
from sentiment_transfer.report.prose.phrases import interval_text, p_text, points
from sentiment_transfer.statistics.comparisons import holm
from sentiment_transfer.statistics.interval import Contrasts, contrasts, intervals, p_values
from sentiment_transfer.statistics.resampling import Scored
from sentiment_transfer.statistics.variance import variances


def gaps(cells: Sequence[Measured], names: Mapping[str, str]) -> list[TransferGap]:
    """Error on each target less error on the source's own test set, for the entries of one source; Holm over them."""
    pairs = [
        (home, away)
        for home in cells
        for away in cells
        if home.cell.entry == away.cell.entry
        and home.cell.role == "source"
        and away.cell.role == "target"
        and home.cell.classes == away.cell.classes
    ]
    if not pairs:
        return []
    # The same networks answer both sets, so their seeds are paired; the reviews are not.
    found = [
        contrasts(
            np.ones((1, 1)),
            variances([Scored(away.error.values - home.error.values, away.error.replicates - home.error.replicates)]),
        )
        for home, away in pairs
    ]
    joined = Contrasts(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    low, high = intervals(joined)
    p = p_values(joined)
    adjusted = holm(p)
    return [
        gap(
            home,
            away,
            Estimate(float(joined.values[k]), float(low[k]), float(high[k]), scope_of([home])),
            float(p[k]),
            float(adjusted[k]),
            names,
        )
        for k, (home, away) in enumerate(pairs)
    ]


def gap(
    home: Measured, away: Measured, estimate: Estimate, p: float, p_holm: float, names: Mapping[str, str]
) -> TransferGap:
    target, own = away.cell.target, home.cell.target
    name = f"{names[home.cell.entry]} trained on {home.cell.source}"
    interval = interval_text(estimate.low, estimate.high)
    if p_holm >= ALPHA:
        text = (
            f"For {name}, no difference between the errors on {target} and on {own}, the source's own test set, could "
            f"be shown ({points(estimate.value)}, {interval}, {p_text(p_holm)})."
        )
    else:
        side, value, low, high = "higher", estimate.value, estimate.low, estimate.high
        if value < 0 and low is not None and high is not None:
            side, value, low, high = "lower", -value, -high, -low
        text = (
            f"For {name}, the error on {target} is {points(value)} {side} than on {own}, the source's own test set "
            f"({interval_text(low, high)}, {p_text(p_holm)})."
        )
    if estimate.scope == "examples":
        text += " With one seed this is about this network; other seeds may differ."
    return TransferGap(home.cell.entry, own, target, home.cell.selection, estimate, p, p_holm, text)
