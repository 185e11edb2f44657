"""Offline W&B runs are uploaded once; those with a marker, and those still being written, are skipped."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from sentiment_transfer.errors import UserError
from sentiment_transfer.tracking import sync as module
from sentiment_transfer.tracking.sync import main, sync


class Uploads:
    """Stands in for ``wandb sync``: marks what it is given, as wandb does, except what is named in ``refused``."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.refused: set[str] = set()

    def run(self, command: list[str], check: bool) -> None:
        assert command[1:4] == ["-m", "wandb", "sync"]
        for folder in map(Path, command[4:]):
            self.given.append(folder.name)
            if folder.name not in self.refused:
                [file] = folder.glob("*.wandb")
                file.with_suffix(".wandb.synced").touch()


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> Uploads:
    fake = Uploads()
    monkeypatch.setattr(subprocess, "run", fake.run)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    return fake


def offline_run(sweep: Path, job: str, name: str) -> Path:
    file = sweep / job / "wandb" / f"offline-run-{name}" / f"run-{name}.wandb"
    file.parent.mkdir(parents=True)
    file.touch()
    return file


def test_every_offline_run_is_uploaded_once(tmp_path: Path, uploads: Uploads) -> None:
    names = [offline_run(tmp_path, f"job{i % 5}", f"r{i}").parent.name for i in range(45)]
    assert sync([tmp_path]) == "45 offline W&B runs uploaded."
    assert sorted(uploads.given) == sorted(names)
    offline_run(tmp_path, "job1", "later")
    assert sync([tmp_path]) == "1 offline W&B run uploaded."
    assert sync([tmp_path]) == "Nothing to upload: 46 offline W&B runs were uploaded before."
    assert uploads.given.count("offline-run-later") == 1 and len(uploads.given) == 46


def test_folders_without_offline_runs_say_so(tmp_path: Path) -> None:
    (tmp_path / "run" / "wandb" / "run-online").mkdir(parents=True)
    assert sync([tmp_path]) == f"Nothing to upload: no run in {tmp_path} was logged by W&B offline."


def test_what_was_refused_is_named_and_tried_again(tmp_path: Path, uploads: Uploads) -> None:
    for name in ("a", "b"):
        offline_run(tmp_path, "job", name)
    uploads.refused = {"offline-run-b"}
    with pytest.raises(UserError, match=r"1 of 2 offline W&B runs were not uploaded.*offline-run-b\."):
        sync([tmp_path])
    uploads.refused = set()
    assert sync([tmp_path]) == "1 offline W&B run uploaded."
    assert uploads.given.count("offline-run-a") == 1


def test_a_run_in_progress_is_skipped(tmp_path: Path, uploads: Uploads) -> None:
    offline_run(tmp_path, "job", "a")
    with FileLock(tmp_path / "job" / ".lock"):
        assert sync([tmp_path]) == "0 offline W&B runs uploaded. 1 more are still in progress."
    assert sync([tmp_path]) == "1 offline W&B run uploaded."


def test_a_second_upload_is_refused(tmp_path: Path, uploads: Uploads) -> None:
    offline_run(tmp_path, "job", "a")
    with FileLock(tmp_path / module.LOCK), pytest.raises(UserError, match="Another upload is in progress"):
        sync([tmp_path])
    assert uploads.given == []


def test_without_a_login_nothing_is_uploaded(
    tmp_path: Path, uploads: Uploads, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offline_run(tmp_path, "job", "a")
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setattr(module, "logged_in", lambda: False)
    assert main([str(tmp_path)]) == 1
    assert "1 offline W&B run was not uploaded yet, and W&B has no login. Type " in capsys.readouterr().err
    assert main([str(tmp_path / "gone")]) == 1
    assert uploads.given == []


def test_folders_that_are_not_there_are_no_error_unless_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0 and "neither outputs nor multirun exists" in capsys.readouterr().out
    (tmp_path / "outputs").mkdir()
    assert main([]) == 0 and "no run in outputs was logged by W&B offline" in capsys.readouterr().out
    assert main(["multirun"]) == 1
