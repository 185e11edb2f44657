"""Runs in two processes, on the CPU over gloo: their numbers, their ends, and what goes on after them."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors.torch import load_file
from tests.helpers.processes import Command
from tests.helpers.runs import trained
from tests.helpers.stopping import RUN

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import RunResult, is_finished, read_result

TWO = ("trainer.devices=2", "trainer.accelerator=cpu")
# 34 reviews in batches of 8: the last has 2, which one process takes alone. Seven scoring batches, an odd number.
# An optimiser that moves in proportion to the gradient, so that the weights show what it was.
PLAIN = (
    *RUN, "source.written_en.limit=34", "trainer.max_epochs=5", "trainer.accelerator=cpu", "model.dropout=0",
    "trainer.precision=32-true", "data.score_batch_tokens=128", "optimizer.eps=1", "optimizer.learning_rate=1",
)  # fmt: skip
OFTEN = ("trainer.save_every_minutes=0.0001",)


def numbers(result: RunResult) -> list[float]:
    return [
        value
        for entry in result["history"]
        for part in (entry["train"], *entry["dev"].values())
        for value in part.values()
    ]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    trained(folder, *PLAIN)
    return folder


def assert_same_numbers(run: Path, other: Path, within: float = 1e-4) -> None:
    # Sums are taken in another order, 1e-7 each; Adam makes more of that where a gradient is next to nothing: after a
    # whole run 1.4e-5 was seen in a probability. A single step agrees to 1e-5 in test_parts.py.
    assert numbers(read_result(run)) == pytest.approx(numbers(read_result(other)), abs=within)
    for dataset in read_result(run)["scores"]:
        ours, theirs = (read_predictions(folder, dataset) for folder in (run, other))
        assert ours.ids == theirs.ids
        assert np.abs(ours.probabilities["last"] - theirs.probabilities["last"]).max() < within
    names = [path.name for path in (run / "weights").iterdir()]
    assert names and sorted(names) == sorted(path.name for path in (other / "weights").iterdir())
    for name in names:
        ours, theirs = (load_file(folder / "weights" / name) for folder in (run, other))
        assert max(float((ours[key].float() - theirs[key].float()).abs().max()) for key in ours) < within


def below(process: Command) -> list[psutil.Process]:
    """The ranks that a run has started, in their order."""
    children = psutil.Process(process.pid).children()
    return sorted((child for child in children if "spawn_main" in " ".join(child.cmdline())), key=lambda p: p.pid)


def stopped(process: Command) -> None:
    """Ask to stop, as a cluster does."""
    assert process.stop(signal.SIGTERM) == 128 + signal.SIGTERM, process.output
    assert "interrupted: Saved at epoch " in process.output and "Traceback" not in process.output


@pytest.mark.slow
def test_two_processes_that_are_killed_reach_the_numbers_of_one(tmp_path: Path, one: Path) -> None:
    """One of them, then the one that watches them: the same command goes on from each save."""
    saved = tmp_path / "checkpoints" / "last.ckpt"
    here = (*PLAIN, *TWO, *OFTEN, f"hydra.run.dir={tmp_path}")

    process = Command(tmp_path, *here).until(saved.exists)
    ranks = below(process)
    assert len(ranks) == 2
    ranks[1].kill()
    assert process.wait() == 1, process.output
    assert "error: Process 2 of the 2 of this run was killed (SIGKILL" in process.output
    assert "Traceback" not in process.output
    assert not any(rank.is_running() for rank in ranks)

    before = saved.stat().st_mtime_ns
    process = Command(tmp_path, *here).until(lambda: saved.stat().st_mtime_ns > before)
    ranks = below(process)
    assert len(ranks) == 2
    assert process.stop(signal.SIGKILL) == -signal.SIGKILL
    psutil.wait_procs(ranks, timeout=20)
    assert not any(rank.is_running() for rank in ranks), "they end with who watches them"
    assert not is_finished(tmp_path)

    process = Command(tmp_path, *here)
    assert process.wait() == 0, process.output
    assert process.output.count("Resuming from") == 1, "one process speaks"
    result = read_result(tmp_path)
    assert result["run_id"] == read_result(one)["run_id"] and result["config"]["trainer"]["devices"] == 2
    assert_same_numbers(tmp_path, one)


@pytest.mark.slow
def test_shares_of_a_model_go_on_as_shares_and_reach_the_numbers_of_one(tmp_path: Path, one: Path) -> None:
    saved = tmp_path / "checkpoints" / "last.ckpt"
    here = (*PLAIN, *TWO, *OFTEN, "trainer.strategy=fsdp", f"hydra.run.dir={tmp_path}")
    process = Command(tmp_path, *here).until(saved.exists)
    stopped(process)
    process = Command(tmp_path, *here)
    assert process.wait() == 0, process.output
    assert "Resuming from" in process.output
    assert read_result(tmp_path)["performance"]["batching"] == "packed"
    assert_same_numbers(tmp_path, one, within=1e-3)  # its AdamW is not the fused one: 1.3e-4 was seen


@pytest.mark.slow
def test_a_run_that_two_began_is_finished_by_one(tmp_path: Path, one: Path) -> None:
    saved = tmp_path / "checkpoints" / "last.ckpt"
    process = Command(tmp_path, *PLAIN, *TWO, *OFTEN, f"hydra.run.dir={tmp_path}").until(saved.exists)
    ranks = below(process)
    stopped(process)
    assert not any(rank.is_running() for rank in ranks)
    trained(tmp_path, *PLAIN)
    assert_same_numbers(tmp_path, one)


@pytest.mark.slow
def test_an_error_in_the_processes_is_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"data\.max_length=1000 is more than the") as raised:
        trained(tmp_path, *PLAIN, *TWO, "data.max_length=1000")
    assert raised.value.exit_code == 1
    said = capfd.readouterr().err
    assert said.count("error: ") == 1 and "Traceback" not in said
