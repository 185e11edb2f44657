"""Whose files are used: the user's own and the system's, which nobody else can write.

In a folder that several users can write, any of them may have put a file that another one's program would run as code
or train on. A file is judged by its open descriptor, so that it cannot be exchanged between the look and the use.
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sentiment_transfer.errors import UserError

SYSTEM = 0  # root's files can be anything already
OTHERS = stat.S_IWGRP | stat.S_IWOTH
FOLDER_MODE, FILE_MODE = 0o755, 0o644  # of what is written here: a umask of 002 would let the group write
OWN_CACHE = (
    "Choose a folder of your own: paths.cache_dir=/path/to/folder (of predict: cache_dir=), or SENTIMENT_CACHE_DIR in "
    "the environment."
)


@contextmanager
def trusted_folder(folder: Path, instead: str, *, follow: bool = True) -> Iterator[int]:
    """A descriptor of ``folder``, for ``open_trusted``. ``instead`` is the sentence with what to type.

    Raises UserError if it belongs to another user, others can write it, or it is a link and ``follow`` is not set;
    OSError if it cannot be opened.
    """
    if not follow and folder.is_symlink():
        raise UserError(f"{folder} is a link and is not followed. {instead}")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open(folder, flags if follow else flags | os.O_NOFOLLOW)
    try:
        refuse_untrusted(descriptor, folder, instead)
        yield descriptor
    finally:
        os.close(descriptor)


def open_trusted(name: str, folder: Path, descriptor: int, instead: str) -> BinaryIO:
    """The file ``name`` of a trusted ``folder`` with this ``descriptor``, open for reading.

    Raises UserError as ``trusted_folder`` does, OSError if it cannot be opened or is a link.
    """
    # Non-blocking: a pipe of that name would wait for a writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.fdopen(os.open(name, flags, dir_fd=descriptor), "rb")
    try:
        refuse_untrusted(file.fileno(), folder / name, instead)
    except UserError:
        file.close()
        raise
    return file


def refuse_untrusted(descriptor: int, path: Path, instead: str) -> None:
    """Raises UserError if what is open belongs to another user, or others can write it. ``path`` is its name."""
    found, user = os.fstat(descriptor), os.geteuid()
    if found.st_uid not in (user, SYSTEM):
        raise UserError(
            f"{path} belongs to {_name(found.st_uid)}, and is not used: what another user put there could be anything. "
            f"{instead}"
        )
    if found.st_mode & OTHERS:
        mend = f"If you trust what it holds, type: chmod go-w {shlex.quote(str(path))}. Or: "
        raise UserError(
            f"{path} can be written by other users (mode {stat.S_IMODE(found.st_mode):o}), and is not used: what they "
            f"put there could be anything. {mend if user in (found.st_uid, SYSTEM) else ''}{instead}"
        )


def _name(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user with the number {uid}"
