from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.errors import UserError

ROWS = [("good", "1"), ("bad", "0"), ("fine, really", "1"), ("awful", "0")]


def module(path: Any, **settings: Any) -> CSVDataModule:
    return CSVDataModule(path, **{"language": "en", "test_fraction": 1.0} | settings)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def many(path: Path, count: int = 100, positive_every: int = 4) -> Path:
    lines = "".join(f"review {row},{int(row % positive_every == 0)}\n" for row in range(count))
    return write(path, "text,label\n" + lines)


def write_as(path: Path) -> Path:
    """ROWS in the format that the file's ending says."""
    kind = path.name.split(".", 1)[1]
    if kind.startswith("parquet"):
        pq.write_table(pa.table({"text": [r[0] for r in ROWS], "label": [float(r[1]) for r in ROWS]}), path)
    elif kind.startswith("jsonl"):
        write(path, "".join(json.dumps({"text": text, "label": int(label)}) + "\n" for text, label in ROWS))
    elif kind.startswith("csv"):
        write(path, "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS))
    else:
        write(path, "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS))
    if kind.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    if kind.endswith(".xz"):
        path.write_bytes(lzma.compress(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    "name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.parquet", "a.csv.gz", "a.tsv.xz", "a.jsonl.gz", "a.parquet.gz"]
)
def test_every_format_gives_the_same_reviews(tmp_path: Path, name: str) -> None:
    rows = module(write_as(tmp_path / name)).reviews("test")
    assert rows.table["text"].to_pylist() == [text for text, _ in ROWS]
    assert rows.labels.tolist() == [1, 0, 1, 0]
    assert (rows.language, rows.domain) == ("en", "own")


def test_columns_go_by_number_where_there_is_no_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'x\t1\tsaid "yes\nx\t0\tno\n')
    rows = module(path, header=False, text=2, label=1).reviews("test")
    assert rows.table["text"].to_pylist() == ['said "yes', "no"]
    assert rows.ids == ["a.tsv:1", "a.tsv:2"]


def test_a_list_or_a_pattern_reads_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "a.csv", f"text,label\n{folder} good,1\n{folder} bad,0\n")
    by_list = module([tmp_path / "one" / "a.csv", tmp_path / "two" / "a.csv"]).reviews("test")
    by_pattern = module("*/a.csv", data_dir=tmp_path).reviews("test")
    assert by_list.table["text"].to_pylist() == by_pattern.table["text"].to_pylist()
    assert len(set(by_list.ids)) == 4
    monkeypatch.chdir(tmp_path / "one")
    assert len(module("a.csv", data_dir="/nowhere").reviews("test")) == 2


def test_text_of_any_script_is_kept(tmp_path: Path) -> None:
    texts = ["\U0001f600", "ｶﾞｷﾞ", "ممتاز \u200f", "あ" * 700_000]
    path = write(
        tmp_path / "a.csv", "\ufefftext,label\r\n" + "".join(f"{text},{n % 2}\r\n" for n, text in enumerate(texts))
    )
    assert module(path).reviews("test").table["text"].to_pylist() == texts


# Labels


def test_label_words_are_mapped_and_null_drops_the_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\na,Bad\nb,good\nc,unsure\nd,meh\n")
    labels = {"bad": "negative", "GOOD": "positive", "unsure": None, "meh": "neutral"}
    binary = module(path, labels=labels).reviews("test")
    assert binary.labels.tolist() == [0, 1]
    assert binary.dropped == {"labelled 'unsure'": 1, "labelled 'meh'": 1}
    assert module(path, labels=labels, classes=3).reviews("test").labels.tolist() == [0, 2, 1]


