from __future__ import annotations

import gc
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from tests.helpers.file_server import FileServer, serving

from sentiment_transfer.data import download, uci
from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.data.uci import UCIDataModule
from sentiment_transfer.errors import UserError

FOLDER = "sentiment labelled sentences"
PATH = "/archive.ics.uci.edu/static/public/331/sentiment+labelled+sentences.zip"
ROWS = {name: "".join(f'{name} "{n}"\t{n % 2}\n' for n in range(20)).encode() for name in uci.SHA256}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three small files count as the published ones."""
    for name, content in ROWS.items():
        monkeypatch.setitem(uci.SHA256, name, hashlib.sha256(content).hexdigest())


def zipped(**changed: bytes | None) -> bytes:
    """As it is published, the junk of a Macintosh included; ``amazon_cells=None`` leaves a file out."""
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as made:
        made.writestr(f"{FOLDER}/", b"")
        made.writestr(f"{FOLDER}/.DS_Store", b"\0" * 100)
        for name, content in ROWS.items():
            content = changed.get(name.removesuffix("_labelled.txt"), content)
            if content is not None:
                made.writestr(f"{FOLDER}/{name}", content)
            made.writestr(f"__MACOSX/{FOLDER}/._{name}", b"junk")
        made.writestr("__MACOSX/amazon_cells_labelled.txt", b"junk with the same name")
        made.writestr("../escaped.txt", b"out of the folder")
    return target.getvalue()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(zipped()) as web:
        monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", web.url)
        yield web


def module(folder: Path, **options: float) -> UCIDataModule:
    return UCIDataModule(data_dir=folder / "data", cache_dir=folder / "cache", **options)  # type: ignore[arg-type]


def put(folder: Path, *names: str) -> Path:
    local = folder / "data" / "uci_en"
    local.mkdir(parents=True)
    for name in names:
        (local / name).write_bytes(ROWS[name])
    return local


def all_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))


def test_local_files_come_first(web: FileServer, tmp_path: Path) -> None:
    put(tmp_path, *ROWS)
    rows = module(tmp_path, test_fraction=1.0).reviews("test")
    assert rows.ids == [f"{name}:{line}" for name in ROWS for line in range(1, 21)]
    assert rows.labels.tolist() == 30 * [0, 1]
    assert web.asked == [] and not (tmp_path / "cache").exists()


def test_what_is_not_there_is_downloaded_once(web: FileServer, tmp_path: Path) -> None:
    for local in (tmp_path, tmp_path / "again"):
        made = UCIDataModule(data_dir=local, cache_dir=tmp_path / "cache")
        assert [len(made.reviews(split)) for split in ("train", "dev", "test")] == [48, 6, 6]  # type: ignore[arg-type]
    assert web.asked == [PATH]
    assert all_files(tmp_path) == sorted(ROWS)  # no junk, no temporary file, no zip file
    assert not (tmp_path.parent / "escaped.txt").exists()


def test_one_file_by_hand_is_read_beside_downloaded_ones(web: FileServer, tmp_path: Path) -> None:
    put(tmp_path, "imdb_labelled.txt")
    assert len(module(tmp_path, test_fraction=1.0).reviews("test")) == 60
    assert web.asked == [PATH]
    assert all_files(tmp_path / "cache") == ["amazon_cells_labelled.txt", "yelp_labelled.txt"]


def test_a_damaged_earlier_download_is_replaced(web: FileServer, tmp_path: Path) -> None:
    module(tmp_path).reviews("test")
    (tmp_path / "cache" / "downloads" / "uci_en" / "yelp_labelled.txt").write_text("half")
    assert len(module(tmp_path, test_fraction=1.0).reviews("test")) == 60
    assert len(web.asked) == 2


def test_a_changed_local_file_is_refused(web: FileServer, tmp_path: Path) -> None:
    local = put(tmp_path, *ROWS)
    (local / "imdb_labelled.txt").write_bytes(ROWS["imdb_labelled.txt"] + b"more\t1\n")
    with pytest.raises(UserError, match=r"imdb_labelled\.txt is not the published file"):
        module(tmp_path).reviews("test")
    assert web.asked == []


BAD = {
    "wrong_hash": (zipped(imdb=b"other\t1\n"), "contains another imdb_labelled.txt than the published one"),
    "missing": (zipped(yelp=None), "does not contain yelp_labelled.txt"),
    "only_junk": (zipped(amazon_cells=None), "contains another amazon_cells_labelled.txt than the published one"),
    "page": (b"<html>Not found</html>", "is not a readable zip file"),
    "cut_off": (zipped()[:-100], "is not a readable zip file"),
    "empty": (b"PK\x05\x06" + 18 * b"\0", "does not contain amazon_cells_labelled.txt"),
}


@pytest.mark.parametrize("case", BAD)
def test_another_archive_is_refused_and_nothing_of_it_kept(web: FileServer, tmp_path: Path, case: str) -> None:
    web.content, words = BAD[case]
    with pytest.raises(UserError) as caught:
        module(tmp_path).reviews("test")
    said = str(caught.value)
    assert said.startswith(f"{web.url}{PATH} {words}")
    assert (
        "It was not kept. Or put amazon_cells_labelled.txt, imdb_labelled.txt, yelp_labelled.txt (unpacked) from"
        in said
    )
    assert f"{uci.URL} into {tmp_path}/data/uci_en by hand (licence: CC BY 4.0)." in said
    assert all_files(tmp_path) == []


def test_a_member_or_an_archive_beyond_the_limit_is_refused(
    web: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.content = zipped(amazon_cells=b"\0" * 100_000)
    monkeypatch.setattr(download, "LARGEST", 50_000)
    with pytest.raises(UserError, match=r"contains a amazon_cells_labelled\.txt of more than 50,000 bytes"):
        module(tmp_path).reviews("test")
    web.content = os.urandom(100_000)
    with pytest.raises(UserError, match="is larger than 50,000 bytes"):
        module(tmp_path).reviews("test")
    assert all_files(tmp_path) == []


# pooch leaves the response of a failed download to the garbage collector, hence the socket (pooch 1.9.0).
@pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
def test_a_server_without_the_archive_is_a_sentence(web: FileServer, tmp_path: Path) -> None:
    web.status = 404
    with pytest.raises(UserError, match=r"answered 404.*/data/uci_en by hand \(licence: CC BY 4\.0\)") as caught:
        module(tmp_path).reviews("test")
    del caught
    gc.collect()


def test_the_licence_is_in_the_log_once(web: FileServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="sentiment_transfer")
    for _ in range(2):
        module(tmp_path).reviews("test")
    [said] = [record.getMessage() for record in caplog.records if record.name.startswith("sentiment_transfer")]
    assert said.endswith("Licence of the data: CC BY 4.0.")


def test_a_target_that_is_scored_whole_has_nothing_to_train_on(tmp_path: Path) -> None:
    assert not module(tmp_path, test_fraction=1.0).has("train")
    with pytest.raises(UserError, match=r"uci_en: there is no train split .*\. Give it a fraction\."):
        module(tmp_path, test_fraction=1.0).reviews("train")


@pytest.mark.real_data
@pytest.mark.parametrize("test_fraction", [0.1, 1.0])
def test_splits_and_ids_are_those_of_the_files_read_as_csv(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, test_fraction: float
) -> None:
    monkeypatch.undo()
    plain = CSVDataModule(
        "uci_en/*_labelled.txt",
        text=0,
        label=1,
        language="en",
        header=False,
        data_dir=real_data,
        test_fraction=test_fraction,
    )
    made = UCIDataModule(data_dir=real_data, cache_dir=tmp_path, test_fraction=test_fraction)
    sizes = {"train": 2400, "dev": 300, "test": 300} if test_fraction < 1 else {"test": 3000}
    for split, size in sizes.items():
        ours, theirs = made.reviews(split), plain.reviews(split)  # type: ignore[arg-type]
        assert len(ours) == size
        assert ours.ids == theirs.ids and np.array_equal(ours.labels, theirs.labels)
        assert ours.table["text"].equals(theirs.table["text"])
        assert ours.label_counts() == {"negative": size // 2, "positive": size // 2}
    assert list(tmp_path.iterdir()) == []
