from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sentiment_transfer.data import smsa
from sentiment_transfer.data.smsa import SmSADataModule
from sentiment_transfer.errors import UserError

ROWS = 'makan "enak\tpositive\nbiasa saja\tneutral\ntidak enak\tnegative\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with three small files that count as the published ones."""
    (tmp_path / "smsa_id").mkdir()
    for name in smsa.SHA256:
        (tmp_path / "smsa_id" / name).write_text(ROWS)
        monkeypatch.setitem(smsa.SHA256, name, hashlib.sha256(ROWS.encode()).hexdigest())
    return tmp_path


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_binary_drops_neutral_and_counts_it(folder: Path, split: str) -> None:
    rows = SmSADataModule(data_dir=folder).reviews(split)  # type: ignore[arg-type]
    assert rows.table["text"].to_pylist() == ['makan "enak', "tidak enak"]
    assert rows.labels.tolist() == [1, 0]
    assert rows.dropped == {"neutral": 1}


def test_three_classes_keep_neutral(folder: Path) -> None:
    rows = SmSADataModule(classes=3, data_dir=folder).reviews("test")
    assert rows.classes == ("negative", "neutral", "positive")
    assert rows.labels.tolist() == [2, 1, 0]
    assert rows.dropped == {}


def test_four_classes_are_refused() -> None:
    with pytest.raises(UserError, match=r"smsa_id\.classes=4 is invalid: it must be one of 2, 3"):
        SmSADataModule(classes=4)


def test_masked_smsa_file_is_refused_under_the_name_of_the_test_file(folder: Path) -> None:
    (folder / "smsa_id" / "test_preprocess.tsv").write_text("enak\tneutral\ntidak enak\tneutral\n")
    with pytest.raises(UserError, match="masked labels"):
        SmSADataModule(data_dir=folder).reviews("test")


def test_a_changed_local_file_is_refused(folder: Path) -> None:
    (folder / "smsa_id" / "test_preprocess.tsv").write_text(ROWS + "enak\tpositive\n")
    with pytest.raises(UserError, match="is not the published file"):
        SmSADataModule(data_dir=folder).reviews("test")


@pytest.mark.real_data
def test_the_published_sizes_are_read(real_data: Path) -> None:
    for classes, expected in ((2, (9852, 1129, 412)), (3, (11_000, 1260, 500))):
        module = SmSADataModule(classes=classes, data_dir=real_data)
        assert tuple(len(module.reviews(split)) for split in ("train", "dev", "test")) == expected
    assert module.reviews("test").label_counts() == {"negative": 204, "neutral": 88, "positive": 208}


@pytest.mark.real_data
def test_the_real_test_file_with_its_labels_masked_is_refused(real_data: Path, tmp_path: Path) -> None:
    lines = (real_data / "smsa_id" / "test_preprocess.tsv").read_text().splitlines()
    masked = "".join(line.split("\t")[0] + "\tneutral\n" for line in lines)
    (tmp_path / "smsa_id").mkdir()
    (tmp_path / "smsa_id" / "test_preprocess.tsv").write_text(masked)
    with pytest.raises(UserError, match="masked labels"):
        SmSADataModule(data_dir=tmp_path).reviews("test")
