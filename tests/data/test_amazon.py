from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.helpers.runs import composed

from sentiment_transfer.config.run_name import run_name
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


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "ja", "zh"])
def test_every_language_of_the_corpus_is_read(tmp_path: Path, language: str) -> None:
    (tmp_path / f"amazon_{language}").mkdir()
    (tmp_path / f"amazon_{language}" / f"dataset_{language}_test.json").write_text(json_lines(original()))
    module = AmazonReviewsDataModule(language=language, data_dir=tmp_path)
    assert_binary(module, "test")
    assert (module.name, module.reviews("test").language) == (f"amazon_{language}", language)


def test_the_groups_of_targets_are_of_one_domain() -> None:
    groups = {name: list(composed(f"targets={name}").targets) for name in ("marc", "near", "distant")}
    assert groups["near"] == ["amazon_de", "amazon_es", "amazon_fr"]
    assert groups["distant"] == ["amazon_ja", "amazon_zh"]
    assert sorted([*groups["near"], *groups["distant"], "amazon_en"]) == groups["marc"]


def test_a_part_of_a_split_is_read_on_request_and_says_so(folder: Path) -> None:
    (folder / "dataset_en_test.json").write_text(json_lines(original([1, 3, 4, 5])))
    with pytest.raises(UserError, match=r"type complete=false \(targets\.amazon_en\.complete=false\)"):
        AmazonReviewsDataModule(data_dir=folder.parent).reviews("test")
    reviews = AmazonReviewsDataModule(complete=False, data_dir=folder.parent).reviews("test")
    assert reviews.labels.tolist() == [0, 1, 1]
    assert reviews.part_of == 8
    assert reviews.reading.notes == ("3 of the 8 reviews of the test split (complete=false)",)


def test_a_complete_split_is_no_part(folder: Path) -> None:
    (folder / "dataset_en_test.json").write_text(json_lines(original()))
    reviews = AmazonReviewsDataModule(complete=False, data_dir=folder.parent).reviews("test")
    assert reviews.part_of is None and reviews.reading.notes == ()


@pytest.mark.parametrize(
    ("stars", "sentence"),
    [
        ([1, 1, 1, 5], "It was changed; fetch it again"),
        ([1, 5, 0], "It was changed; fetch it again"),
        ([1, 1, 2, 3], "on one class alone: the published files are sorted by star"),
    ],
)
def test_what_can_be_no_part_of_a_split_is_refused(folder: Path, stars: list[int], sentence: str) -> None:
    (folder / "dataset_en_test.json").write_text(json_lines(original(stars)))
    with pytest.raises(UserError, match=sentence):
        AmazonReviewsDataModule(complete=False, data_dir=folder.parent).reviews("test")


def test_the_option_is_in_a_runs_name_only_where_it_is_set() -> None:
    here, there = (composed("targets=amazon_de", *options) for options in ((), ("targets.amazon_de.complete=false",)))
    assert run_name(here) != run_name(there)
    assert run_name(here) == run_name(composed("targets=amazon_de", "targets.amazon_de.complete=true"))


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


def test_italian_is_refused() -> None:
    with pytest.raises(UserError, match=r"amazon.language=it is invalid: it must be one of de, en, es, fr, ja, zh"):
        AmazonReviewsDataModule("it")


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