def test_ambiguous_labels_are_refused_with_what_to_type(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\na,1\nb,2\nc,2\n")
    with pytest.raises(UserError, match=r"'source\.csv\.labels=\{2: <class>, 1: <class>\}' \(2 and 1 rows\)"):
        module(path).reviews("test")


def test_an_unknown_label_word_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\na,good\nb,gud\n")
    with pytest.raises(UserError, match=r"a\.csv, line 3: the label 'gud' is not among those of labels= \(good\)"):
        module(path, labels={"good": "positive"}).reviews("test")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label\na,1\nb, \n"),
        ("a.jsonl", '{"text": "a", "label": 1}\n\n{"text": "b", "label": null}\n'),
    ],
)
def test_a_blank_label_is_refused_with_its_line(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(UserError, match="line 3: the label is blank"):
        module(write(tmp_path / name, content)).reviews("test")


def test_a_blank_label_in_parquet_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": [1.0, float("nan")]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="line 2: the label is blank"):
        module(tmp_path / "a.parquet").reviews("test")


def test_one_class_is_enough_to_score_on_but_not_to_train_on(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + "good,positive\n" * 30)
    assert module(path).reviews("test").label_counts() == {"negative": 0, "positive": 30}
    with pytest.raises(UserError, match=r"all 24 training rows of .* are positive"):
        module(path, test_fraction=0.1).reviews("train")


# Splits


def test_shares_cut_disjoint_stratified_splits_that_no_seed_changes(tmp_path: Path) -> None:
    path = many(tmp_path / "a.csv")
    one, other = (CSVDataModule(path, language="en", seed=seed, dev_fraction=0.2) for seed in (0, 1))
    sizes = {split: one.reviews(split).label_counts() for split in ("train", "dev", "test")}
    assert sizes["test"] in ({"negative": 8, "positive": 2}, {"negative": 7, "positive": 3})
    assert sizes["dev"]["positive"] == 5
    assert sum(sum(counts.values()) for counts in sizes.values()) == 100
    everything = [set(one.reviews(split).ids) for split in ("train", "dev", "test")]
    assert len(set.union(*everything)) == 100
    assert [set(other.reviews(split).ids) for split in ("train", "dev", "test")] == everything


def test_a_target_is_the_whole_file(tmp_path: Path) -> None:
    target = module(many(tmp_path / "a.csv"))
    assert [target.has(split) for split in ("train", "dev", "test")] == [False, False, True]
    assert target.reviews("test").ids == [f"a.csv:{line}" for line in range(2, 102)]
    with pytest.raises(UserError, match="there is no train split"):
        target.reviews("train")


def test_a_share_of_zero_means_no_such_split(tmp_path: Path) -> None:
    source = CSVDataModule(many(tmp_path / "a.csv"), language="en", dev_fraction=0, test_fraction=0)
    assert [source.has(split) for split in ("train", "dev", "test")] == [True, False, False]
    assert len(source.reviews("train")) == 100


def test_files_of_their_own_replace_the_shares(tmp_path: Path) -> None:
    source = CSVDataModule(
        many(tmp_path / "a.csv"),
        language="en",
        dev_path=many(tmp_path / "dev.csv", 12),
        test_path=many(tmp_path / "test.csv", 8),
    )
    assert [len(source.reviews(split)) for split in ("train", "dev", "test")] == [100, 12, 8]
    assert all(source.has(split) for split in ("train", "dev", "test"))


# Bad input


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"classes": 4}, "classes=4"),
        ({"test_fraction": 1.5}, "csv.test_fraction=1.5 is invalid: it must be a number in"),
        ({"dev_fraction": 0.5, "test_fraction": 0.5}, "leave nothing to train on"),
        ({"language": ""}, "csv.language is not set"),
        ({"labels": {"bad": "nasty"}}, "maps 'bad' to 'nasty'"),
    ],
)
def test_impossible_settings_are_refused_before_a_file_is_touched(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        module("/nowhere.csv", **settings)


def test_a_missing_file_is_refused_with_the_places_looked_at(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"no file .*none\.csv nor {tmp_path}/none\.csv"):
        module("none.csv", data_dir=tmp_path).reviews("test")


def test_a_missing_column_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(UserError, match=rf"{name} has no column 'review'. It has: text, label"):
            module(write_as(tmp_path / name), text="review").reviews("test")
    with pytest.raises(UserError, match=r"line 1: no 'review'. The line has: text, label"):
        module(write_as(tmp_path / "a.jsonl"), text="review").reviews("test")


@pytest.mark.parametrize("number", [2, "text", -1])
def test_a_column_number_that_does_not_exist_is_refused(tmp_path: Path, number: Any) -> None:
    with pytest.raises(UserError, match=rf"column {number!r} does not exist.*here 0 to 1"):
        module(write_as(tmp_path / "a.tsv"), header=False, text=number, label=1).reviews("test")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="is empty"):
        module(write(tmp_path / name, "")).reviews("test")


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no rows"):
        module(write(tmp_path / "a.csv", "text,label\n")).reviews("test")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is a folder.*\*\.csv"):
        module(tmp_path).reviews("test")


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the ending \.xlsx is not known"):
        module(write(tmp_path / "a.xlsx", "x")).reviews("test")
    path = write(tmp_path / "a.dat", "text;label\ngood;1\nbad;0\n")
    assert len(module(path, delimiter=";").reviews("test")) == 2


def test_half_a_parquet_file_is_refused(tmp_path: Path) -> None:
    path = write_as(tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="is not a complete Parquet file"):
        module(path).reviews("test")


def test_text_that_is_no_string_is_refused_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": null, "label": 1}\n{"text": ["a"], "label": 0}\n')
    with pytest.raises(UserError, match=r"line 2: the text is \['a'\], not a string"):
        module(path).reviews("test")
    path = write(tmp_path / "b.jsonl", '{"text": null, "label": 1}\n{"text": "a", "label": 0}\n')
    assert module(path).reviews("test").table["text"].to_pylist() == ["", "a"]
