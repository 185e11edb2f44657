"""Published numbers: well-formed, and beside ours only where they may be."""

from __future__ import annotations

import pytest
from tests.helpers.example_result import example_entry, example_scores

from sentiment_transfer.config.dataset import datasets, headline_metric
from sentiment_transfer.formatting import METRIC_TITLES, percent
from sentiment_transfer.results.published import PublishedNumber, compare, published
from sentiment_transfer.results.record import DatasetScores


def amazon_ja(n: int = 4000) -> DatasetScores:
    return example_entry("amazon_ja", example_scores(0.1, n=n))


def verdict(system: str, entry: DatasetScores, sources: list[str], target: str) -> list[tuple[bool, str]]:
    rows = compare(target, entry, sources, "base")
    return [(comparable, reason) for row, comparable, reason in rows if row.system == system]


@pytest.mark.parametrize("row", published(), ids=lambda row: f"{row.target}-{row.system}-{row.value}")
def test_every_entry_is_well_formed(row: PublishedNumber) -> None:
    assert row.metric in {*METRIC_TITLES, "f1"}
    assert row.protocol in {"zero-shot", "supervised"}
    assert row.unit in {"%", "fraction"}
    assert row.status in {"checked", "quoted", "doubtful"}
    assert 0 < row.fraction < 1
    assert row.source and row.system and row.training


def test_accuracy_as_a_fraction_and_error_in_percent_share_one_scale() -> None:
    values = {row.system: row.fraction for row in published() if row.target == "marc_ja"}
    assert values == {"XLM-R large": 0.965, "XLM-R base": 0.962}
    assert any(row.fraction == pytest.approx(0.1112) for row in published())


def test_same_protocol_metric_source_and_size_is_comparable() -> None:
    assert verdict("XLM-R base", amazon_ja(), ["amazon_en"], "amazon_ja") == [
        (True, ""),
        (False, "supervised, this run is zero-shot"),
    ]


def test_another_encoder_is_comparable_and_the_same_one_comes_first() -> None:
    rows = compare("smsa_id", example_entry("smsa_id", example_scores(0.1)), ["smsa_id"], "large")
    assert rows[0].row.system == "XLM-R large"
    entry = example_entry("indolem_id", example_scores(0.2, n=5048, folds=5), protocol="supervised")
    rows = compare("indolem_id", entry, ["indolem_id"], "indobert_large")
    assert [row.system for row, comparable, _ in rows if comparable] == ["IndoBERT", "MalayBERT", "mBERT", "Bi-LSTM"]


def test_another_source_is_not_comparable() -> None:
    assert (False, "trained on AmazonEN, this run on written_en") in verdict(
        "XLM-R base", amazon_ja(), ["written_en"], "amazon_ja"
    )


def test_unstated_training_set_is_not_comparable() -> None:
    [(comparable, reason)] = verdict("mBERT", amazon_ja(), ["amazon_en"], "amazon_ja")
    assert not comparable and "not stated" in reason


def test_subset_of_the_test_set_is_not_comparable() -> None:
    assert (False, "4,000 test reviews, ours 500") in verdict("XLM-R base", amazon_ja(500), ["amazon_en"], "amazon_ja")


def test_two_classes_do_not_stand_beside_three() -> None:
    entry = example_entry("smsa_id", example_scores(0.1, n=500), protocol="supervised")
    assert verdict("mBERT", entry, ["smsa_id"], "smsa_id") == [(False, "3 classes, ours 2")]


def test_one_fold_does_not_stand_beside_the_mean_of_five() -> None:
    entry = example_entry("indolem_id", example_scores(0.2), protocol="supervised")
    assert verdict("IndoBERT", entry, ["indolem_id"], "indolem_id") == [
        (False, "F1 positive %, mean of folds, ours is F1 positive %")
    ]


def test_unstated_kind_of_f1_is_never_comparable_and_its_mislabelling_is_explained() -> None:
    entry = example_entry("smsa_id", example_scores(0.1))
    rows = [row for row in compare("smsa_id", entry, ["amazon_en"], "base") if row.row.metric == "f1"]
    assert [row.reason for row in rows] == ["the kind of F1 is not stated"] * 2
    assert all("error percentage" in row.row.note for row in rows)


def test_order_of_sources_does_not_matter() -> None:
    entry = example_entry("indolem_id", example_scores(0.2, n=5048, folds=5))
    rows = compare("indolem_id", entry, ["amazon_ja", "amazon_en"], "base")
    assert [row.value for row, comparable, _ in rows if comparable] == [73.31]


def test_sets_without_published_numbers_have_none() -> None:
    assert compare("written_ja", example_entry("written_ja", example_scores(0.1)), ["written_en"], "nano") == []


@pytest.mark.parametrize(
    ("dataset", "metric"),
    [("amazon_ja", "error"), ("smsa_id", "macro_f1"), ("csv", "macro_f1"), ("jalan_ja", "macro_f1")],
)
def test_headline_metric_is_the_fields_own(dataset: str, metric: str) -> None:
    assert headline_metric(dataset, example_scores(0.1)) == metric


def test_indolem_is_quoted_by_the_mean_over_folds_where_there_are_folds() -> None:
    assert headline_metric("indolem_id", example_scores(0.1, folds=5)) == "f1_positive_mean_folds"
    assert headline_metric("indolem_id", example_scores(0.1)) == "f1_positive"


def test_every_headline_metric_has_a_title() -> None:
    assert {dataset.headline_metric for dataset in datasets().values()} <= set(METRIC_TITLES)
    assert percent(0.1112) == "11.12"


OWN = {"kind": "csv", "path": "x.csv", "language": "ja"}
AMAZON = {language: {"kind": "amazon", "language": language} for language in ("en", "ja")}


def test_a_file_of_ones_own_has_no_published_number_whatever_its_name() -> None:
    for name in ("amazon_ja", "marc_ja", "xnli"):
        assert compare(name, amazon_ja(), ["amazon_en"], "base", {"targets": {name: OWN}, "source": {}}) == []


def test_a_dataset_has_its_published_numbers_whatever_its_name() -> None:
    config = {"targets": {"csv": AMAZON["ja"]}, "source": {"mine": AMAZON["en"]}}
    rows = compare("csv", amazon_ja(), ["mine"], "base", config)
    assert [row.value for row, comparable, _ in rows if comparable] == [11.12]


def test_a_source_of_ones_own_is_not_the_dataset_whose_name_it_has() -> None:
    config = {"targets": {"amazon_ja": AMAZON["ja"]}, "source": {"amazon_en": OWN}}
    rows = compare("amazon_ja", amazon_ja(), ["amazon_en"], "base", config)
    assert not any(comparable for _, comparable, _ in rows)
    assert "trained on AmazonEN, this run on amazon_en (csv)" in [reason for _, _, reason in rows]


def test_a_file_is_quoted_by_the_metric_of_files_whatever_its_name() -> None:
    assert headline_metric("amazon_ja", example_scores(0.1), "csv") == "macro_f1"
    assert headline_metric("shop", example_scores(0.1), "amazon") == "error"
