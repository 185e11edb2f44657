"""A run that is stopped, killed or cut off at any moment ends, by the same command, as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from processes import Command
from runs import TIMES, trained
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.results.record import is_finished, read_result
from sentiment_transfer.training.checkpoints import RunCheckpoints, last_checkpoint
from sentiment_transfer.training.interruption import Interrupted

# Five steps an epoch, the last of 6 reviews; dropout, so that the random state matters as well.
RUN = (
    "experiment=demo",
    "model.dropout=0.1",
    "source.demo_en.limit=38",
    "targets.demo_ja.limit=20",
    "targets.demo_id.limit=20",
    "trainer.batch_size=8",
    "trainer.max_epochs=3",
    "logger=none",
)
HALVES = (*RUN, "trainer.accumulate=2")  # ten parts an epoch, the last of 2 reviews
OFTEN = (*RUN, "trainer.save_every_minutes=0.0001")
STEPS = 5
KEPT = ("predictions/*", "weights/*")

Rows = tuple[int, ...]
Whole = tuple[Path, list[Rows]]  # a run that nothing disturbed: its folder, and the reviews of its training parts


class Cut(BaseException):
    """The power goes, here and now."""


class Steps:
    """Keeps the reviews of every training part, and calls ``then`` while part number ``at`` (from 1) is under way."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.rows: list[Rows] = []
        self.at = 0
        self.then: Callable[[], object] = lambda: None
        step = SentimentClassifier.training_step

        def training_step(module: SentimentClassifier, batch: Any, batch_idx: int) -> Any:
            self.rows.append(tuple(batch["rows"].tolist()))
            if len(self.rows) == self.at:
                self.then()
            return step(module, batch, batch_idx)

        patch.setattr(SentimentClassifier, "training_step", training_step)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def undisturbed(folder: Path, *overrides: str) -> Whole:
    with pytest.MonkeyPatch.context() as patch:
        recorded = Steps(patch)
        trained(folder, *overrides)
    return folder, recorded.rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return undisturbed(tmp_path_factory.mktemp("whole"), *RUN)


