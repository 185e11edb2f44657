"""Claims: one owner at a time, whoever dies, and whoever looked too long ago."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from hydra_plugins.slots_launcher import _others
from hydra_plugins.slots_launcher._claims import Claim, Found, claim_path, latest, make_claim
from hydra_plugins.slots_launcher._others import Clock, Others
from hydra_plugins.slots_launcher._owner import start_time

LONG_AGO = 1_000_000.0
OUT_OF_SIGHT = [{"boot": "another machine, or this one before the power cut"}, {"namespace": "pid:[1]"}]


def nobody(group: int) -> None:
    raise AssertionError("there is nothing to evict")


def claimed(job: Path, size: int | None = None) -> Claim | None:
    return make_claim(job, latest(job), ["seed=1"], nobody, size)


def held(job: Path, now: float = 0.0) -> bool:
    return latest(job).held(now or latest(job).beat, stale_after=100)


def rewritten(job: Path, **changes: object) -> None:
    """Let the latest claim say something else, as another process (or host) would have written it."""
    path = claim_path(job, latest(job).number)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_claimed_job_is_held_and_cannot_be_claimed_again(tmp_path: Path) -> None:
    before = latest(tmp_path)
    assert claimed(tmp_path) is not None
    assert held(tmp_path)
    assert make_claim(tmp_path, before, [], nobody) is None


def test_one_of_many_gets_a_job(tmp_path: Path) -> None:
    for job in (tmp_path / str(i) for i in range(20)):
        found, got, gate = latest(job), [], threading.Barrier(8)

        def claim(job: Path, found: Found, got: list[Claim | None], gate: threading.Barrier) -> None:
            gate.wait()
            got.append(make_claim(job, found, [], nobody))

        threads = [threading.Thread(target=claim, args=(job, found, got, gate)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(one is not None for one in got) == 1


def test_the_claim_of_a_dead_process_is_taken_over_once(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    claimed(tmp_path)
    rewritten(tmp_path, pid=dead.pid)
    assert not held(tmp_path)
    seen_by_two = latest(tmp_path)
    assert make_claim(tmp_path, seen_by_two, [], nobody) is not None
    assert make_claim(tmp_path, seen_by_two, [], nobody) is None
    assert held(tmp_path)


def test_a_later_process_of_the_same_id_is_another(tmp_path: Path) -> None:
    claimed(tmp_path)
    assert start_time(os.getpid()) != ""
    rewritten(tmp_path, started="1")
    assert not held(tmp_path)


@pytest.mark.parametrize("changes", OUT_OF_SIGHT)
def test_the_claim_of_a_process_that_cannot_be_seen_is_held_while_it_beats(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    claim = claimed(tmp_path)
    assert claim is not None
    rewritten(tmp_path, pid=1, **changes)
    beat = latest(tmp_path).beat
    assert held(tmp_path, now=beat + 99)
    assert not held(tmp_path, now=beat + 101)
    os.utime(claim.path, (LONG_AGO, LONG_AGO))
    assert claim.beat()
    assert latest(tmp_path).beat > LONG_AGO


def test_an_owner_that_was_taken_for_dead_learns_it(tmp_path: Path) -> None:
    claim = claimed(tmp_path)
    assert claim is not None and claim.beat()
    rewritten(tmp_path, **OUT_OF_SIGHT[0])
    os.utime(claim.path, (LONG_AGO, LONG_AGO))
    assert make_claim(tmp_path, latest(tmp_path), [], nobody) is not None
    assert not claim.beat()


def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Others, list[float]]:
    """Another launcher's view of the jobs, and the seconds of its monotonic clock, to be set."""
    seconds = [0.0]
    monkeypatch.setattr(_others.time, "monotonic", lambda: seconds[0])
    return Others(Clock(tmp_path / "clock"), stale_after=100), seconds


