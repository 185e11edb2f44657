"""What the report says of target labels, as plain values: scores over the number of labels that were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentiment_transfer.report.analysis.findings import Estimate

LabelUse = Literal["none", "target_only", "sequential", "joint"]
TITLES: dict[str, str] = {
    "none": "no target label",
    "target_only": "target labels alone",
    "sequential": "source, then target labels",
    "joint": "source and target labels together",
}


@dataclass(frozen=True)
class Budget:
    """Runs with the same labels of a target, in number and use."""

    label_use: LabelUse
    labels: int  # of the target, all classes together; 0 for zero-shot
    per_class: int | None  # as the protocol names it; None for none, and for the whole training split
    mean: Estimate  # over all runs, of the headline metric
    seeds: int
    draws: int
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """One model on one target: from no label to all of them."""

    model: str
    source: str  # names joined by "+"; empty where no run here has one
    target: str
    fold: str  # "fold 0" where one of several folds is trained on and tested; else empty
    metric: str
    selection: str
    n: int  # test reviews
    budgets: tuple[Budget, ...]  # zero-shot first, then by use and number of labels
    sentences: tuple[str, ...]

    def of(self, label_use: LabelUse) -> list[Budget]:
        return [budget for budget in self.budgets if budget.label_use == label_use]
