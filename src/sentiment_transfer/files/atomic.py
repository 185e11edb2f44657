"""Files that are either the old one or the new one, never half of either."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

from sentiment_transfer.errors import UserError


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` fill a temporary file beside ``path``, then put it in place by renaming.

    File and directory are synced, so the file also survives a power cut. Whatever goes wrong, an earlier
    file at ``path`` stays as it was and the temporary one is removed.

    Raises UserError where the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
        remove(temporary)


def system_error(error: BaseException) -> OSError | None:
    """The system's refusal behind ``error``, None where there is none.

    torch raises a RuntimeError of its own over it; libraries in Rust (safetensors, tokenizers) leave only its number
    in their text: ``No space left on device (os error 28)``.
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
    """Remove what killed processes left in ``folder`` and below. Only for a folder that nobody else writes in."""
    # safetensors itself writes ".tmp" and six letters first, and renames it to the name it was given.
    for pattern in (".*.tmp", ".tmp??????"):
        for temporary in Path(folder).rglob(pattern):
            remove(temporary)


def permit(file: Path) -> None:
    """Give a file the permissions that the user's files have: safetensors 0.8 makes its own for the owner alone, and a
    colleague could not read them."""
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
    """What the system refused, where, and what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {path} was not written. Free some space and run the same command again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"No permission to write {path}. Make the folder {path.parent} writable, or choose another with "
            "paths.output_dir=..., and run the same command again."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return f"{path} cannot be written because a file is where a folder should be, or the other way round."
    return f"{path} could not be written: {error.strerror or error}."
