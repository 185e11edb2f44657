"""predict.py reads the forms that own files of a run are read in, and refuses the same; without a model."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.helpers.labelled_files import predicted

from sentiment_transfer.config.program_options import PredictConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.prediction import command
from sentiment_transfer.prediction.files import check_output, open_input
from sentiment_transfer.prediction.windows import Answers, Columns, Format

TEXTS = ["すぐ壊れた", "最高です"]
CSV = "id,text\n" + "".join(f"{number},{text}\n" for number, text in enumerate(TEXTS))
QUOTED = '"text","id"\r\n"すぐ壊れた","1"\r\n"最高です","2"\r\n'
ROWS = [{"text": text} for text in TEXTS]
COLUMNS = Columns("label", ("probability_negative", "probability_positive"), "reason")


def zipped(**members: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return sink.getvalue()


def parquet(texts: pa.Array) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), sink)
    return sink.getvalue()


def opened(path: Path, content: str | bytes, **options: Any) -> Format:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_input(PredictConfig(checkpoint="x", input=str(path), output="x", **options))


def rendered(source: Format) -> bytes:
    [window] = source.windows(0)
    size = len(window.texts)
    answers = Answers(["positive"] * size, np.full((size, 2), 0.5, np.float32), [""] * size)
    return source.render(window, answers, COLUMNS, first=True)


FORMS: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "marked.csv": ("\ufeff" + QUOTED, {}),
    "marked_twice.csv": ("\ufeff\ufeff" + QUOTED, {}),
    "semicolons.csv": ("\ufeff" + CSV.replace(",", ";"), {}),
    "said.csv": ("\ufeffsep=;\r\n" + CSV.replace(",", ";"), {}),
    "unicode.txt": (CSV.replace(",", "\t").encode("utf-16"), {}),
    "cp932.csv": (CSV.encode("cp932"), {"encoding": "cp932"}),
    "header.csv": (CSV.replace("id,text", "id, Text"), {}),
    "pandas.tsv": ('text\tn\n"すぐ壊れた"\t1\n"最高です"\t2\n', {}),
    "numbered.csv": (CSV.partition("\n")[2].replace(",", ";"), {"header": False, "text": 1}),
    "gzipped.csv": (gzip.compress(CSV.encode()), {}),
    "archive.zip": (zipped(own_csv=CSV), {}),
    "array.json": (json.dumps(ROWS, indent=1), {}),
    "nested.jsonl": ("".join(json.dumps({"review": row}) + "\n" for row in ROWS), {"text": "review.text"}),
    "bytes.parquet": (parquet(pa.array([text.encode() for text in TEXTS])), {}),
    "struct.parquet": (parquet(pa.array(ROWS)), {"text": "text.text"}),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_texts_of_a_file_are_found(tmp_path: Path, name: str) -> None:
    content, options = FORMS[name]
    source = opened(tmp_path / name, content, **options)
    [window] = source.windows(0)
    assert (window.texts, window.reasons) == (TEXTS, ["", ""])
    [later] = source.windows(1)
    assert later.texts == TEXTS[1:]


def test_a_said_delimiter_and_marks_stay_in_the_output(tmp_path: Path) -> None:
    start, out = "\ufeffsep=;\r\n", rendered(opened(tmp_path / "a.csv", *FORMS["said.csv"][:1])).decode()
    assert out.startswith(start + "id;text;label;probability_negative")
    assert out.endswith("1;最高です;positive;0.500000;0.500000;\n")


def test_an_array_becomes_json_lines(tmp_path: Path) -> None:
    lines = rendered(opened(tmp_path / "a.json", *FORMS["array.json"][:1])).decode().splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["positive", "positive"]


def test_another_encoding_becomes_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = opened(tmp_path / "a.csv", CSV.encode("cp932"), encoding="cp932")
    assert rendered(source).decode().splitlines()[1] == "0,すぐ壊れた,positive,0.500000,0.500000,"
    assert "the output is UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "options", "sentence"),
    [
        ("page.csv", "<!doctype html><html></html>", {}, "is a web page"),
        ("pointer.parquet", "version https://git-lfs.github.com/spec/v1\n", {}, "Git LFS pointer"),
        ("two.zip", zipped(a_csv=CSV, b_csv=CSV), {}, "holds 2 files"),
        ("a.parquet.zip", zipped(a_parquet="x"), {}, "Parquet is compressed inside the file"),
        ("twice.csv", "text,text\na,b\n", {}, "has 2 columns called 'text'"),
        ("struct.parquet", parquet(pa.array(ROWS)), {}, r"objects \(a struct\), not text.*text=text\.text"),
        ("nested.jsonl", json.dumps({"review": ROWS[0]}), {}, r"no column 'text'.*review\.text"),
        ("wide.csv", "text\na,b\nc,d\n", {}, "first row of .* has 1 fields, and the rows after it have 2"),
        ("open.csv", 'text,n\n"a"x,b\n"c"y,d\n', {}, "has 2 fields, and the rows after it have broken quotes"),
    ],
)
def test_what_cannot_be_labelled_is_refused_at_once(
    tmp_path: Path, name: str, content: str | bytes, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        opened(tmp_path / name, content, **options)


def test_parquet_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    for twice in ("text", "id"):
        names = ["text", "id", twice]
        pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 3, names=names), tmp_path / "a.parquet")
        with pytest.raises(UserError, match=f"several columns called '{twice}'"):
            open_input(PredictConfig(checkpoint="x", input=str(tmp_path / "a.parquet"), output="x"))


def test_zip_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    config = PredictConfig(checkpoint="x", input=str(tmp_path / "a.csv"), output=str(tmp_path / "b.csv.zip"))
    with pytest.raises(UserError, match=r"zip is read, not written. Type b\.csv\.gz"):
        check_output(config, tmp_path / "b.csv.zip")


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a model fails the test: it takes seconds, and minutes for a large one."""
    monkeypatch.setattr(command, "load_predictor", lambda config: pytest.fail("the model was opened"))


