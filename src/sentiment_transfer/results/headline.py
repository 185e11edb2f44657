"""The one number an evaluation set is quoted by."""

from __future__ import annotations

from collections.abc import Container

HEADLINE = {
    "amazon_en": "error",
    "amazon_ja": "error",
    "rakuten_ja": "error",
    "written_en": "error",
    "written_ja": "error",
    "written_id": "error",
    "indolem_id": "f1_positive",  # Koto et al. 2020
    "smsa_id": "macro_f1",  # Wilie et al. 2020
    "uci_en": "macro_f1",
    "jalan_ja": "macro_f1",
}
OWN_FILE = "macro_f1"  # any other name is a file of the user's, whose balance is not known


def headline_metric(dataset: str, scores: Container[str]) -> str:
    """Name of the headline metric of a dataset, given its scores (or the names of its metrics).

    IndoLEM's is the mean over folds where the scores have it.
    """
    metric = HEADLINE.get(dataset, OWN_FILE)
    over_folds = f"{metric}_mean_folds"
    return over_folds if over_folds in scores else metric
