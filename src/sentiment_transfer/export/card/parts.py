"""The rows of a card's tables, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

# Files of an exported folder, where transformers.js and optimum look for them on the hub.
FP32 = "onnx/model.onnx"
INT8 = "onnx/model_quantized.onnx"


@dataclass(frozen=True)
class ScoreRow:
    """The scores on one dataset under the exported selection; they are fractions in 0..1."""

    dataset: str
    language: str
    protocol: str
    n: int
    classes: int
    metric: str  # the headline metric, a key of Scores
    value: float
    low: float | None  # 95 % interval over other test reviews; None without predictions
    high: float | None
    floor: float  # the same metric of the best constant answer
    accuracy: float
    macro_f1: float
    ece: float


@dataclass(frozen=True)
class Conversion:
    """A converted network's scores on one test set, beside those of the original in fp32."""

    file: str  # inside the exported folder
    dataset: str
    n: int  # reviews that were compared
    of: int  # reviews in the test set
    largest_difference: float  # between two logits
    agreement: float  # share of the reviews with the same label
    metric: str  # the dataset's headline metric
    original: float
    converted: float
    low: float  # 95 % interval of converted - original, over other test reviews
    high: float