@pytest.mark.parametrize(
    ("header", "typed"),
    [
        ("text,label", "Type label_column=predicted_label for another name"),
        ("text,probability_positive", "Type probability_column=predicted_probability for"),
        ("text,label,predicted_label,reason", "Type label_column=predicted_label2 reason_column=predicted_reason for"),
    ],
)
@pytest.mark.usefixtures("no_model")
def test_a_labelled_file_is_refused_before_the_model_is_opened(tmp_path: Path, header: str, typed: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n" + ",".join("x" for _ in header.split(",")) + "\n")
    with pytest.raises(UserError, match=typed):
        predicted(tmp_path, tmp_path / "a.csv", tmp_path / "b.csv")
    with pytest.raises(UserError, match="no column 'body'"):
        predicted(tmp_path, tmp_path / "a.csv", tmp_path / "b.csv", "text=body")


@pytest.mark.usefixtures("no_model")
def test_a_delimiter_of_two_characters_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text::n\na::1\n")
    with pytest.raises(UserError, match=r"delimiter=:: is invalid.*quoted=false"):
        predicted(tmp_path, tmp_path / "a.csv", tmp_path / "b.csv", "delimiter='::'")
    source = opened(tmp_path / "a.csv", "text::n\na::1\n", delimiter="::", quoted=False)
    assert next(source.windows(0)).texts == ["a"]


@pytest.mark.real_data
def test_the_small_files_are_read_or_named(real_cases: Path) -> None:
    options: dict[str, dict[str, Any]] = {
        "a13_struct.parquet": {"text": "review.text"},
        "a12_nested.jsonl": {"text": "review.text"},
        "a1_excel_bom_semicolon.csv": {"text": "本文"},
        "a1b_excel_sep_line.csv": {"text": "本文"},
        "a2_excel_unicode.txt": {"text": "本文"},
        "a3_cp932.csv": {"encoding": "cp932"},
        "a3_eucjp.csv": {"encoding": "euc_jp"},
        "a3_german_cp1252.csv": {"encoding": "cp1252"},
    }
    for path in sorted(real_cases.glob("a*")):
        config = PredictConfig(checkpoint="x", input=str(path), output="x", **options.get(path.name, {}))
        if path.name in ("a18_html.csv", "a18_lfs.csv"):
            with pytest.raises(UserError, match=r"web page|Git LFS pointer"):
                open_input(config)
            continue
        [window] = open_input(config).windows(0)
        assert set(window.reasons) == {""}, path.name
        assert str(window.texts[0]).strip().startswith(("すぐ", "bagus", "gräß", "a")), path.name