def test_a_claim_dated_in_the_future_is_held_only_while_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claimed(tmp_path)
    assert claim is not None
    rewritten(tmp_path, **OUT_OF_SIGHT[0])
    looking, seconds = others(tmp_path, monkeypatch)
    future = time.time() + 1e6
    os.utime(claim.path, (future, future))
    assert looking.hold(tmp_path, latest(tmp_path))
    news = looking.news(tmp_path, latest(tmp_path))
    assert "is dated 277 h 46 min in the future" in news and "has not changed for 1 min 40 s" in news
    assert looking.news(tmp_path, latest(tmp_path)) == ""
    seconds[0] = 99.0
    assert looking.hold(tmp_path, latest(tmp_path))
    os.utime(claim.path, (future + 20, future + 20))
    seconds[0] = 198.0
    assert looking.hold(tmp_path, latest(tmp_path))
    seconds[0] = 299.0
    assert not looking.hold(tmp_path, latest(tmp_path))


def test_a_launcher_does_not_wait_for_a_claim_of_its_own_that_a_full_disk_kept_from_being_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert claimed(tmp_path) is not None
    launcher, _ = others(tmp_path, monkeypatch)
    assert held(tmp_path)
    assert not launcher.hold(tmp_path, latest(tmp_path))
    assert claimed(tmp_path) is not None
    rewritten(tmp_path, pid=os.getppid(), started=start_time(os.getppid()))
    assert launcher.hold(tmp_path, latest(tmp_path))


def test_a_failure_dated_in_the_future_is_not_taken_for_a_recent_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claimed(tmp_path)
    assert claim is not None
    looking, _ = others(tmp_path, monkeypatch)
    claim.update(state="failed", reason="exit code 3")
    rewritten(tmp_path, **OUT_OF_SIGHT[1])  # with the process id of the one that looks
    assert "exit code 3 (in process" in looking.failure(latest(tmp_path))
    future = time.time() + 1e6
    os.utime(claim.path, (future, future))
    assert looking.failure(latest(tmp_path)) == ""


def test_a_claim_whose_directory_was_removed_is_lost(tmp_path: Path) -> None:
    claim = claimed(tmp_path / "job")
    assert claim is not None
    claim.done()
    assert not claim.beat()
    with pytest.raises(OSError):
        claim.update(state="failed")


@pytest.mark.parametrize("state", ["stopped", "failed", "out of memory"])
def test_a_job_that_ended_undone_can_be_claimed_again(tmp_path: Path, state: str) -> None:
    claim = claimed(tmp_path, size=2)
    assert claim is not None
    claim.update(state=state)
    assert not held(tmp_path)
    assert latest(tmp_path).record.size == 2  # type: ignore[union-attr]
    assert claimed(tmp_path) is not None


def no_room(self: Path, *args: object, **options: object) -> int:
    raise OSError(28, "No space left on device")


def test_a_job_that_ended_undone_can_be_claimed_again_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two launchers wait for each other for ever: each lives on, with a claim on a job that failed there."""
    claim = claimed(tmp_path)
    assert claim is not None and held(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", no_room)
        claim.let_go("failed", reason="the disk is full")
    assert not latest(tmp_path).held(time.time(), stale_after=100)
    again = claimed(tmp_path)
    assert again is not None and again.number == 1
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", no_room)
        claim.let_go("failed")
    assert held(tmp_path), "it is another's by now"


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"host": "x"}'])
def test_a_half_written_claim_is_waited_for_and_then_taken_over(tmp_path: Path, content: str) -> None:
    claimed(tmp_path)
    claim_path(tmp_path, 0).write_text(content)
    beat = latest(tmp_path).beat
    assert held(tmp_path, now=beat + 1)
    assert not held(tmp_path, now=beat + 101)
    assert claimed(tmp_path) is not None


def test_what_an_abandoned_job_left_running_is_ended_first(tmp_path: Path) -> None:
    claim = claimed(tmp_path)
    assert claim is not None
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    claim.update(child=left.pid, child_started=start_time(left.pid))
    rewritten(tmp_path, started="1")
    evicted: list[int] = []
    assert make_claim(tmp_path, latest(tmp_path), [], evicted.append) is not None
    assert evicted == [left.pid]
    left.kill()
    left.wait()
    assert asdict(claim.record)["child"] == left.pid and claim.record.leftover() == 0


def test_no_claim_is_left_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            claimed(tmp_path)
    assert latest(tmp_path).number == -1
    assert claimed(tmp_path) is not None
