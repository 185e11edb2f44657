"""Upload W&B runs that were logged offline, each once: the verb ``sync``.

``wandb sync`` leaves a marker beside every file that it has uploaded. Files with a marker, and those of runs that are
still in progress, are skipped. Only one upload runs at a time: a second command fails at once.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from sentiment_transfer.commands import NAME
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.output import outlast_output
from sentiment_transfer.tracking.keys import logged_in, wandb_command

LOCK = ".sync.lock"
BATCH = 20  # runs per wandb process: one that fails affects few others
WRITTEN_TO = ("outputs", "multirun")


def offline_runs(folders: Iterable[Path]) -> list[Path]:
    """The .wandb files of every offline W&B run under ``folders``, uploaded or not."""
    return sorted(path for folder in folders for path in folder.rglob("wandb/offline-run-*/*.wandb"))


def is_synced(file: Path) -> bool:
    return file.with_suffix(".wandb.synced").exists()


def is_in_progress(file: Path) -> bool:
    """True if the run that writes this file is still in progress: it holds its directory's lock."""
    lock = file.parents[2] / ".lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def sync(folders: Sequence[Path]) -> str:
    """Upload the offline runs under ``folders`` that are not uploaded yet; returns a sentence for the user.

    Raises UserError without a login, during another upload, or if a run could not be uploaded.
    """
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        raise UserError(f"{', '.join(missing)} does not exist: name a folder that runs were written to.")
    found = offline_runs(folders)
    if not found:
        return f"Nothing to upload: no run in {' or '.join(map(str, folders))} was logged by W&B offline."
    waiting = [file for file in found if not is_synced(file)]
    if not waiting:
        return f"Nothing to upload: {_counted(found)} uploaded before."
    if not logged_in():
        raise UserError(
            f"{_counted(waiting)} not uploaded yet, and W&B has no login. Type {wandb_command()} login, then the same "
            "command again."
        )
    try:
        with FileLock(folders[0] / LOCK, timeout=0):
            return upload([file for file in waiting if not is_synced(file)])
    except Timeout:
        raise UserError("Another upload is in progress: wait for it to end.") from None


def _counted(runs: Sequence[Path]) -> str:
    return f"{len(runs)} offline W&B run{'s were' if len(runs) != 1 else ' was'}"


def upload(waiting: Sequence[Path]) -> str:
    """Upload these .wandb files, except those of runs in progress; returns and raises as ``sync`` does."""
    busy = {file for file in waiting if is_in_progress(file)}
    ready = [file for file in waiting if file not in busy]
    for start in range(0, len(ready), BATCH):
        folders = [str(file.parent) for file in ready[start : start + BATCH]]
        subprocess.run([sys.executable, "-m", "wandb", "sync", *folders], check=False)
    failed = [str(file.parent) for file in ready if not is_synced(file)]
    if failed:
        raise UserError(
            f"{len(failed)} of {len(ready)} offline W&B runs were not uploaded; run the same command to retry: "
            + ", ".join(failed[:5])
            + (" and more." if len(failed) > 5 else ".")
        )
    later = f" {len(busy)} more are still in progress." if busy else ""
    return f"{len(ready)} offline W&B run{'s' * (len(ready) != 1)} uploaded.{later}"


def main(arguments: Sequence[str]) -> int:
    outlast_output()
    named = parser().parse_args(arguments).folders
    folders = [Path(folder) for folder in named or WRITTEN_TO]
    if not named:
        folders = [folder for folder in folders if folder.is_dir()]
    try:
        nothing = f"Nothing to upload: neither {' nor '.join(WRITTEN_TO)} exists here."
        print(sync(folders) if folders else nothing)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog=f"{NAME} sync",
        description="Upload the W&B runs that were logged offline, each once. Runs that were "
        "uploaded before, and those still in progress, are skipped; what could not be uploaded is named, and the same "
        "command tries it again. It needs a login: wandb login.",
    )
    default = " and ".join(WRITTEN_TO)
    options.add_argument("folders", nargs="*", help=f"folders that runs were written to (default: {default})")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
