"""Where the scatter of a mean over seeds comes from: the seeds, the test reviews, and both together.

Every seed of a model answers the same reviews, so seeds and reviews are crossed: a score is mean + review + seed + the
rest. What other seeds and other reviews would change is the variance of all three. Resampling the reviews alone gives
review + rest, the scatter between seeds gives seed + rest; the rest, counted twice, is taken off once (Owen 2007,
"The pigeonhole bootstrap", section 3, shows that drawing rows and columns at once counts it up to three times).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sentiment_transfer.statistics.resampling import Scored


class Variances(NamedTuple):
    """Mean scores of several models (``m``) with the parts of their variance; seeds are independent across models."""

    means: np.ndarray  # (m,) over seeds
    examples: np.ndarray  # (m, m) covariance of the means over resampled reviews
    seeds: np.ndarray  # (m,) variance between seeds / number of seeds; 0 for one seed
    interaction: np.ndarray  # (m,) the share of both above that is seed x review, of the mean; 0 for one seed
    counts: np.ndarray  # (m,) int, number of seeds


def variances(models: Sequence[Scored]) -> Variances:
    """``models[i]`` holds one run per seed; models scored on the same reviews share their resamples."""
    averages = np.stack([model.replicates.mean(axis=0) for model in models])  # (m, draws)
    centred = averages - averages.mean(axis=1, keepdims=True)
    counts = np.array([len(model.values) for model in models])
    return Variances(
        means=np.array([model.values.mean() for model in models]),
        examples=centred @ centred.T / (centred.shape[1] - 1),
        seeds=np.array([model.values.var(ddof=1) if len(model.values) > 1 else 0.0 for model in models]) / counts,
        interaction=np.array([_rest(model.replicates) if len(model.values) > 1 else 0.0 for model in models]) / counts,
        counts=counts,
    )


def _rest(replicates: np.ndarray) -> float:
    """Variance over resamples of what one seed has and the others have not, (seeds, draws) -> one number."""
    own = replicates - replicates.mean(axis=0)
    return float(own.var(axis=1, ddof=1).sum() / (len(replicates) - 1))
