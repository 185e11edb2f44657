"""Checksums inside files: a bit that has changed on the disk is noticed before the file is used.

Weights (safetensors) hold the XXH3 checksum of the whole file in their metadata; checkpoints (``torch.save``) are zip
archives, which hold a CRC-32 of each member. A file is read once more for it. From the page cache on one core, XXH3
takes 0.15 s for each GB (the weights of XLM-R base are 1.1 GB) and CRC-32 0.4 s; from a disk, reading takes longer.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

import xxhash

KEY = "xxh3_128"  # in a safetensors file's metadata
PENDING = "0" * 32  # the checksum's place, when the file is written and while it is hashed
PLACE = re.compile(rb'"xxh3_128":"([0-9a-f]{32})"')


def digest(file: BinaryIO) -> str:
    """XXH3 (128 bits, in hex) of a file from its current position to its end."""
    return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()  # type: ignore[arg-type]


def seal_weights(path: Path) -> None:
    """Enter the checksum into a safetensors file that was written with ``{KEY: PENDING}`` in its metadata.

    The metadata is sorted as well: safetensors 0.8 writes it in random order, and equal weights must be equal files.
    """
    with path.open("r+b") as file:
        written = _header(file)
        contents = json.loads(written)
        contents["__metadata__"] = dict(sorted(contents["__metadata__"].items()))
        header = json.dumps(contents, separators=(",", ":"), ensure_ascii=False).encode().ljust(len(written))
        assert len(header) == len(written)
        place = PLACE.search(header)
        assert place is not None and place[1] == PENDING.encode()
        checksum = _digest_after(header, file)
        file.seek(8)
        file.write(header[: place.start(1)] + checksum.encode() + header[place.end(1) :])


def verify_weights(path: Path) -> None:
    """Compare a safetensors file with the checksum in its metadata; one without, of another program, is not checked.

    Raises ValueError where they differ, OSError where the file cannot be read.
    """
    with path.open("rb") as file:
        header = _header(file)
        if place := PLACE.search(header):
            pending = header[: place.start(1)] + PENDING.encode() + header[place.end(1) :]
            if _digest_after(pending, file) != place[1].decode():
                raise ValueError("it does not match its checksum")


def verify_checkpoint(path: Path) -> None:
    """Compare every member of a ``torch.save`` file with its CRC-32, which torch does not look at.

    Raises ValueError where they differ or the file is no archive, OSError where it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except OSError:
        raise
    except Exception as error:  # for a damaged directory zipfile raises half a dozen classes
        raise ValueError(f"it is not a complete archive: {error}") from error
    if damaged is not None:
        raise ValueError(f"{damaged} in it does not match its checksum")


def _header(file: BinaryIO) -> bytes:
    """The header of a safetensors file, whose length its first eight bytes give."""
    length, size = int.from_bytes(file.read(8), "little"), file.seek(0, 2)
    if not 0 < length <= size - 8:
        raise ValueError(f"its header has {length} bytes, the file {size}")
    file.seek(8)
    return file.read(length)


def _digest_after(header: bytes, file: BinaryIO) -> str:
    state = xxhash.xxh3_128(header)
    return hashlib.file_digest(file, lambda: state).hexdigest()  # type: ignore[arg-type]
