"""A run that is stopped or cut off at any moment ends, by the same command, as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.runs import trained
from tests.helpers.stopping import RUN, STEPS, Cut, Steps, Whole, differences, send, stopped, undisturbed

from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.results.record import is_finished, read_result
from sentiment_transfer.training.checkpoints import RunCheckpoints

SHORT = (*RUN, "+trainer.extra.limit_train_batches=3")  # of five
HALVES = (*RUN, "trainer.micro_batch_size=4")  # ten parts an epoch, the last of 2 reviews


@pytest.fixture(scope="module")
def short_whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return undisturbed(tmp_path_factory.mktemp("short"), *SHORT)


@pytest.fixture(scope="module")
def whole_in_halves(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return undisturbed(tmp_path_factory.mktemp("halves"), *HALVES)


@pytest.mark.parametrize("part", [1, STEPS, STEPS + 1, 2 * STEPS + 3, 3 * STEPS])
def test_a_stopped_run_goes_on_with_the_very_next_batch(tmp_path: Path, whole: Whole, steps: Steps, part: int) -> None:
    steps.at, steps.then = part, send(signal.SIGTERM)
    stop = stopped(tmp_path, *RUN)
    assert stop.saved == f"epoch {(part - 1) // STEPS + 1} of 3, step {part}"
    assert len(steps.rows) == part
    trained(tmp_path, *RUN)
    assert steps.rows == whole[1]
    assert differences(tmp_path, whole[0]) == []


@pytest.mark.parametrize("part", [2, 3, 5])
def test_a_run_of_short_epochs_goes_on_with_the_very_next_batch(
    tmp_path: Path, short_whole: Whole, steps: Steps, part: int
) -> None:
    assert len(short_whole[1]) == 3 * 3
    result = read_result(short_whole[0])
    assert result["caveats"][-1] == "shortened: trainer.extra.limit_train_batches=3"
    steps.at, steps.then = part, send(signal.SIGTERM)
    stopped(tmp_path, *SHORT)
    trained(tmp_path, *SHORT)
    assert steps.rows == short_whole[1]
    assert differences(tmp_path, short_whole[0]) == []


def test_short_epochs_may_be_cut_into_smaller_parts_on_the_way(
    tmp_path: Path, short_whole: Whole, steps: Steps
) -> None:
    steps.at, steps.then = 4, send(signal.SIGTERM)
    stopped(tmp_path, *SHORT)
    trained(tmp_path, *SHORT, "trainer.micro_batch_size=4")
    assert sum(steps.rows, ()) == sum(short_whole[1], ())


@pytest.mark.parametrize(("part", "done"), [(1, 2), (4, 4), (9, 10), (10, 10)])
def test_a_step_of_two_parts_is_finished_before_the_run_stops(
    tmp_path: Path, whole_in_halves: Whole, steps: Steps, part: int, done: int
) -> None:
    steps.at, steps.then = part, send(signal.SIGINT)
    stopped(tmp_path, *HALVES)
    assert len(steps.rows) == done
    trained(tmp_path, *HALVES)
    assert steps.rows == whole_in_halves[1]
    assert differences(tmp_path, whole_in_halves[0]) == []


def test_the_last_part_of_an_epoch_is_what_its_rows_leave(whole: Whole, whole_in_halves: Whole) -> None:
    assert [len(rows) for rows in whole[1]] == 3 * [8, 8, 8, 8, 6]
    assert [len(rows) for rows in whole_in_halves[1]] == 3 * [*9 * [4], 2]
    assert sum(whole_in_halves[1], ()) == sum(whole[1], ())


def test_a_run_stopped_at_every_step_reaches_the_same_result(tmp_path: Path, whole: Whole, steps: Steps) -> None:
    for part in range(2, 3 * STEPS + 1, 4):
        steps.at, steps.then = part, send(signal.SIGTERM)
        stopped(tmp_path, *RUN)
    trained(tmp_path, *RUN)
    assert steps.rows == whole[1]
    assert differences(tmp_path, whole[0]) == []


def test_a_second_signal_stops_at_once_and_loses_no_more_than_the_epoch(
    tmp_path: Path, whole: Whole, steps: Steps
) -> None:
    steps.at, steps.then = STEPS + 2, send(signal.SIGINT, signal.SIGINT)
    assert stopped(tmp_path, *RUN).saved == ""
    trained(tmp_path, *RUN)
    assert steps.rows == [*whole[1][: STEPS + 2], *whole[1][STEPS:]]
    assert differences(tmp_path, whole[0]) == []


@pytest.mark.parametrize("signals", [(signal.SIGHUP, signal.SIGHUP), (signal.SIGTERM, signal.SIGHUP)])
def test_a_terminal_that_is_closed_lets_the_run_save(
    tmp_path: Path, whole: Whole, steps: Steps, signals: tuple[int, int]
) -> None:
    """Shells and systemd send SIGHUP after the first signal: nobody is impatient."""
    steps.at, steps.then = STEPS + 2, send(*signals)
    stop = stopped(tmp_path, *RUN)
    assert (stop.signum, stop.saved) == (signals[0], f"epoch 2 of 3, step {STEPS + 2}")
    trained(tmp_path, *RUN)
    assert steps.rows == whole[1]
    assert differences(tmp_path, whole[0]) == []


def test_under_nohup_a_closed_terminal_changes_nothing(tmp_path: Path, steps: Steps) -> None:
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        steps.at, steps.then = 2, send(signal.SIGHUP)
        trained(tmp_path, *RUN)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, earlier)


@pytest.mark.parametrize(
    ("hook", "signum"),
    [
        ("configure_optimizers", signal.SIGTERM),
        ("validation_step", signal.SIGINT),
        ("predict_step", signal.SIGINT),
        ("predict_step", signal.SIGTERM),
    ],
)
def test_a_signal_outside_the_training_steps_stops_the_run(
    tmp_path: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch, hook: str, signum: int
) -> None:
    original = getattr(SentimentClassifier, hook)
    with monkeypatch.context() as patch:
        patch.setattr(SentimentClassifier, hook, lambda *args: (send(signum)(), original(*args))[1])
        assert stopped(tmp_path, *RUN).signum == signum
    trained(tmp_path, *RUN)
    assert differences(tmp_path, whole[0]) == []


def test_a_signal_after_the_last_save_is_not_lost(
    tmp_path: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch, steps: Steps
) -> None:
    end = RunCheckpoints.on_train_end
    with monkeypatch.context() as patch:
        patch.setattr(RunCheckpoints, "on_train_end", lambda *args: (send(signal.SIGTERM)(), end(*args))[1])
        assert stopped(tmp_path, *RUN).saved == f"epoch 3 of 3, step {3 * STEPS}"
    (tmp_path / "weights" / "epoch-7.safetensors").touch()  # as of an epoch that a cut kept from being removed
    trained(tmp_path, *RUN)
    assert len(steps.rows) == 3 * STEPS
    assert differences(tmp_path, whole[0]) == []


def test_the_signals_are_given_back_after_a_run_and_after_a_stop(tmp_path: Path, steps: Steps) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    steps.at, steps.then = 2, send(signal.SIGTERM)
    stopped(tmp_path, *RUN)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    trained(tmp_path, *RUN)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_cut_off_at_any_of_its_files_reaches_the_same_result(
    tmp_path: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    replace, written = os.replace, 0

    def replace_until(last: int) -> Callable[[Any, Any], None]:
        def replace_or_cut(temporary: Path, path: Path) -> None:
            nonlocal written
            written += 1
            if moment == "before" and written == last:
                shutil.copy(temporary, temporary.with_name(f".left-{temporary.name}"))  # as a real cut would
                raise Cut
            replace(temporary, path)
            if written == last:
                raise Cut

        return replace_or_cut

    for last in range(2, 20):
        written = 0
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace_until(last))
            try:
                trained(tmp_path, *RUN)
                break
            except Cut:
                assert is_finished(tmp_path) == (moment == "after" and "result.json" in os.listdir(tmp_path))
    assert last > 4
    assert not list(tmp_path.rglob(".*.tmp"))
    assert differences(tmp_path, whole[0]) == []


def test_a_finished_run_is_shown_and_not_repeated(tmp_path: Path, whole: Whole, capsys: pytest.CaptureFixture) -> None:
    folder = Path(shutil.copytree(whole[0], tmp_path / "run"))
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}
    trained(folder, *RUN)
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == before
    said = capsys.readouterr().out
    assert f"Finished before, in {folder}" in said
    assert "written_ja" in said


def test_a_run_that_slurm_takes_off_saves_before_it_is_requeued(tmp_path: Path, whole: Whole, steps: Steps) -> None:
    """submitit's handler of SIGUSR2 requeues the job and ends the process: it has its turn when the run is saved."""
    saved: list[bool] = []
    earlier = signal.signal(signal.SIGUSR2, lambda *_: saved.append((tmp_path / "checkpoints" / "last.ckpt").exists()))
    try:
        steps.at, steps.then = 3, send(signal.SIGUSR2)
        assert stopped(tmp_path, *RUN).saved == "epoch 1 of 3, step 3"
    finally:
        signal.signal(signal.SIGUSR2, earlier)
    assert saved == [True]
    trained(tmp_path, *RUN)
    assert steps.rows == whole[1]
    assert differences(tmp_path, whole[0]) == []
