"""Processes that are killed or sent a signal, as a user or a cluster does it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.helpers.processes import Command
from tests.helpers.runs import trained
from tests.helpers.stopping import RUN, differences

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import is_finished

OFTEN = (*RUN, "trainer.save_every_minutes=0.0001")


@pytest.fixture(scope="module")
def often(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("often")
    trained(folder, *OFTEN)
    return folder


def only_run(cwd: Path) -> Path:
    [folder] = (path for path in (cwd / "outputs").iterdir() if path.is_dir())
    return folder


def there(cwd: Path, pattern: str) -> Callable[[], bool]:
    return lambda: any(cwd.glob(f"outputs/*/{pattern}"))


def test_a_run_that_is_killed_again_and_again_reaches_the_same_result(tmp_path: Path, often: Path) -> None:
    for pattern in [".lock", "checkpoints/last.ckpt", "weights/epoch-0*", "weights/epoch-2*", "predictions/*.parquet"]:
        assert not there(tmp_path, pattern)()
        assert Command(tmp_path, *OFTEN).until(there(tmp_path, pattern)).stop(signal.SIGKILL) == -signal.SIGKILL
    assert not is_finished(only_run(tmp_path))
    last = Command(tmp_path, *OFTEN)
    assert last.wait() == 0
    assert "Resuming from" in last.output
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


def test_a_run_that_another_process_is_at_is_left_to_it(tmp_path: Path, often: Path) -> None:
    first = Command(tmp_path, *OFTEN).until(there(tmp_path, "checkpoints/last.ckpt"))
    with pytest.raises(UserError, match=r"Another process is computing the same run in .*: wait for it to end"):
        trained(only_run(tmp_path), *OFTEN)
    assert first.wait() == 0
    assert differences(only_run(tmp_path), often) == []
