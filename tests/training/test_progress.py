"""What a run tells the launcher about how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.helpers.runs import SMALL, same_numbers, trained

from sentiment_transfer.files import progress
from sentiment_transfer.files.progress import VARIABLE, ProgressFile, progress_file

TINY = (*SMALL, "source.written_en.limit=64", "logger=none")


def test_nothing_is_written_where_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert progress_file() is None


def test_a_run_says_what_it_does_and_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    report = ProgressFile.report

    def keep(file: ProgressFile, text: str, done: float | None = None, *, within: bool = False) -> None:
        report(file, text, done, within=within)
        written.append(json.loads((tmp_path / "progress.json").read_text()))

    monkeypatch.setattr(ProgressFile, "report", keep)
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "progress.json"))
    reported = trained(tmp_path / "run", *TINY, f"paths.cache_dir={tmp_path}/cache")
    stages = list(dict.fromkeys(entry["text"].partition(" ")[0] for entry in written))
    assert stages == ["loading", "tokenising", "waiting", "training", "scoring"]
    texts = list(dict.fromkeys(entry["text"] for entry in written))
    assert [text for text in texts if text.startswith("training")] == ["training epoch 1/2", "training epoch 2/2"]
    assert texts[-1] == "scoring written_ja and written_id"
    shares = [entry["done"] for entry in written]
    assert shares == sorted(shares) and shares[0] == 0.0
    assert shares[-1] == pytest.approx(1.0)  # also where selections share their weights
    scoring = next(entry["done"] for entry in written if entry["text"].startswith("scoring"))
    assert 0.1 < scoring < 0.9
    assert written[-1]["first"] == next(share for share in shares if share)
    monkeypatch.delenv(VARIABLE)
    assert same_numbers(reported, trained(tmp_path / "elsewhere" / "run", *TINY, f"paths.cache_dir={tmp_path}/cache"))


def test_seconds_are_those_since_the_first_share_of_this_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 50.0, 50.5, 60.0, 61.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    file, path = ProgressFile(tmp_path / "progress.json"), tmp_path / "progress.json"
    file.report("loading")
    assert json.loads(path.read_text()) == {"done": 0.0, "text": "loading"}
    file.report("training epoch 3/4", 0.5)  # continued halfway
    file.report("training epoch 3/4", 0.51, within=True)  # too soon
    file.report("training epoch 3/4", 0.6, within=True)
    assert json.loads(path.read_text()) == {"done": 0.6, "text": "training epoch 3/4", "first": 0.5, "seconds": 10.0}
    file.report("training epoch 1/2", 0.1)  # the source's run has ended, and that which waited for it begins
    assert json.loads(path.read_text())["first"] == 0.1


def test_a_folder_that_is_gone_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone" / "progress.json"))
    file = progress_file()
    assert file is not None
    file.report("half", 0.5)
    assert not (tmp_path / "gone").exists()
