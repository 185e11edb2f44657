from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from sentiment_transfer.data import indolem
from sentiment_transfer.data.indolem import IndoLEMDataModule
from sentiment_transfer.errors import UserError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with five small folds that count as the published ones."""
    home = tmp_path / "indolem_id"
    home.mkdir()
    for fold in range(5):
        for split in ("train", "dev", "test"):
            content = f'sentence,sentiment\n"bagus, {split} {fold}",1\nburuk,0\nmengecewakan,0\n'.encode()
            (home / f"{split}{fold}.csv").write_bytes(content)
            monkeypatch.setitem(indolem.SHA256, f"{split}{fold}.csv", hashlib.sha256(content).hexdigest())
    return tmp_path


def test_a_fold_has_three_splits_of_its_own(folder: Path) -> None:
    module = IndoLEMDataModule(fold=3, data_dir=folder)
    for split in ("train", "dev", "test"):
        rows = module.reviews(split)
        assert rows.table["text"].to_pylist() == [f"bagus, {split} 3", "buruk", "mengecewakan"]
        assert rows.labels.tolist() == [1, 0, 0]
        assert rows.folds.tolist() == [3, 3, 3]
        assert rows.language == "id"


def test_without_a_fold_the_five_test_sets_follow_one_another(folder: Path) -> None:
    module = IndoLEMDataModule(data_dir=folder)
    rows = module.reviews("test")
    assert rows.folds.tolist() == np.repeat(range(5), 3).tolist()
    assert rows.table["text"].to_pylist()[3] == "bagus, test 1"
    assert len(set(rows.ids)) == 15


@pytest.mark.parametrize("split", ["train", "dev"])
def test_without_a_fold_there_is_nothing_to_train_on(folder: Path, split: str) -> None:
    module = IndoLEMDataModule(data_dir=folder)
    assert not module.has(split)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="Add fold=0"):
        module.reviews(split)  # type: ignore[arg-type]


@pytest.mark.parametrize("fold", [7, -1, 5])
def test_a_fold_that_does_not_exist_is_refused(fold: int) -> None:
    with pytest.raises(UserError, match=f"fold={fold} is invalid: it must be an integer in"):
        IndoLEMDataModule(fold=fold)


def test_a_changed_local_file_is_refused(folder: Path) -> None:
    with (folder / "indolem_id" / "test2.csv").open("a") as file:
        file.write("satu lagi,1\n")
    with pytest.raises(UserError, match=r"test2\.csv is not the published file"):
        IndoLEMDataModule(fold=2, data_dir=folder).reviews("test")


def test_making_the_module_touches_no_file(tmp_path: Path) -> None:
    IndoLEMDataModule(fold=0, data_dir=tmp_path / "nowhere", cache_dir=tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real_data
def test_the_published_sizes_are_read(real_data: Path) -> None:
    for fold in range(5):
        module = IndoLEMDataModule(fold=fold, data_dir=real_data)
        sizes = tuple(len(module.reviews(split)) for split in ("train", "dev", "test"))
        assert sizes == ((3645, 399, 1004) if fold == 4 else (3638, 399, 1011))
    everything = IndoLEMDataModule(data_dir=real_data).reviews("test")
    assert everything.label_counts() == {"negative": 3562, "positive": 1486}
    assert len(set(everything.ids)) == 5048
