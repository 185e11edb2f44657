"""A user's own file gives the labels that it holds, in whatever form a spreadsheet, pandas or the hub wrote it."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentiment_transfer.data.audit import audit_sets, row_keys
from sentiment_transfer.data.base import ReviewSet
from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.tables import findings

BAD, GOOD = "すぐ壊れた", "最高です"
TEXTS = [BAD, GOOD, BAD, GOOD]
LABELS = [0, 1, 0, 1]


def read(path: Path, **options: Any) -> Reviews:
    return CSVDataModule(path, **{"language": "ja", "test_fraction": 1.0} | options).reviews("test")


def table(words: list[Any], *, header: str = "text,label", end: str = "\n") -> str:
    return header + end + "".join(f"{text},{word}{end}" for text, word in zip(TEXTS, words, strict=False))


def features(**columns: Any) -> dict[bytes, bytes]:
    """The metadata that ``datasets`` puts into a schema."""
    return {b"huggingface": json.dumps({"info": {"features": columns}}).encode()}


def parquet(columns: dict[str, Any], metadata: dict[bytes, bytes] | None = None) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), sink)
    return sink.getvalue()


def zipped(members: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def class_label(*names: str) -> dict[str, Any]:
    return {"names": list(names), "_type": "ClassLabel"}


NAMES = {"text": "本文", "label": "評価"}
EXCEL = table(["1", "5", "2", "4"], header="本文,評価", end="\r\n").replace(",", ";")
QUOTED = '"text","label"\r\n' + "".join(f'"{text}","{label}"\r\n' for text, label in zip(TEXTS, LABELS, strict=True))
UNICODE = table(["1", "5", "2", "4"], header="本文,評価", end="\r\n").replace(",", "\t").encode("utf-16")
BOOLEANS = table(["False", "True", "False", "True"], header="text,is_positive")
ROWS = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
NESTED = [
    {"review": {"text": text}, "rating": {"stars": 1 + 4 * label}} for text, label in zip(TEXTS, LABELS, strict=True)
]
PANDAS = 'text\tlabel\n"bagus ""sekali"""\tpositive\n"dua\nbaris"\tpositive\njelek\tnegative\n'
SPELT = ("neg", "pos")
PLAIN = {"text": TEXTS, "label": LABELS}
# What is read as 0, 1, 0, 1: file name -> content, options.
FOUND: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "excel.csv": ("\ufeff" + EXCEL, NAMES),
    "excel_sep.csv": ("\ufeffsep=;\r\n" + EXCEL, NAMES),
    "excel_quoted.csv": ("\ufeff" + QUOTED, {}),
    "marked_twice.csv": ("\ufeff\ufeff" + QUOTED, {}),
    "unicode.txt": (UNICODE, NAMES),
    "cp932.csv": (table(LABELS).encode("cp932"), {"encoding": "cp932"}),
    "euc.csv": (table(LABELS).encode("euc_jp"), {"encoding": "euc_jp"}),
    "utf16.csv": (table(LABELS).encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "header.csv": (table([0, 1, 0, 1], header="Text , Label"), {}),
    "pipes.csv": (table(LABELS).replace(",", "|"), {}),
    "tabs.csv": (table(LABELS).replace(",", "\t"), {}),
    "commas.txt": (table(LABELS), {}),
    "numbered.csv": (table(LABELS).split("\n", 1)[1].replace(",", ";"), {"header": False, "text": 0, "label": 1}),
    "blank_row.csv": (table(LABELS) + ",\n,\n", {}),
    "bool.csv": (BOOLEANS, {"label": "is_positive"}),
    "claim.csv": (table([1, 0, 1, 0], header="text,is_negative"), {"label": "is_negative"}),
    "yes.csv": (table(["no", "yes", "no", "yes"]), {}),
    "glyph.csv": (table(["★☆☆☆☆", "★★★★☆", "★★", "⭐⭐⭐⭐⭐"]), {}),
    "stars.csv": (table(["1 star", "4 stars", "2.0 stars", "5 bintang"]), {}),
    "out_of.csv": (table(["1.0 out of 5 stars", "4/5", "2 / 5", "5つ星のうち5.0"]), {}),
    "halves.csv": (table(["1", "4.5", "1.5", "5"], header="text,star_rating"), {"label": "star_rating"}),
    "ends.csv": (table(["1", "5", "1", "5"], header="text,rating"), {"label": "rating"}),
    "words.csv": (table(["Négatif", "positiv", "ネガティブ", "好评"]), {}),
    "wide.csv": (table(["０", "１", "０", "１"]), {}),
    "gzipped.csv": (gzip.compress(table(LABELS).encode()), {}),
    "archive.csv.zip": (zipped({"own.csv": table(LABELS)}), {}),
    "archive.zip": (zipped({"own.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS)}), {}),
    "array.json": (json.dumps(ROWS, indent=1), {}),
    "list.jsonl": ("".join(json.dumps(row | {"label": [row["label"]]}) + "\n" for row in ROWS), {}),
    "nested.jsonl": (
        "".join(json.dumps(row) + "\n" for row in NESTED),
        {"text": "review.text", "label": "rating.stars"},
    ),
    "booleans.jsonl": ("".join(json.dumps(row | {"label": row["label"] == 1}) + "\n" for row in ROWS), {}),
    "named.parquet": (parquet(PLAIN, features(label=class_label("neg", "pos"))), {}),
    "reversed.parquet": (
        parquet({"text": TEXTS, "label": [1, 0, 1, 0]}, features(label=class_label("positive", "negative"))),
        {},
    ),
    "named_stars.parquet": (
        parquet(
            {"text": TEXTS, "label": [0, 4, 1, 3]},
            features(label=class_label("1 star", "2 stars", "3 stars", "4 stars", "5 stars")),
        ),
        {},
    ),
    "listed.parquet": (
        parquet(
            {"text": TEXTS, "label": [[1], [0], [1], [0]]},
            features(label={"feature": class_label("pos", "neg"), "_type": "Sequence"}),
        ),
        {},
    ),
    "mapped.parquet": (
        parquet(
            {"text": TEXTS, "label": [1, 0, 1, 0]}, features(label=class_label("good", "bad"))
        ),
        {"labels": {0: "positive", 1: "negative"}},
    ),
    "beside.csv": (
        "text,label,label_text\n" + "".join(f"{r['text']},{1 - r['label']},{SPELT[r['label']]}\n" for r in ROWS),
        {},
    ),
    "beside.jsonl": (
        "".join(
            json.dumps(row | {"label": 1 - row["label"], "label_text": SPELT[row["label"]]}) + "\n" for row in ROWS
        ),
        {},
    ),
    "beside.parquet": (parquet(PLAIN | {"label": [1, 0, 1, 0], "label_text": [*SPELT, *SPELT]}), {}),
    "beside_nothing.csv": (
        "text,label,label_text\n" + "".join(f"{row['text']},{row['label']},why {row['label']}\n" for row in ROWS),
        {},
    ),
    "nameless.parquet": (parquet(PLAIN, features(label=class_label("0", "1"))), {}),
    "struct.parquet": (
        parquet(
            {"review": [{"text": text, "kind": 1 - label} for text, label in zip(TEXTS, LABELS, strict=True)]},
            features(review={"text": {"dtype": "string", "_type": "Value"}, "kind": class_label("pos", "neg")}),
        ),
        {"text": "review.text", "label": "review.kind"},
    ),
    "bytes.parquet": (parquet({"text": [text.encode() for text in TEXTS], "label": [x == 1 for x in LABELS]}), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_a_file_is_read_for_what_it_says(tmp_path: Path, name: str) -> None:
    content, options = FOUND[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    rows = read(tmp_path / name, **options)
    assert rows.labels.tolist() == LABELS
    assert rows.table["text"].to_pylist() == TEXTS


def test_quotes_that_pandas_wrote_into_a_tsv_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(PANDAS)
    rows = read(tmp_path / "a.tsv")
    assert rows.table["text"].to_pylist() == ['bagus "sekali"', "dua\nbaris", "jelek"]
    assert "quotes around fields are no part of them" in rows.reading.notes[0]
    one_line = PANDAS.replace("dua\nbaris", "dua")
    (tmp_path / "a.tsv").write_text(one_line)
    assert read(tmp_path / "a.tsv", quoted=False).table["text"][0].as_py() == '"bagus ""sekali"""'
    (tmp_path / "a.tsv").write_text(one_line + 'said "so\tnegative\n')
    assert read(tmp_path / "a.tsv").table["text"][0].as_py() == '"bagus ""sekali"""'


def test_three_and_what_lies_between_two_and_four_stars_is_neutral(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(["1", "3.5", "2.5", "4.5"], header="text,rating"))
    assert read(tmp_path / "a.csv", label="rating").dropped == {"labelled '3.5'": 1, "labelled '2.5'": 1}
    assert read(tmp_path / "a.csv", label="rating", classes=3).labels.tolist() == [0, 1, 1, 2]


def test_the_audit_learns_how_a_file_was_read(tmp_path: Path) -> None:
    content, _ = FOUND["reversed.parquet"]
    (tmp_path / "a.parquet").write_bytes(content)  # type: ignore[arg-type]
    assert read(tmp_path / "a.parquet").reading.labels == {"1 (negative)": "negative", "0 (positive)": "positive"}
    (tmp_path / "a.csv").write_text(EXCEL)
    assert read(tmp_path / "a.csv", **NAMES).reading.notes == ("a.csv: the delimiter is ';', as its header shows",)
    (tmp_path / "b.csv").write_text(table(["negative", "positive", "negative", "positive"]))
    assert read(tmp_path / "b.csv").reading.labels == {}


@pytest.mark.parametrize("blank", ["", "NaN", "null", " ", "<NA>"])
def test_rows_without_a_label_are_refused_or_dropped_and_counted(tmp_path: Path, blank: str) -> None:
    (tmp_path / "a.csv").write_text(table(["0.0", "1.0", blank, blank]))
    with pytest.raises(UserError, match=r"line 4: the label is blank.*all 2 rows.*source\.csv\.unlabelled=drop"):
        read(tmp_path / "a.csv")
    rows = read(tmp_path / "a.csv", unlabelled="drop")
    assert (rows.labels.tolist(), rows.dropped) == ([0, 1], {"without a label": 2})


def test_a_missing_class_label_is_blank(tmp_path: Path) -> None:
    metadata = features(label=class_label("neg", "pos"))
    (tmp_path / "a.parquet").write_bytes(parquet({"text": TEXTS, "label": [0, 1, -1, None]}, metadata))
    assert read(tmp_path / "a.parquet", unlabelled="drop").dropped == {"without a label": 2}


def test_a_word_that_the_user_maps_is_not_blank(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(["bad", "good", "none", "none"]))
    rows = read(tmp_path / "a.csv", labels={"bad": "negative", "good": "positive", "none": "neutral"}, classes=3)
    assert rows.labels.tolist() == [0, 2, 1, 1]


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:b\nsize 1\n"
REFUSED: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "page.csv": ("\n<!DOCTYPE html>\n<html></html>\n", {}, "is a web page.*Download the file itself"),
    "page.parquet": ("<html></html>", {}, "is a web page"),
    "pointer.csv": (POINTER, {}, "Git LFS pointer.*git lfs"),
    "pointer.parquet": (POINTER, {}, "Git LFS pointer"),
    "table.csv": (parquet(PLAIN), {}, r"is a Parquet file: give it a name that ends in \.parquet"),
    "book.csv": (zipped({"[Content_Types].xml": ""}), {}, "Excel workbook.*CSV UTF-8"),
    "book.xlsx": (zipped({"[Content_Types].xml": ""}), {}, "Excel workbook.*CSV UTF-8"),
    "two.zip": (zipped({"a.csv": "x", "b.csv": "y"}), {}, r"holds 2 files \(a\.csv, b\.csv\)"),
    "half.csv.zip": (zipped({"a.csv": "x"})[:-30], {}, "no whole zip archive"),
    "several.jsonl": ('{"text": "a", "label": [0, 1]}\n', {}, "line 1: the label is a list of 2.*multi-label"),
    "object.jsonl": ('{"text": "a", "label": {"stars": 1}}\n', {}, r"an object\. Name a field.*label=<column>\.stars"),
    "twice.csv": ("text,text,label\na,b,1\n", {}, "has 2 columns called 'text'"),
    "twice.parquet": ("", {}, "has 2 columns called 'text'"),
    "missing.jsonl": (json.dumps(NESTED[0]), {}, r"no 'text'\. The line has: review\.text, rating\.stars"),
    "out.parquet": (parquet(PLAIN, features(label=class_label("neg"))), {}, r"the label is 1.*0 to 0 \(neg\)"),
    "hours.csv": (table([0, 1, 0, 1], header="text,not_negative"), {"label": "not_negative"}, "cannot be told"),
    "spam.csv": (table(["true", "false"], header="text,spam"), {"label": "spam"}, "cannot be told"),
    "three.csv": (table(["1", "3", "2", "1"], header="text,rating"), {"label": "rating"}, "cannot be told"),
    "ten.csv": (table(["1", "10", "2", "9"], header="text,rating"), {"label": "rating"}, "cannot be told"),
    "out_of_ten.csv": (table(["1/10", "9/10"]), {}, "cannot be told"),
    "cp932.csv": (table(LABELS).encode("cp932"), {}, "line 2, byte 1: 0x82 is not UTF-8.*=cp932.*iconv -f CP932"),
    "euc.csv": (table(LABELS).encode("euc_jp"), {}, "encoding=euc_jp.*iconv -f EUC-JP"),
    "german.csv": ("text,label\ngräßlich,0\nschön,1\n".encode("cp1252"), {}, "cp1252.*iconv -f WINDOWS-1252"),
    "sjis.csv": (table(LABELS).replace(GOOD, "①Ⅳ㈱").encode("cp932"), {"encoding": "shift_jis"}, "=cp932"),
    "damaged.csv": (table(LABELS).encode()[:-5] + b"\xff,1\n", {}, "Most of the file is UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    content, options, sentence = REFUSED[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    if name == "twice.parquet":
        pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 3, names=["text", "text", "label"]), tmp_path / name)
    with pytest.raises(UserError, match=sentence):
        read(tmp_path / name, **options)


def test_a_folder_that_datasets_saved_is_named(tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text("{}")
    with pytest.raises(UserError, match=r"save_to_disk.*to_parquet"):
        read(tmp_path)


def long_labels(word: Callable[[int], object], rows: int = 5_000) -> str:
    return "text,label,stars\n" + "".join(f"review {row},{word(row)},{1 + row % 5}\n" for row in range(rows))


@pytest.mark.parametrize(
    ("word", "looks"),
    [
        (lambda row: f"R{row:09}", "an id"),
        (lambda row: row, "an id"),
        (lambda row: f"review number {row} of a long and tiresome series of reviews", "a text"),
        (lambda row: f"{row % 997 / 997:.4f}", "a number, such as a measurement"),
        (lambda row: f"product{row % 60}", "a name or a category"),
        (lambda row: f"2024-01-{row % 28 + 1:02}", "a date"),
    ],
)
def test_a_column_that_is_no_label_is_said_to_be_none_and_briefly(
    tmp_path: Path, word: Callable[[int], object], looks: str
) -> None:
    (tmp_path / "a.csv").write_text(long_labels(word))
    with pytest.raises(
        UserError, match=rf"column 'label' has .* different values.*looks like {looks}, not a label"
    ) as raised:
        read(tmp_path / "a.csv")
    assert "The file also has: text, stars." in str(raised.value)
    assert len(str(raised.value)) - len(str(tmp_path)) < 450


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "options", "counts"),
    [
        ("a10_trailing_blank_row.csv", {}, (20, 20)),
        ("a12_array.json", {}, (20, 20)),
        ("a12_list.jsonl", {}, (20, 20)),
        ("a12_nested.jsonl", {"text": "review.text", "label": "rating.stars"}, (20, 20)),
        ("a13_binary_bool.parquet", {}, (20, 20)),
        ("a13_hf_classlabel.parquet", {}, (20, 20)),
        ("a13_hf_classlabel_reversed.parquet", {}, (20, 20)),
        ("a13_struct.parquet", {"text": "review.text"}, (20, 20)),
        ("a16.csv.zip", {"label": "is_positive"}, (20, 20)),
        ("a17_pandas.tsv", {}, (10, 10)),
        ("a17_pandas_noml.tsv", {}, (8, 8)),
        ("a18_gz_named_csv.csv", {}, (0, 1)),
        ("a1_excel_bom_semicolon.csv", NAMES, (20, 20)),
        ("a1b_excel_sep_line.csv", NAMES, (20, 20)),
        ("a2_excel_unicode.txt", NAMES, (20, 20)),
        ("a3_cp932.csv", {"encoding": "cp932"}, (20, 21)),
        ("a3_eucjp.csv", {"encoding": "euc_jp"}, (20, 20)),
        ("a3_german_cp1252.csv", {"encoding": "cp1252"}, (20, 20)),
        ("a4_header_spaces.csv", {}, (20, 20)),
        ("a6_bool.csv", {"label": "is_positive"}, (20, 20)),
        ("a6_yesno.csv", {}, (10, 10)),
        ("a7_float_blank.csv", {"unlabelled": "drop"}, (20, 16)),
        ("a7_nan_word.csv", {"unlabelled": "drop"}, (20, 16)),
        ("a8_glyph.csv", {"label": "rating"}, (20, 20)),
        ("a8_half.csv", {"label": "rating"}, (20, 10)),
        ("a8_n_stars.csv", {"label": "rating"}, (20, 20)),
        ("a8_no_two.csv", {"label": "rating"}, (20, 20)),
        ("a8_out_of_5.csv", {"label": "rating"}, (20, 20)),
    ],
)
def test_the_small_files_are_read_for_what_they_say(
    real_cases: Path, name: str, options: dict[str, Any], counts: tuple[int, int]
) -> None:
    rows = read(real_cases / name, **options)
    assert tuple(rows.label_counts().values()) == counts
    first = rows.table["text"][0].as_py().strip()
    assert rows.labels[0] == int(first.startswith(("最高", "bagus", "a")))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a18_html.csv", "is a web page"),
        ("a18_lfs.csv", "is a Git LFS pointer"),
        ("a3_cp932.csv", "encoding=cp932"),
        ("a3_eucjp.csv", "encoding=euc_jp"),
        ("a3_german_cp1252.csv", "encoding=cp1252"),
        ("a7_nan_word.csv", "unlabelled=drop"),
    ],
)
def test_the_small_files_that_are_refused_are_named(real_cases: Path, name: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read(real_cases / name)


def test_the_audit_prints_the_mapping_and_a_text_of_each_class(tmp_path: Path) -> None:
    content, _ = FOUND["reversed.parquet"]
    (tmp_path / "a.parquet").write_bytes(content)  # type: ignore[arg-type]
    reviews = read(tmp_path / "a.parquet", name="own")
    audit = audit_sets([], sets := [ReviewSet("own", "test", reviews)], {("own", "test"): row_keys(sets[0].reviews)})
    lines = list(findings(audit | {"dedup": False, "removed": {}}))
    assert lines == [
        "own: of the labels, 1 (negative) is negative, 0 (positive) is positive.",
        f"own: negative, for example: {BAD}",
        f"own: positive, for example: {GOOD}",
    ]
