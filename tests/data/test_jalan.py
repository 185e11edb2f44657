from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.file_server import serving

from sentiment_transfer.data import jalan
from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.data.jalan import JalanDataModule
from sentiment_transfer.errors import UserError

ROWS = "".join(
    f'pn{line}\t{label}\t朝食は"普通"でした。{line}\t{{"{label}": 3}}\t{split}\n'
    for line, (label, split) in enumerate([(s, x) for x in ("train", "dev", "test") for s in (1, 0, -1)], 1)
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a small file that counts as the published one."""
    (tmp_path / "jalan_ja").mkdir()
    (tmp_path / "jalan_ja" / "pn.tsv").write_text(ROWS, encoding="utf-8")
    monkeypatch.setitem(jalan.SHA256, "pn.tsv", hashlib.sha256(ROWS.encode()).hexdigest())
    return tmp_path


@pytest.mark.parametrize(("split", "first"), [("train", 1), ("dev", 4), ("test", 7)])
def test_the_splits_of_the_file_without_neutral(folder: Path, split: str, first: int) -> None:
    rows = JalanDataModule(data_dir=folder).reviews(split)  # type: ignore[arg-type]
    assert rows.ids == [f"pn.tsv:{first}", f"pn.tsv:{first + 2}"]
    assert rows.table["text"].to_pylist() == [f'朝食は"普通"でした。{line}' for line in (first, first + 2)]
    assert rows.labels.tolist() == [1, 0]
    assert rows.dropped == {"neutral": 1}


def test_three_classes_keep_neutral(folder: Path) -> None:
    rows = JalanDataModule(classes=3, data_dir=folder).reviews("test")
    assert rows.labels.tolist() == [2, 1, 0]
    assert rows.dropped == {}


def test_as_a_whole_it_is_one_test_set(folder: Path) -> None:
    module = JalanDataModule(splits="whole", data_dir=folder)
    assert len(module.reviews("test")) == 6
    assert not module.has("train") and not module.has("dev")
    with pytest.raises(UserError, match="splits=whole has no train split"):
        module.reviews("train")


def test_other_splits_do_not_exist() -> None:
    with pytest.raises(UserError, match=r"jalan_ja.splits=some is invalid.*published, whole"):
        JalanDataModule(splits="some")


def test_a_changed_local_file_is_refused(folder: Path) -> None:
    (folder / "jalan_ja" / "pn.tsv").write_text(ROWS * 2, encoding="utf-8")
    with pytest.raises(UserError, match="is not the published file"):
        JalanDataModule(data_dir=folder).reviews("test")


def test_without_a_local_file_it_is_downloaded_from_the_mirror(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(ROWS.encode()) as web:
        monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", web.url)
        for _ in range(2):
            module = JalanDataModule(data_dir=folder / "none", cache_dir=folder / "cache")
            assert len(module.reviews("train")) == 2
    assert web.asked == [f"/megagonlabs/jrte-corpus/{jalan.COMMIT}/data/pn.tsv"]


def test_a_download_that_fails_names_address_licence_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        JalanDataModule(data_dir=tmp_path / "data", cache_dir=tmp_path).reviews("test")
    address = f"https://raw.githubusercontent.com/megagonlabs/jrte-corpus/{jalan.COMMIT}/data/pn.tsv"
    assert f"put pn.tsv from {address} into {tmp_path}/data/jalan_ja by hand (licence: CC BY-NC-SA" in str(caught.value)


@pytest.mark.real_data
def test_the_published_sizes_are_read(real_data: Path) -> None:
    for classes, expected in ((2, (2959, 851, 414)), (3, (3888, 1112, 553))):
        module = JalanDataModule(classes=classes, data_dir=real_data)
        assert tuple(len(module.reviews(split)) for split in ("train", "dev", "test")) == expected
    assert module.reviews("test").label_counts() == {"negative": 78, "neutral": 139, "positive": 336}


@pytest.mark.real_data
def test_the_whole_is_the_file_read_as_csv(real_data: Path) -> None:
    plain = CSVDataModule(
        "jalan_ja/pn.tsv", text=2, label=1, language="ja", header=False, data_dir=real_data, test_fraction=1.0
    ).reviews("test")
    rows = JalanDataModule(splits="whole", data_dir=real_data).reviews("test")
    assert rows.label_counts() == {"negative": 818, "positive": 3406}
    assert rows.ids == plain.ids and np.array_equal(rows.labels, plain.labels)
    assert rows.table["text"].equals(plain.table["text"])
    assert rows.dropped == {"neutral": 1329}