@pytest.fixture(scope="module")
def whole_in_halves(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return undisturbed(tmp_path_factory.mktemp("halves"), *HALVES)


@pytest.fixture(scope="module")
def often(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return undisturbed(tmp_path_factory.mktemp("often"), *OFTEN)[0]


def differences(one: Path, other: Path) -> list[str]:
    """Fields of the record that differ, and files of predictions and weights that differ in any byte."""
    results = [{key: value for key, value in read_result(run).items() if key not in TIMES} for run in (one, other)]
    fields = [key for key in results[0] if results[0][key] != results[1][key]]
    files = {str(file.relative_to(run)) for run in (one, other) for kind in KEPT for file in run.glob(kind)}
    assert len(files) >= 4, files  # three sets are scored, with the weights of one epoch or two
    return fields + [name for name in sorted(files) if content(one / name) != content(other / name)]


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def send(*signals: int) -> Callable[[], None]:
    def to_this_process() -> None:
        for signum in signals:
            os.kill(os.getpid(), signum)

    return to_this_process


def cut() -> None:
    raise Cut


def stopped(folder: Path, *overrides: str) -> Interrupted:
    with pytest.raises(Interrupted) as stop:
        trained(folder, *overrides)
    assert not is_finished(folder)
    return stop.value


def only_run(cwd: Path) -> Path:
    [folder] = (cwd / "outputs").iterdir()
    return folder


# Where training stops, and where it goes on


@pytest.mark.parametrize("part", [1, 3, STEPS, STEPS + 1, 2 * STEPS + 3, 3 * STEPS])
def test_a_stopped_run_goes_on_with_the_very_next_batch(tmp_path: Path, whole: Whole, steps: Steps, part: int) -> None:
    steps.at, steps.then = part, send(signal.SIGTERM)
    stop = stopped(tmp_path, *RUN)
    assert stop.saved == f"epoch {(part - 1) // STEPS + 1} of 3, step {part}"
    assert len(steps.rows) == part
    trained(tmp_path, *RUN)
    assert steps.rows == whole[1]
    assert differences(tmp_path, whole[0]) == []


@pytest.mark.parametrize(("part", "done"), [(1, 2), (4, 4), (9, 10), (10, 10), (11, 12)])
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


# Real processes


def there(cwd: Path, pattern: str) -> Callable[[], bool]:
    return lambda: any(cwd.glob(f"outputs/*/{pattern}"))


def test_a_run_that_is_killed_again_and_again_reaches_the_same_result(tmp_path: Path, often: Path) -> None:
    for pattern in [".lock", "checkpoints/last.ckpt", "weights/epoch-0*", "weights/epoch-2*", "predictions/*.parquet"]:
        assert not there(tmp_path, pattern)()
        assert Command(tmp_path, *OFTEN).until(there(tmp_path, pattern)).stop(signal.SIGKILL) == -signal.SIGKILL
    assert not is_finished(only_run(tmp_path))
    last = Command(tmp_path, *OFTEN)
    assert last.wait() == 0
    assert "Going on from" in last.output
    assert "epoch 1/3" not in last.output  # which was trained before
    assert differences(only_run(tmp_path), often) == []


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_process_with_its_code_and_a_sentence(
    tmp_path: Path, often: Path, signum: int, code: int
) -> None:
    command = Command(tmp_path, *OFTEN)
    assert command.until(there(tmp_path, "checkpoints/last.ckpt")).stop(signum) == code
    assert "Traceback" not in command.output
    assert command.output.count("interrupted: Saved at epoch 1 of 3, step ") == 1
    assert "The same command goes on from where this run was last saved." in command.output
    again = Command(tmp_path, *OFTEN)
    assert again.wait() == 0
    assert differences(only_run(tmp_path), often) == []


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_before_training_ends_the_process_in_the_same_way(tmp_path: Path, signum: int, code: int) -> None:
    command = Command(tmp_path, *OFTEN)
    assert command.until(there(tmp_path, ".hydra/overrides.yaml")).stop(signum) == code
    assert "Traceback" not in command.output
    assert command.output.count("interrupted: The same command goes on") == 1


def test_a_finished_run_is_shown_and_not_repeated(tmp_path: Path, whole: Whole, capsys: pytest.CaptureFixture) -> None:
    folder = Path(shutil.copytree(whole[0], tmp_path / "run"))
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}
    trained(folder, *RUN)
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == before
    said = capsys.readouterr().out
    assert f"Finished before, in {folder}" in said
    assert "demo_ja" in said


def test_a_run_that_another_process_is_at_is_left_to_it(tmp_path: Path, often: Path) -> None:
    first = Command(tmp_path, *OFTEN).until(there(tmp_path, "checkpoints/last.ckpt"))
    with pytest.raises(UserError, match=r"The same run is going on in another process, in .*: wait for it to end"):
        trained(only_run(tmp_path), *OFTEN)
    assert first.wait() == 0
    assert differences(only_run(tmp_path), often) == []


# Checkpoints that cannot be read


@pytest.fixture(scope="module")
def half_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("half-way")
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        steps.at, steps.then = STEPS + 2, send(signal.SIGTERM)
        stopped(folder, *RUN)
    return folder


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100_000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_text(path: Path) -> None:
    path.write_text("This is no checkpoint.")


def replace_by_another_state(path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, path)


def of_a_wider_head(path: Path) -> None:
    state = torch.load(path, weights_only=True)
    state["state_dict"]["network.classifier.dense.weight"] = torch.zeros(7, 7)
    torch.save(state, path)


@pytest.mark.parametrize("damage", [truncate, empty, replace_by_text, replace_by_another_state, of_a_wider_head])
def test_a_checkpoint_that_does_not_fit_is_named_with_what_to_do(
    tmp_path: Path, half_way: Path, damage: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(half_way, tmp_path / "run"))
    damage(last_checkpoint(folder))
    with pytest.raises(UserError) as error:
        trained(folder, *RUN)
    assert str(error.value).startswith(f"The checkpoint {last_checkpoint(folder)} cannot be read into this model (")
    assert str(error.value).endswith("Delete it to start this run again.")
    assert not is_finished(folder)


def test_a_run_whose_checkpoint_was_deleted_starts_again(tmp_path: Path, half_way: Path, whole: Whole) -> None:
    folder = Path(shutil.copytree(half_way, tmp_path / "run"))
    last_checkpoint(folder).unlink()
    trained(folder, *RUN)
    assert differences(folder, whole[0]) == []


def test_weights_that_are_damaged_before_scoring_are_named(tmp_path: Path) -> None:
    weights = tmp_path / "weights" / "epoch-2.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SentimentClassifier, "predict_step", lambda *args: cut())
        with pytest.raises(Cut):
            trained(tmp_path, *RUN)
    truncate(weights)
    with pytest.raises(UserError, match=r"The weights .*epoch-2\.safetensors cannot be read into this network"):
        trained(tmp_path, *RUN)
    assert not is_finished(tmp_path)
