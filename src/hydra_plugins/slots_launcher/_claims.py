"""Who is at a job: claims by exclusive create, in the job's own directory, so that several launchers share a sweep.

``<job>/.slots/claim-<n>.json`` is the n-th claim to the job. Only the highest number counts, a claim is made by
creating the next one exclusively, and none is removed before the job is done: a launcher that looked too long ago finds
its number taken and has to look again. That makes a takeover safe without a lock, on any file system whose exclusive
create is (NFS from version 3 on is).

A claim is held while its process lives. The system is asked where it can see that process (``_owner``); of any other
it is known by its heartbeat, the file's modification time, against the file system's own clock. Dated in the future,
that says nothing, and a claim counts as held for as long as it is seen to change.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from hydra_plugins.slots_launcher._owner import HOST, Owner, start_time, this_process

FOLDER = ".slots"  # in a job's directory: its claims and its progress; gone when the job is done
State = Literal["held", "stopped", "failed", "out of memory"]


@dataclass
class Record:
    """The content of a claim. ``child`` is the process group of the job itself, once it runs."""

    host: str  # to be shown; ``owner`` is what is compared
    boot: str
    pid: int
    started: str
    nonce: str
    state: State = "held"
    child: int = 0
    child_started: str = ""
    size: int | None = None  # of the batches, after out-of-memory retries
    reason: str = ""
    overrides: list[str] = field(default_factory=list)
    namespace: str = ""

    @property
    def owner(self) -> Owner:
        return Owner(self.boot, self.namespace, self.pid, self.started)

    def leftover(self) -> int:
        """The process group of its job where that still runs and can be seen from here, else 0."""
        here = self.owner.visible and self.child
        return self.child if here and start_time(self.child) == self.child_started else 0


@dataclass(frozen=True)
class Found:
    """The latest claim of a job as it was found."""

    number: int  # -1: there is none
    record: Record | None  # None: none, or its writer died (or is) between creating and filling it
    beat: float  # the file's modification time, seconds since the epoch by the file system's clock

    def held(self, now: float, stale_after: float, unchanged: float | None = None) -> bool:
        """Whether another process is at the job, ``now`` by the file system's clock.

        ``unchanged``: seconds for which the caller has seen this very beat; used where the beat lies in the future, of
        which the caller otherwise counts as the first to see it. All in seconds.
        """
        if self.number < 0 or (self.record is not None and self.record.state != "held"):
            return False
        alive = self.record.owner.alive() if self.record else None
        if alive is not None:
            return alive
        return (now - self.beat if self.beat <= now else unchanged or 0.0) < stale_after


class Claim:
    """A job that is ours. Every method may raise OSError: the disk is full, or the directory is gone."""

    def __init__(self, job: Path, number: int, record: Record) -> None:
        self.job, self.number, self.record = job, number, record

    @property
    def path(self) -> Path:
        return claim_path(self.job, self.number)

    def beat(self) -> bool:
        """Show that we live. False where the claim was lost: somebody took us for dead, or removed the directory."""
        try:
            os.utime(self.path)
        except FileNotFoundError:
            return False
        return not claim_path(self.job, self.number + 1).exists()

    def update(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self.record, name, value)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self.record)), encoding="utf-8")
        if self.path.exists():  # not into a directory that was removed and begun anew
            os.replace(temporary, self.path)

    def let_go(self, state: State, **changes: Any) -> None:
        """The job no longer runs here, for a reason that is its new ``state``.

        Where the disk is full, the file is emptied and dated back, which needs no room: nobody holds such a claim. As
        it was, another launcher would wait for it as long as this one lives, and that may be as long as it waits for
        the other.
        """
        try:
            self.update(state=state, **changes)
        except OSError:
            last = latest(self.job).record
            if last is not None and last.nonce == self.record.nonce:
                os.truncate(self.path, 0)
                os.utime(self.path, (0, 0))

    def done(self) -> None:
        """The job is done: nobody claims it any more, and its claims can go."""
        shutil.rmtree(self.job / FOLDER, ignore_errors=True)


def claim_path(job: Path, number: int) -> Path:
    return job / FOLDER / f"claim-{number}.json"


def latest(job: Path) -> Found:
    """The job's latest claim. Numbers are tried one by one: a listing may come from a cache, an open does not."""
    number = max((_number(path) for path in (job / FOLDER).glob("claim-*.json")), default=-1)
    while claim_path(job, number + 1).exists():
        number += 1
    if number < 0:
        return Found(-1, None, 0.0)
    path = claim_path(job, number)
    try:
        beat = path.stat().st_mtime
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Found(-1, None, 0.0)  # done or removed meanwhile
    except (ValueError, TypeError):
        record = None
    return Found(number, record, beat)


def _number(path: Path) -> int:
    number = path.stem.removeprefix("claim-")
    return int(number) if number.isdigit() else -1


def make_claim(
    job: Path, found: Found, overrides: list[str], evict: Callable[[int], None], size: int | None = None
) -> Claim | None:
    """Claim ``job``, whose latest claim was ``found`` and is not held; None where another was quicker.

    ``evict`` ends the process group of an abandoned job that still runs. Raises OSError where nothing can be written.
    """
    if found.record and (group := found.record.leftover()):
        evict(group)
    own = this_process()
    record = Record(
        HOST, own.boot, own.pid, own.started, uuid.uuid4().hex, size=size, overrides=overrides, namespace=own.namespace
    )
    path = claim_path(job, found.number + 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return None
    try:
        os.write(descriptor, json.dumps(asdict(record)).encode())
    except OSError:
        path.unlink(missing_ok=True)  # the disk is full: nobody has it
        raise
    finally:
        os.close(descriptor)
    return Claim(job, found.number + 1, record)
