"""A table in a program is read as the same rows in a file are, whichever library made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.helpers.learnt import learnt_tokenizer

from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.data.table_reviews import TableDataModule
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError

ROWS = {"review": [f"{word} {n}" for n in range(20) for word in ("良い", "悪い")], "stars": [5, 1] * 20}
OPTIONS: dict[str, Any] = {"text": "review", "label": "stars", "language": "ja"}


class Stream:
    """Any other library's table."""

    def __arrow_c_stream__(self, schema: object = None) -> object:
        return pa.table(ROWS).__arrow_c_stream__(schema)


TABLES = {
    "pandas": pd.DataFrame(ROWS),
    "pandas, other index": pd.DataFrame(ROWS).set_axis(range(100, 140)),
    "pyarrow": pa.table(ROWS),
    "datasets": datasets.Dataset.from_dict(ROWS),
    "iterable datasets": datasets.Dataset.from_dict(ROWS).to_iterable_dataset(),
    "stream": Stream(),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_table_gives_the_reviews_of_the_file(kind: str, tmp_path: Path) -> None:
    pd.DataFrame(ROWS).to_csv(tmp_path / "rows.csv", index=False)
    file = CSVDataModule(tmp_path / "rows.csv", **OPTIONS)
    module = TableDataModule(TABLES[kind], **OPTIONS)
    for split in ("train", "dev", "test"):
        assert module.has(split)
        assert module.reviews(split).table["text"].to_pylist() == file.reviews(split).table["text"].to_pylist()
        assert module.reviews(split).labels.tolist() == file.reviews(split).labels.tolist()
    assert module.reviews("test").language == "ja"
    assert module.reviews("train").reading.labels == {"5": "positive", "1": "negative"}


@pytest.mark.parametrize(
    ("label", "options", "expected"),
    [
        (pd.Categorical(["pos", "neg", "pos", "neg"]), {}, [1, 0, 1, 0]),
        ([True, False, True, False], {}, [1, 0, 1, 0]),
        (np.array([1.0, 0.0, np.nan, 0.0]), {"unlabelled": "drop"}, [1, 0, 0]),
        (["a", "b", None, "a"], {"labels": {"a": "positive", "b": "negative"}, "unlabelled": "drop"}, [1, 0, 1]),
        ([0, 1, 2, 1], {"labels": {0: "negative", 1: "positive", 2: None}}, [0, 1, 1]),
        (["neutral", "positive", "negative", "positive"], {"classes": 3}, [1, 2, 0, 2]),
    ],
)
def test_labels_of_pandas_are_understood_as_in_a_file(label: Any, options: dict[str, Any], expected: list[int]) -> None:
    frame = pd.DataFrame({"text": list("wxyz"), "label": label})
    module = TableDataModule(frame, language="en", test_fraction=1.0, **options)
    assert module.reviews("test").labels.tolist() == expected


def test_a_class_label_is_understood_by_its_names() -> None:
    names = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["pos", "neg"])})
    table = datasets.Dataset.from_dict({"text": ["x", "y"], "label": [0, 1]}, features=names)
    assert TableDataModule(table, language="en", test_fraction=1.0).reviews("test").labels.tolist() == [1, 0]


def test_tables_of_their_own_take_the_place_of_fractions() -> None:
    other = pd.DataFrame({"review": ["x", "y"], "stars": [5, 1]})
    module = TableDataModule(pd.DataFrame(ROWS), dev=other, test=pa.Table.from_pandas(other), **OPTIONS)
    assert {split: len(module.reviews(split)) for split in ("train", "dev", "test")} == {
        "train": 40,
        "dev": 2,
        "test": 2,
    }


def test_tables_are_source_and_targets(tmp_path: Path) -> None:
    data = TransferDataModule(
        source={"shop": TableDataModule(pd.DataFrame(ROWS), "review", "stars", language="ja")},
        targets={"en": TableDataModule(pa.table(ROWS), "review", "stars", language="en", test_fraction=1.0)},
        tokenizer=learnt_tokenizer(),
        max_length=32,
        cache_dir=tmp_path,
    )
    data.setup()
    assert [(s.name, s.split, len(s.reviews)) for s in data.test_sets] == [("shop", "test", 4), ("en", "test", 40)]
    assert data.protocol("en") == "zero-shot"
    assert next(iter(data.train_dataloader()))["labels"].numel()


@pytest.mark.parametrize(
    ("table", "options", "answer"),
    [
        (pd.DataFrame(ROWS), {"language": "ja"}, "the table has no column 'text'. It has: review, stars. Set"),
        (pa.table(ROWS), {"text": "review", "label": "rating", "language": "ja"}, "has no column 'rating'. It has: "),
        (datasets.Dataset.from_dict(ROWS), {"language": "ja"}, "has no column 'text'. It has: review, stars."),
        (pd.DataFrame(ROWS), {"text": "review", "label": "stars"}, "table.language is not set."),
        (pd.DataFrame(ROWS), OPTIONS | {"lables": {}}, "lables is not an option of table. Did you mean labels?"),
        ("rows.csv", OPTIONS, "is a str, where a pandas DataFrame, .* A file is read by CSVDataModule."),
        ([{"review": "x", "stars": 1}], OPTIONS, "is a list, where a pandas DataFrame"),
        (datasets.DatasetDict(a=datasets.Dataset.from_dict(ROWS)), OPTIONS, "Give one of its splits: a."),
        (pd.DataFrame({"review": [1, "x"], "stars": [1, 2]}), OPTIONS, "cannot be read as a table: .* column review"),
        (pd.DataFrame({"review": [1, 2], "stars": [5, 1]}), OPTIONS, "the table, line 1: the text is 1, not a string."),
        (pd.DataFrame(ROWS)[:0], OPTIONS, "the table has no rows."),
        (pd.DataFrame({"review": list("wxyz"), "stars": [1, 2, 1, 2]}), OPTIONS,
         r"Please pass labels=\{'1': \.\.\., '2': \.\.\.\} \(2 and 2 rows\)"),
        (pd.DataFrame({"review": list("wxyz"), "stars": [1, None, 5, 1]}), OPTIONS, 'pass unlabelled="drop"'),
        (pd.DataFrame({"review": list("wxyz") * 9, "stars": range(36)}), OPTIONS,
         'Pass label="<another column>".* The table also has: review'),
    ],
)  # fmt: skip
def test_what_is_no_table_of_reviews_is_a_sentence(table: Any, options: dict[str, Any], answer: str) -> None:
    with pytest.raises(UserError, match=answer):
        TableDataModule(table, **options).reviews("train")


def test_a_table_without_a_column_is_refused_where_it_is_given() -> None:
    with pytest.raises(UserError, match=r"the test table has no column 'stars'\. It has: review\."):
        TableDataModule(pd.DataFrame(ROWS), test=pd.DataFrame({"review": ["x"]}), **OPTIONS)
