from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sentiment_transfer.data import amazon
from sentiment_transfer.data.amazon import AmazonReviewsDataModule
from sentiment_transfer.errors import UserError

STARS = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AmazonReviewsDataModule, "rows_per_star", {"train": 2, "dev": 2, "test": 2})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "amazon_en").mkdir()
    return tmp_path / "amazon_en"


def original(stars: list[int] = STARS) -> list[dict[str, Any]]:
    return [
        {"review_id": f"en_{row}", "stars": star, "review_title": f"title {row}", "review_body": f"body {row}, {star}"}
        for row, star in enumerate(stars)
    ]


def json_lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def mirror(stars: list[int] = STARS) -> str:
    return json_lines([{"id": f"m{row}", "text": f"text {row}", "label": star - 1} for row, star in enumerate(stars)])


def assert_binary(module: AmazonReviewsDataModule, split: str = "train") -> None:
    rows = module.reviews(split)  # type: ignore[arg-type]
    assert rows.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert rows.dropped == {"with three stars": 2}
    assert len(set(rows.ids)) == 8


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_the_original_json_lines_are_read_and_binarised(folder: Path, split: str) -> None:
    (folder / f"dataset_en_{split}.json").write_text(json_lines(original()))
    module = AmazonReviewsDataModule(data_dir=folder.parent)
    assert_binary(module, split)
    assert module.reviews(split).table["text"][0].as_py() == "title 0\n\nbody 0, 1"  # type: ignore[arg-type]
    assert module.reviews(split).ids[0] == "en_0"  # type: ignore[arg-type]


def test_the_original_may_be_compressed(folder: Path) -> None:
    (folder / "dataset_en_train.json.gz").write_bytes(gzip.compress(json_lines(original()).encode()))
    assert_binary(AmazonReviewsDataModule(data_dir=folder.parent))


def test_the_body_alone_is_read_on_request(folder: Path) -> None:
    (folder / "dataset_en_train.json").write_text(json_lines(original()))
    module = AmazonReviewsDataModule(text_rule="body", data_dir=folder.parent)
    assert module.reviews("train").table["text"][0].as_py() == "body 0, 1"


@pytest.mark.parametrize("name", ["validation.csv", "dev.csv"])
def test_the_csv_form_is_read(folder: Path, name: str) -> None:
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(original()[0]))
        writer.writeheader()
        writer.writerows(original())
    module = AmazonReviewsDataModule(data_dir=folder.parent)
    assert_binary(module, "dev")
    assert module.reviews("dev").table["text"][1].as_py() == "title 1\n\nbody 1, 1"


def test_the_mirror_form_is_read(folder: Path) -> None:
    (folder / "validation.jsonl").write_text(mirror())
    assert_binary(AmazonReviewsDataModule(data_dir=folder.parent), "dev")


def test_the_mirror_form_has_no_bodies(folder: Path) -> None:
    (folder / "train.jsonl").write_text(mirror())
    with pytest.raises(UserError, match="it cannot serve text_rule=body"):
        AmazonReviewsDataModule(text_rule="body", data_dir=folder.parent).reviews("train")


@pytest.mark.parametrize("stars", [STARS[:-1], [1, 1, 1, 2, 3, 3, 4, 4, 5, 5], [*STARS, 6]])
def test_a_file_that_was_cut_off_or_changed_is_refused_with_its_counts(folder: Path, stars: list[int]) -> None:
    (folder / "dataset_en_train.json").write_text(json_lines(original(stars)))
    with pytest.raises(UserError, match=rf"has {len(stars)} rows \(stars 1: .*train split has 10, 2 for each star"):
        AmazonReviewsDataModule(data_dir=folder.parent).reviews("train")


def test_the_full_sizes_are_those_of_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert AmazonReviewsDataModule.rows_per_star == {"train": 40_000, "dev": 1_000, "test": 1_000}


@pytest.mark.parametrize("name", ["dataset_en_train.json", "train.jsonl"])
def test_a_missing_column_is_named_with_the_line(folder: Path, name: str) -> None:
    (folder / name).write_text(json_lines([{"headline": "x", "rating": 1}]))
    with pytest.raises(UserError, match=r"line 1: KeyError.*this row has headline, rating"):
        AmazonReviewsDataModule(data_dir=folder.parent).reviews("train")


@pytest.mark.parametrize(
    ("language", "rule", "repository", "config", "revision"),
    [
        ("ja", "title_body", "mteb/AmazonReviewsClassification", "ja", "6b5d328eaae8ef408dd7d775040245cf86f92e9d"),
        ("en", "body", "SetFit/amazon_reviews_multi_en", None, None),
    ],
)
def test_without_local_files_the_text_rule_chooses_the_mirror(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    rule: Any,
    repository: str,
    config: Any,
    revision: Any,
) -> None:
    asked: dict[str, Any] = {}

    def load_table(repository: str, split: str, columns: list[str], **rest: Any) -> pa.Table:
        asked.update(repository=repository, split=split, **rest)
        return pa.table({"text": [f"text {row}" for row in range(10)], "label": [star - 1 for star in STARS]})

    monkeypatch.setattr(amazon, "load_table", load_table)
    assert_binary(AmazonReviewsDataModule(language, rule, data_dir=tmp_path), "dev")
    assert (asked["repository"], asked["split"]) == (repository, "validation")
    assert (asked["config"], asked["revision"]) == (config, revision)
    assert str(tmp_path / f"amazon_{language}") in asked["instead"]


def test_french_is_refused() -> None:
    with pytest.raises(UserError, match=r"amazon.language=fr is invalid: it must be one of en, ja"):
        AmazonReviewsDataModule("fr")


def test_an_unknown_text_rule_is_refused() -> None:
    with pytest.raises(UserError, match=r"amazon\.text_rule=title is invalid"):
        AmazonReviewsDataModule("en", "title")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "stars"),
    [
        (None, [1, 5, 2]),
        (["0", "1", "2", "3", "4"], [1, 5, 2]),
        (["5 stars", "4 stars", "3", "2", "1 star"], [5, 1, 4]),
    ],
)
def test_label_names_on_the_hub_are_heeded(names: list[str] | None, stars: list[int]) -> None:
    features = {"label": {"names": names, "_type": "ClassLabel"}} if names else {}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    table = pa.table({"label": [0, 4, 1]}).replace_schema_metadata(metadata)
    assert amazon.stars_of_labels(table, "owner/name").tolist() == stars


def test_label_names_on_the_hub_that_are_no_stars_are_refused() -> None:
    features = {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    with pytest.raises(UserError, match="named bad, good on the Hugging Face hub, which are no stars"):
        amazon.stars_of_labels(pa.table({"label": [0, 1]}).replace_schema_metadata(metadata), "owner/name")
