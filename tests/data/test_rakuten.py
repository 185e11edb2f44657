from __future__ import annotations

import logging
import lzma
from pathlib import Path

import numpy as np
import pytest

from sentiment_transfer.data import rakuten
from sentiment_transfer.data.rakuten import RakutenDataModule
from sentiment_transfer.errors import UserError


def rows(count: int) -> str:
    return "".join(f'"{1 + row % 2}","題 {row}","本文\\n""{row}"""\n' for row in range(count))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rakuten_ja").mkdir()
    return tmp_path / "rakuten_ja"


def module(folder: Path) -> RakutenDataModule:
    return RakutenDataModule(data_dir=folder.parent, cache_dir=folder.parent / "cache")


@pytest.mark.parametrize(
    "name",
    ["test.csv.xz", "rakuten_binary_test.csv.xz", "rakuten_binary/test.csv.xz", "rakuten_binary/binary_test.csv.xz"],
)
def test_the_test_file_alone_is_enough(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(lzma.compress(rows(5).encode()))
    reviews = module(folder).reviews("test")
    assert reviews.labels.tolist() == [0, 1, 0, 1, 0]
    assert reviews.table["text"][1].as_py() == '題 1\n本文\n"1"'
    assert reviews.folds.tolist() == [0] * 5


def test_a_folder_may_be_given_directly(folder: Path, tmp_path: Path) -> None:
    (folder / "test.csv").write_text(rows(4))
    assert len(RakutenDataModule(path=folder, cache_dir=tmp_path / "cache").reviews("test")) == 4


def test_batches_join_without_loss(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rakuten, "BATCH", 7)
    (folder / "test.csv").write_text(rows(30))
    reviews = module(folder).reviews("test")
    assert reviews.ids == [f"test:{line}" for line in range(1, 31)]
    assert reviews.take(np.array([29, 0])).table["text"].to_pylist() == ['題 29\n本文\n"29"', '題 0\n本文\n"0"']


def test_dev_is_a_stratified_share_of_train_that_no_seed_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rakuten, "BATCH", 90)
    (folder / "train.csv").write_text(rows(1000))
    one = module(folder)
    other = RakutenDataModule(data_dir=folder.parent, cache_dir=folder.parent / "cache", seed=5)
    assert one.reviews("dev").label_counts() == {"negative": 5, "positive": 5}
    assert len(one.reviews("train")) == 990
    assert set(one.reviews("dev").ids) | set(one.reviews("train").ids) == {f"train:{line}" for line in range(1, 1001)}
    assert one.reviews("dev").ids == other.reviews("dev").ids


def test_nothing_is_left_in_the_cache(folder: Path) -> None:
    (folder / "train.csv").write_text(rows(100))
    module(folder).reviews("train")
    assert [path for path in (folder.parent / "cache").rglob("*") if path.is_file()] == []


def test_a_few_rows_of_each_class_are_shown(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "test.csv").write_text(rows(20))
    with caplog.at_level(logging.INFO):
        module(folder).reviews("test")
    shown = [record.getMessage() for record in caplog.records]
    assert sum("class 1 is read as negative" in line for line in shown) == 3
    assert sum("class 2 is read as positive" in line for line in shown) == 3


def test_without_a_file_the_sentence_says_where_it_goes(folder: Path) -> None:
    with pytest.raises(UserError, match=rf"Put test\.csv\.xz .* into {folder}.*zhangxiangxiao/glyph"):
        module(folder).reviews("test")


@pytest.mark.parametrize("line", ['"3","t","c"\n', '"class","title","comment"\n'])
def test_another_class_is_refused_with_its_line(folder: Path, line: str) -> None:
    (folder / "test.csv").write_text(rows(2) + line)
    with pytest.raises(UserError, match=r"test\.csv, line 3: expected"):
        module(folder).reviews("test")


def test_a_truncated_xz_is_refused(folder: Path) -> None:
    whole = lzma.compress(rows(3000).encode())
    (folder / "test.csv.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged or was cut off"):
        module(folder).reviews("test")


def test_a_cache_that_cannot_be_written_is_a_sentence(folder: Path) -> None:
    (folder / "test.csv").write_text(rows(2))
    (folder.parent / "cache").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="The unpacked reviews cannot be written to"):
        module(folder).reviews("test")
