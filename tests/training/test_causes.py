"""Which of several processes' ends is told, and what a process that is alone agrees with."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sentiment_transfer.errors import OutOfMemory, UserError
from sentiment_transfer.training.interruption import Interrupted, StopRequest
from sentiment_transfer.training.processes import RankProcess, Report, raise_cause
from sentiment_transfer.training.ranks import ALONE, joined


def ended(*reports: Report | int, killed: tuple[int, ...] = ()) -> list[RankProcess]:
    """Ranks with a report each, or with an exit code and no report."""
    ranks = []
    for number, end in enumerate(reports):
        process: Any = SimpleNamespace(exitcode=end if isinstance(end, int) else 1)
        pipe: Any = None
        report = end if isinstance(end, Report) else None
        ranks.append(RankProcess(number, process, pipe, report, killed=number in killed))
    return ranks


def asked(signum: int | None = None) -> StopRequest:
    stop = StopRequest()
    stop.signum = signum
    return stop


def test_the_error_that_came_first_is_told_with_its_exit_code() -> None:
    short, consequence = OutOfMemory("short"), Report(0, at=2.0, traceback="Connection closed by peer", deserted=True)
    with pytest.raises(OutOfMemory, match="short"):
        raise_cause(ended(consequence, Report(1, at=1.0, error=short)), asked())


def test_a_process_that_was_killed_is_the_cause_even_where_another_speaks_of_its_checkpoint() -> None:
    consequence = Report(0, at=1.0, error=UserError("the checkpoint cannot be read"), deserted=True)
    with pytest.raises(UserError, match=r"Process 2 of the 2 of this run was killed \(SIGKILL"):
        raise_cause(ended(consequence, -signal.SIGKILL), asked())


def test_a_process_that_we_ended_is_no_cause() -> None:
    with pytest.raises(RuntimeError, match="in process 1 of 2:\nTraceback of a bug"):
        raise_cause(ended(Report(0, 1.0, traceback="Traceback of a bug"), -signal.SIGKILL, killed=(1,)), asked())


def test_a_stop_tells_how_far_was_saved_only_where_all_saved() -> None:
    both = ended(*(Report(rank, 1.0, saved="epoch 1 of 2, step 3") for rank in range(2)))
    with pytest.raises(Interrupted) as stop:
        raise_cause(both, asked(signal.SIGTERM))
    assert (stop.value.signum, stop.value.saved) == (signal.SIGTERM, "epoch 1 of 2, step 3")
    one = ended(Report(0, 1.0, saved=""), Report(1, 2.0, traceback="Connection reset by peer", deserted=True))
    with pytest.raises(Interrupted) as stop:
        raise_cause(one, asked(signal.SIGINT))
    assert stop.value.saved == ""


def test_a_disk_that_is_full_while_all_are_stopping_is_told() -> None:
    with pytest.raises(UserError, match="full"):
        raise_cause(
            ended(Report(0, 1.0, error=UserError("the disk is full")), Report(1, 1.1, saved="epoch 1")),
            asked(signal.SIGTERM),
        )


def test_nothing_is_raised_where_all_finished() -> None:
    raise_cause(ended(Report(0, 1.0), Report(1, 1.0)), asked())


def test_a_process_alone_agrees_with_itself() -> None:
    assert ALONE.is_main and ALONE.all_reduce_max(7) == 7 and ALONE.all_gather("mine") == ["mine"]


def test_more_devices_than_a_run_sees_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with (
        pytest.raises(UserError, match=r"devices=4, but this run sees 1 GPU\. .* hydra\.launcher\.gpus_per_job=4"),
        joined(0, 4, tmp_path / "meeting", "cuda"),
    ):
        pass
