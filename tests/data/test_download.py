from __future__ import annotations

import gc
import hashlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.helpers.file_server import FileServer, serving

from sentiment_transfer.data import download, indolem
from sentiment_transfer.data.download import mirrored, raw_url
from sentiment_transfer.data.indolem import IndoLEMDataModule
from sentiment_transfer.errors import UserError

CONTENT = b"sentence,sentiment\n" + b"bagus,1\nburuk,0\n" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BY_HAND = "Or put it into data/indolem_id by hand."


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(CONTENT) as web:
        yield web


def fetch(url: str, sha256: str, folder: Path) -> Path:
    name = url.rsplit("/", 1)[-1]
    download.fetch({name: sha256}, url, folder, BY_HAND, "CC BY 4.0")
    return folder / name


def visible(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.endswith(".lock")]


def test_a_file_is_fetched_once(web: FileServer, tmp_path: Path) -> None:
    first = fetch(f"{web.url}/a.csv", SHA256, tmp_path / "new" / "folder")
    assert first.read_bytes() == CONTENT
    assert fetch(f"{web.url}/a.csv", SHA256, tmp_path / "new" / "folder") == first
    assert web.asked == ["/a.csv"]


def test_several_processes_may_ask_at_once(web: FileServer, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch(f"{web.url}/a.csv", SHA256, tmp_path), range(4)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert web.asked == ["/a.csv"]


def test_a_wrong_hash_is_refused_and_the_file_not_kept(web: FileServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"/a\.csv is not the published file.*by hand"):
        fetch(f"{web.url}/a.csv", "0" * 64, tmp_path)
    assert visible(tmp_path) == []


def test_a_damaged_earlier_download_is_replaced(web: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CONTENT[:50])
    assert fetch(f"{web.url}/a.csv", SHA256, tmp_path).read_bytes() == CONTENT


# pooch leaves the response of a failed download to the garbage collector, hence the socket (pooch 1.9.0).
@pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "words"), [("404", "answered 404"), ("500", "answered 500"), ("half", "broke off")])
def test_a_failing_server_is_a_sentence(web: FileServer, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        fetch(f"{web.url}/{name}", SHA256, tmp_path)
    assert f"{web.url}/{name}" in str(caught.value)
    assert str(caught.value).endswith(BY_HAND)
    assert visible(tmp_path) == []
    del caught
    gc.collect()


def test_no_network_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a.csv"
        with pytest.raises(UserError, match=r"cannot be reached \(ConnectionError\).*SENTIMENT_DOWNLOAD_MIRROR"):
            fetch(url, SHA256, tmp_path)


def test_a_folder_that_cannot_be_written_is_a_sentence(web: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"a\.csv cannot be written into"):
        fetch(f"{web.url}/a.csv", SHA256, tmp_path / "file")


def test_the_address_is_pinned_to_a_commit_and_the_mirror_replaces_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    url = raw_url("a/b", "c0ffee", "d/e.csv")
    monkeypatch.delenv("SENTIMENT_DOWNLOAD_MIRROR", raising=False)
    assert url == mirrored(url) == "https://raw.githubusercontent.com/a/b/c0ffee/d/e.csv"
    monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", "http://mirror/")
    assert mirrored(url) == "http://mirror/a/b/c0ffee/d/e.csv"


def test_files_of_another_host_lie_behind_the_mirror_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", "http://mirror/all")
    assert mirrored("https://archive.example/a/b+c.zip") == "http://mirror/all/archive.example/a/b+c.zip"


def test_a_dataset_without_local_files_is_downloaded(
    web: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", web.url)
    monkeypatch.setitem(indolem.SHA256, "test0.csv", SHA256)
    module = IndoLEMDataModule(fold=0, data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")
    assert module.reviews("test").label_counts() == {"negative": 100, "positive": 100}
    assert web.asked == [f"/indolem/indolem/{indolem.COMMIT}/sentiment/data/test0.csv"]


def test_the_licence_is_logged_with_the_first_download_alone(
    web: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="sentiment_transfer")
    monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", web.url)
    for split in ("train", "dev", "test"):
        monkeypatch.setitem(indolem.SHA256, f"{split}0.csv", SHA256)
        IndoLEMDataModule(fold=0, data_dir=tmp_path / "data", cache_dir=tmp_path / "cache").read(split)  # type: ignore[arg-type]
    [said] = [record.getMessage() for record in caplog.records if record.name.startswith("sentiment_transfer")]
    assert "Licence of the data: CC BY-SA 4.0 according to the SEACrowd catalogue" in said


def test_a_failed_download_names_address_licence_and_folder(
    web: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTIMENT_DOWNLOAD_MIRROR", web.url)
    with pytest.raises(UserError) as caught:
        IndoLEMDataModule(fold=0, data_dir=tmp_path / "data", cache_dir=tmp_path).reviews("test")
    address = raw_url("indolem/indolem", indolem.COMMIT, "sentiment/data/test0.csv")
    assert f"Or put test0.csv from {address} into {tmp_path}/data/indolem_id by hand (licence: CC" in str(caught.value)
