"""A model's answers in Python: the prediction for one text, and a list of them that is also a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 4  # of a probability that is shown


class Prediction(NamedTuple):
    """A model's prediction for one text."""

    label: str | None  # negative, neutral or positive; None if the text cannot be classified
    probabilities: dict[str, float]  # class -> probability, adding up to 1; empty without a label
    reason: str = ""  # why there is no label

    @property
    def probability(self) -> float | None:
        """Of the label."""
        return None if self.label is None else self.probabilities[self.label]

    def __repr__(self) -> str:
        if self.label is None:
            return f"Prediction(label=None, reason={self.reason!r})"
        shown = {name: round(value, DIGITS) for name, value in self.probabilities.items()}
        return f"Prediction(label={self.label!r}, probabilities={shown})"


class Predictions(list[Prediction]):
    """A list of predictions, in the order of the texts.

    Attributes:
        classes: of the model.
        row_index: of the Series that the texts were, else None.
    """

    def __init__(self, predictions: Iterable[Prediction], classes: tuple[str, ...], row_index: Any = None) -> None:
        super().__init__(predictions)
        self.classes, self.row_index = classes, row_index

    def to_frame(self) -> pd.DataFrame:
        """One row per text, with the index of the Series that the texts were: ``frame.join(predictions.to_frame())``.

        Columns, as in the files of ``predict.py``: ``label`` (None without one), ``probability_<class>`` for each
        class (NaN without a label), ``reason`` (empty with a label).
        """
        import pandas as pd

        columns: dict[str, Any] = {"label": pd.Series([each.label for each in self], dtype=object)}
        for name in self.classes:
            columns[f"probability_{name}"] = pd.Series([each.probabilities.get(name) for each in self], dtype="float64")
        columns["reason"] = pd.Series([each.reason for each in self], dtype=object)
        frame = pd.DataFrame(columns)
        if self.row_index is not None:
            frame.index = self.row_index
        return frame

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ([*self], self.classes, self.row_index)
