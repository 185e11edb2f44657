"""The cached library runs as code: only an intact one of the user's own is loaded, and is not built again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.helpers.networks import classifier, packed, reviews

import sentiment_transfer.model.packed.kernels as module
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.checksums import digest
from sentiment_transfer.model.packed.kernels import Kernels
from sentiment_transfer.model.packed.network import PackedNetwork

SOMEBODY = 12_345  # a user's number

EVIL = '__attribute__((constructor)) static void run() {{ fclose(fopen("{marker}", "w")); }}'


@pytest.fixture
def own(kernels: Kernels, cache: Path, tmp_path: Path) -> Path:
    """A cache with the built library, which no test of this process has loaded from there."""
    shutil.copytree(cache / "kernels", tmp_path / "cache" / "kernels")
    return tmp_path / "cache"


def library(cache: Path) -> Path:
    [path] = (cache / "kernels").glob("*.so")
    return path


def works(cache: Path) -> bool:
    return Kernels(cache).mask((4,), 3, 0.5).shape == (4,)


def plant(cache: Path, marker: Path) -> Path:
    """A library of another user under the name that the program looks for; it writes ``marker`` when it is loaded."""
    source = marker.with_suffix(".c")
    source.write_text("#include <stdio.h>\n" + EVIL.format(marker=marker))
    planted = marker.with_suffix(".so")
    subprocess.run(["gcc", "-shared", "-fPIC", source, "-o", planted], check=True)
    earlier = library(cache)
    with planted.open("rb") as file:
        path = earlier.with_name(f"{earlier.name.partition('-')[0]}-{digest(file)}.so")
    earlier.unlink()
    return Path(shutil.move(planted, path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("whole_folder", [False, True])
def test_a_library_of_another_user_is_not_loaded(own: Path, tmp_path: Path, whole_folder: bool) -> None:
    planted = plant(own, tmp_path / "marker")
    os.chown(planted, SOMEBODY, -1)
    if whole_folder:
        os.chown(planted.parent, SOMEBODY, -1)
    with pytest.raises(UserError, match=rf"belongs to the user.* {SOMEBODY}.*paths\.cache_dir=/path/to/folder"):
        Kernels(own)
    assert not (tmp_path / "marker").exists()


def test_the_planted_library_would_run(own: Path, tmp_path: Path) -> None:
    plant(own, tmp_path / "marker")
    Kernels(own)
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("mode", [0o020, 0o002])
@pytest.mark.parametrize("what", [library, lambda cache: cache / "kernels"])
def test_what_others_can_write_is_refused_until_they_cannot(own: Path, what: Callable[[Path], Path], mode: int) -> None:
    path = what(own)
    path.chmod(path.stat().st_mode | mode)
    with pytest.raises(UserError, match=rf"can be written by other users.*type: chmod go-w {path}\. Or: Choose"):
        Kernels(own)
    subprocess.run(["chmod", "go-w", path], check=True)
    assert works(own)


def test_the_refusal_reaches_the_user_who_opens_a_model(own: Path, tmp_path: Path) -> None:
    """Falling back to other kernels would change the numbers."""
    library(own).chmod(0o666)
    run = PackedNetwork(classifier(tmp_path / "config"), own)
    with torch.autocast("cpu", dtype=torch.bfloat16), pytest.raises(UserError, match="can be written by other users"):
        run(**packed(reviews([4, 6])))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [empty, truncated, flipped])
def test_a_damaged_library_is_built_again(
    own: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    damage(library(own))
    assert works(own)
    assert "are damaged and are built again" in caplog.text
    with library(own).open("rb") as file:
        assert library(own).stem.endswith(f"-{digest(file)}")


def test_a_library_that_is_there_is_loaded_without_a_lock_or_a_write(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(os.listdir(own / "kernels"))
    monkeypatch.setattr(module, "FileLock", None)
    monkeypatch.setattr(Path, "mkdir", None)
    assert works(own)
    assert sorted(os.listdir(own / "kernels")) == before


def test_what_is_built_under_a_generous_umask_is_the_users_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        assert works(tmp_path)
    finally:
        os.umask(mask)
    assert works(Path(shutil.copytree(tmp_path / "kernels", tmp_path / "copy" / "kernels")).parent)
    assert {path.suffix for path in (tmp_path / "kernels").iterdir()} == {".so", ".lock"}
