"""A disk that is full or refuses to be written: a sentence, and nothing that was there before is lost."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.helpers.processes import Command
from tests.helpers.runs import trained

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import remove_leftovers, system_error, write_atomically
from sentiment_transfer.results.record import RunResult, is_finished, read_result
from sentiment_transfer.training.weights import write_state

RUN = (
    "experiment=tiny",
    "source.written_en.limit=64",
    "targets.written_ja.limit=20",
    "targets=written_ja",
    "trainer.max_epochs=2",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    trained(folder, *RUN)
    return folder


@pytest.fixture(scope="module")
def expected(whole: Path) -> RunResult:
    return read_result(whole)


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes: the system refuses the write, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # token stores are still mapped


def leave(disk: Path, free: int) -> None:
    """Fill ``disk`` until ``free`` bytes are left."""
    (disk / "fill").unlink(missing_ok=True)
    space = os.statvfs(disk)
    (disk / "fill").write_bytes(bytes(space.f_bavail * space.f_frsize - free))


def refused(folder: Path, *overrides: str) -> str:
    with pytest.raises(UserError) as error:
        trained(folder, *overrides)
    assert not is_finished(folder)
    return str(error.value)


@pytest.mark.parametrize(("spare", "file"), [(-1, "weights/epoch-0.safetensors"), (9_999, "checkpoints/last.ckpt")])
def test_a_write_that_is_refused_is_named_and_the_run_goes_on_later(
    tmp_path: Path, whole: Path, expected: RunResult, spare: int, file: str
) -> None:
    [weights] = whole.glob("weights/epoch-1.safetensors")  # as large as those of any epoch
    with files_up_to(weights.stat().st_size + spare):
        assert refused(tmp_path, *RUN) == f"{tmp_path / file} could not be written: File too large."
    assert not list(tmp_path.rglob("*.tmp"))
    assert trained(tmp_path, *RUN)["scores"] == expected["scores"]


@pytest.mark.parametrize("number", [1, 2, 4, 6])
def test_a_disk_that_is_full_at_any_file_is_a_sentence_and_leaves_the_earlier_files(
    tmp_path: Path, expected: RunResult, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    replace = os.replace
    written: list[Path] = []

    def replace_until_full(temporary: Path, path: Path) -> None:
        if len(written) == number:
            raise OSError(errno.ENOSPC, "No space left on device", str(temporary))
        replace(temporary, path)
        written.append(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_until_full)
        said = refused(tmp_path, *RUN)
    assert said.startswith(f"The disk is full: {tmp_path}")
    assert said.endswith("was not written. Free some disk space and run the same command again.")
    assert written[-1].exists()
    assert trained(tmp_path, *RUN)["scores"] == expected["scores"]


@pytest.mark.parametrize("free", [0, 300_000])
def test_a_full_disk_ends_the_process_with_one_sentence(small_disk: Path, expected: RunResult, free: int) -> None:
    leave(small_disk, free)
    cwd = small_disk.parent
    command = Command(cwd, *RUN, f"paths.output_dir={small_disk}/runs")
    assert command.wait() == 1
    assert command.output.count("error:") == 1
    assert "error: The disk is full: " in command.output
    assert "Traceback" not in command.output
    (small_disk / "fill").unlink()
    [folder] = (small_disk / "runs").iterdir() if (small_disk / "runs").exists() else [small_disk / "runs" / "one"]
    again = trained(folder, *RUN, f"paths.output_dir={small_disk}/runs")
    assert again["scores"] == expected["scores"]


def test_a_finished_run_survives_a_disk_that_is_full(small_disk: Path) -> None:
    folder = small_disk / "one"
    trained(folder, *RUN)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    leave(small_disk, 100_000)
    assert "The disk is full" in refused(small_disk / "two", *RUN, "seed=1")
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    trained(folder, *RUN)


def test_a_full_disk_under_the_token_stores_names_the_other_place(small_disk: Path, tmp_path: Path) -> None:
    leave(small_disk, 0)
    said = refused(tmp_path / "run", *RUN, f"paths.cache_dir={small_disk}")
    assert "No space left on device" in said
    assert "paths.cache_dir=/path/to/folder" in said
    (small_disk / "fill").unlink()
    trained(tmp_path / "run", *RUN, f"paths.cache_dir={small_disk}")


def test_a_disk_that_may_only_be_read_is_a_sentence(small_disk: Path, tmp_path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    command = Command(tmp_path, *RUN, f"paths.output_dir={small_disk}")
    assert command.wait() == 1
    assert command.output.startswith(f"error: No permission to write {small_disk}/scratch-written_en-")
    assert command.output.count("\n") == 1
    assert "paths.cache_dir=" in refused(tmp_path / "run", *RUN, f"paths.cache_dir={small_disk}")


def test_a_file_where_the_output_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = Command(tmp_path, *RUN, f"paths.output_dir={tmp_path}/file")
    assert command.wait() == 1
    assert command.output.startswith(f"error: {tmp_path}/file/scratch-written_en-")
    assert command.output.endswith("a file is where a folder should be, or the other way round.\n")
    assert command.output.count("\n") == 1


@pytest.mark.parametrize("name", ["weights", "checkpoints", "predictions", "result.json"])
def test_a_file_where_a_folder_should_be_is_a_sentence(tmp_path: Path, name: str) -> None:
    if name == "result.json":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).touch()
    said = refused(tmp_path, *RUN)
    assert said.startswith(str(tmp_path / name))
    assert said.endswith("cannot be written because a file is where a folder should be, or the other way round.")


def test_a_file_where_the_token_stores_should_be_names_the_other_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = refused(tmp_path / "run", *RUN, f"paths.cache_dir={tmp_path}/file")
    assert "Not a directory" in said
    assert "paths.cache_dir=/path/to/folder" in said


# What libraries make of a refusal


def fail_as_torch(path: Path) -> None:
    with path.open("wb") as file:
        torch.save(torch.zeros(100_000), file)


def fail_as_rust(path: Path) -> None:
    raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_the_refusal_is_found_behind_what_torch_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("earlier")
    with files_up_to(10_000), pytest.raises(UserError, match=r"file could not be written: File too large\."):
        write_atomically(tmp_path / "file", fail_as_torch)
    assert (tmp_path / "file").read_text() == "earlier"


def test_the_refusal_is_found_in_the_words_of_rust(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="The disk is full"):
        write_atomically(tmp_path / "file", fail_as_rust)


@pytest.mark.parametrize("error", [KeyError("a"), RuntimeError("os error"), ValueError("(os error )")])
def test_an_error_of_the_program_is_no_refusal(tmp_path: Path, error: Exception) -> None:
    def fail(path: Path) -> Any:
        raise error

    assert system_error(error) is None
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "file", fail)


def test_leftovers_of_killed_processes_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    kept = [tmp_path / "weights" / "a.safetensors", tmp_path / ".lock", tmp_path / "mine.tmp"]
    left = [tmp_path / ".result.json.12.tmp", tmp_path / "weights" / ".a.safetensors.3.tmp"]
    left.append(tmp_path / "weights" / ".tmpRj7TQt")  # as safetensors 0.8 names it
    for file in [*kept, *left]:
        file.touch()
    remove_leftovers(tmp_path)
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == set(kept)


SAVING = """
import sys, torch
from safetensors.torch import save_file
while True:
    save_file({"a": torch.zeros(10_000_000)}, sys.argv[1])
"""


def test_what_a_killed_process_leaves_of_its_weights_is_removed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SAVING, str(tmp_path / ".a.safetensors.7.tmp")])
    try:
        while not any(file.name != ".a.safetensors.7.tmp" for file in tmp_path.iterdir()):
            assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert any(tmp_path.iterdir())
    remove_leftovers(tmp_path)
    assert not any(tmp_path.iterdir())


def test_weights_may_be_read_by_whoever_may_read_the_users_files(tmp_path: Path) -> None:
    earlier = os.umask(0o027)
    try:
        write_state({"a": torch.zeros(3)}, tmp_path / "a.safetensors")
    finally:
        os.umask(earlier)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o640
