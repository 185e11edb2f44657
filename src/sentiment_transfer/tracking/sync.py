"""Upload what was logged offline, each run once: make sync

    python -m sentiment_transfer.tracking.sync outputs multirun

``wandb sync`` leaves a mark beside every file that it has uploaded; what is marked, or still being written by a run
that is going on, is left alone. One upload at a time: a second command waits for nothing and says so.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from sentiment_transfer.errors import UserError
from sentiment_transfer.tracking.wandb_logger import logged_in

LOCK = ".sync.lock"
AT_ONCE = 20  # runs per wandb process: one that fails holds up few others


def offline_runs(folders: Iterable[Path]) -> list[Path]:
    """The .wandb files of every offline W&B run under ``folders``, synced or not."""
    return sorted(path for folder in folders for path in folder.rglob("wandb/offline-run-*/*.wandb"))


def is_synced(file: Path) -> bool:
    return file.with_suffix(".wandb.synced").exists()


def is_going_on(file: Path) -> bool:
    """Whether the run that logs into this file is still at work: it holds its directory."""
    held = file.parents[2] / ".lock"
    if not held.exists():
        return False
    try:
        with FileLock(held, timeout=0):
            return False
    except Timeout:
        return True


def chunks(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(files), AT_ONCE):
        yield files[start : start + AT_ONCE]


def sync(folders: Sequence[Path]) -> str:
    """Upload what is not uploaded yet; what was done, as a sentence.

    Raises UserError where nobody is logged in, another upload is going on, or some run could not be uploaded.
    """
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        raise UserError(f"There is no folder {', '.join(missing)}: name one that runs were written to.")
    waiting = [file for file in offline_runs(folders) if not is_synced(file)]
    if not waiting:
        return "Every offline W&B run is uploaded."
    if not logged_in():
        raise UserError(f"{len(waiting)} offline W&B runs wait, but nobody is logged in: wandb login.")
    try:
        with FileLock(folders[0] / LOCK, timeout=0):
            return upload([file for file in waiting if not is_synced(file)])
    except Timeout:
        raise UserError("Another upload is going on: wait for it to end.") from None


def upload(waiting: Sequence[Path]) -> str:
    busy = {file for file in waiting if is_going_on(file)}
    ready = [file for file in waiting if file not in busy]
    for part in chunks(ready):
        subprocess.run([sys.executable, "-m", "wandb", "sync", *(str(file.parent) for file in part)], check=False)
    failed = [str(file.parent) for file in ready if not is_synced(file)]
    if failed:
        raise UserError(
            f"{len(failed)} of {len(ready)} offline W&B runs were not uploaded; the same command tries them again: "
            + ", ".join(failed[:5])
            + (" and more." if len(failed) > 5 else ".")
        )
    later = f" {len(busy)} more are still going on." if busy else ""
    return f"{len(ready)} offline W&B runs were uploaded.{later}"


def main(arguments: Sequence[str]) -> int:
    try:
        print(sync([Path(argument) for argument in arguments] or [Path("outputs"), Path("multirun")]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
