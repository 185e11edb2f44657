"""Atomic writing: a file is either the old one or the new one, never a part of either."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from sentiment_transfer.errors import UserError


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` with a new, empty file beside ``path``, and rename it to ``path``.

    The new file's name cannot be foreseen: a link that somebody put there would be followed. File and directory are
    synced, so the file survives a power cut. On any error an earlier file at ``path`` is left unchanged and the
    temporary one is removed. Raises UserError if the disk is full or the folder is not writable.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(descriptor)
        temporary = Path(name)
        write(temporary)
        permit(temporary)
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except Exception as error:
        if (refused := system_error(error)) is None:
            raise
        raise UserError(sentence_of(refused, path)) from error
    finally:
        if temporary is not None:
            remove(temporary)


def system_error(error: BaseException) -> OSError | None:
    """The OSError that caused ``error``, or None.

    torch wraps it in a RuntimeError; libraries written in Rust (safetensors, tokenizers) only mention its number:
    ``No space left on device (os error 28)``.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError):
            return link
        if number := re.search(r"\(os error (\d+)\)", str(link)):
            return OSError(int(number[1]), os.strerror(int(number[1])))
        link = link.__cause__ or link.__context__
    return None


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of killed processes in ``folder`` and below, where no other process may be writing."""
    # safetensors writes to ".tmp" and six letters, and renames that file.
    for pattern in (".*.tmp", ".tmp??????"):
        for temporary in Path(folder).rglob(pattern):
            remove(temporary)


def permit(file: Path) -> None:
    """Set a file's permissions to the user's default: safetensors 0.8 creates files that only their owner can read."""
    mask = os.umask(0)
    os.umask(mask)
    file.chmod(0o666 & ~mask)


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The write failed for the same reason (a file where a folder should be) and is being reported.
        return


def sentence_of(error: OSError, path: Path) -> str:
    """The error message for ``error`` while writing ``path``, with the remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {path} was not written. Free some disk space and run the same command again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"No permission to write {path}. Make the folder {path.parent} writable, or choose another with "
            "paths.output_dir=..., and run the same command again."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return f"{path} cannot be written because a file is where a folder should be, or the other way round."
    return f"{path} could not be written: {error.strerror or error}."
