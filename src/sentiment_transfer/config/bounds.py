"""Bounds that several groups of options share."""

from __future__ import annotations

import math

from annotated_types import Interval

from sentiment_transfer.config.dataset import OneOf

POSITIVE = Interval(gt=0, lt=math.inf)
BELOW_ONE = Interval(ge=0, lt=1)
SEED = Interval(ge=0, lt=2**32)  # numpy's range
ACCELERATOR = OneOf(("auto", "cpu", "gpu", "cuda", "mps"))
PRECISION = OneOf(("auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true"))
SCORING_PRECISION = OneOf(("auto", "32-true", "bf16-mixed", "16-mixed"))
