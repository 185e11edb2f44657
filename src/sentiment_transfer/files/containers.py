"""A file's bytes as its content: unpacked where it is compressed, and named where it is no table at all."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from sentiment_transfer.errors import UserError

BROKEN_STREAM = (EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, pa.ArrowInvalid)
ZIP = ".zip"
START = 512  # bytes, enough to tell what a file is


class Codec(NamedTuple):
    """A compression: ``open`` decompresses a stream of one or more members (zstd: frames), ``compress`` makes one."""

    open: Callable[[BinaryIO], Any]
    compress: Callable[[bytes], bytes]


# Not fsspec's registry: it only reads, and its reader of .zst (zstandard 0.25) takes a truncated file for a whole one.
CODECS = {
    ".gz": Codec(gzip.open, functools.partial(gzip.compress, mtime=0)),
    ".xz": Codec(lzma.open, lzma.compress),
    ".bz2": Codec(bz2.open, bz2.compress),
    ".zst": Codec(
        lambda stream: io.BufferedReader(pa.input_stream(stream, compression="zstd")),
        lambda content: pa.compress(content, codec="zstd", asbytes=True),
    ),
}
# The first bytes of a compressed file, whatever its name: browsers and servers unpack or pack without renaming.
FIRST_BYTES = {
    b"\x1f\x8b": ".gz",
    b"\xfd7zXZ\x00": ".xz",
    b"BZh": ".bz2",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"PK\x03\x04": ZIP,
    b"PK\x05\x06": ZIP,  # without members
}
WORKBOOK = "is an Excel workbook, not a table of text. Save it in Excel as 'CSV UTF-8', and name that file."
WEB_PAGE = (
    "is a web page, not a table: the address answered with a page (to sign in, or an error). Download the file itself "
    "again; on GitHub and the Hugging Face hub that is the 'raw' or 'resolve' address."
)
LFS_POINTER = (
    "is a Git LFS pointer, a note of three lines in place of the file. Fetch the file itself: git lfs pull in its "
    "repository, or hf download for a repository on the Hugging Face hub."
)
# The first bytes of what is no table of text -> the end of a sentence that begins with its path.
NOT_TEXT = {
    b"version https://git-lfs.github.com/spec/": LFS_POINTER,
    b"PAR1": "is a Parquet file: give it a name that ends in .parquet.",
    b"ARROW1": "is an Arrow file. Write it as Parquet, with datasets.Dataset.to_parquet or pyarrow.parquet.",
    b"\xd0\xcf\x11\xe0": WORKBOOK,
    b"%PDF": "is a PDF, not a table of text. Export the table as CSV or JSON lines.",
}
PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<script")


def kind_of(path: Path) -> str:
    """The file name's ending without the compression: ``.csv`` for ``reviews.CSV.xz`` and ``reviews.csv.zip``."""
    return (path.with_suffix("") if path.suffix.lower() in (*CODECS, ZIP) else path).suffix.lower()


def content_kind(path: Path) -> str:
    """As ``kind_of``; for a zip archive, by the name of the one file in it where that has an ending."""
    if path.suffix.lower() != ZIP or not path.is_file():
        return kind_of(path)
    with open_file(path) as raw:
        return kind_of(Path(_only_member(_archive(raw), path))) or kind_of(path)


def require_file(path: Path) -> None:
    """Raises UserError if ``path`` does not exist or is a folder."""
    if (path / "dataset_info.json").is_file() or (path / "dataset_dict.json").is_file():
        raise UserError(
            f"{path} is a folder that save_to_disk of Hugging Face datasets wrote. Write Parquet files from it: "
            f"datasets.load_from_disk('{path}').to_parquet('reviews.parquet') (a DatasetDict: of each of its splits)."
        )
    if path.is_dir():
        raise UserError(f"{path} is a folder. Name the file in it, or a pattern such as {path}/*.csv.")
    if not path.exists():
        raise UserError(f"{path} does not exist. Check the path; relative ones start at {Path.cwd()}.")


def open_file(path: Path) -> BinaryIO:
    """The file, open for reading bytes. Raises UserError if it does not exist or must not be read."""
    require_file(path)
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror or error}.") from error


def decompressed(stream: Any, ending: str) -> Any:
    """``stream``, a buffered one, as a binary stream of its decompressed content; closing it is left to the caller.

    The compression is that of the file name's ``ending``, else of the first bytes. Raises UserError for a zip archive
    that does not hold exactly one file.
    """
    packed = ending.lower()
    if packed not in CODECS:
        start = stream.peek(START)
        packed = next((codec for magic, codec in FIRST_BYTES.items() if start.startswith(magic)), "")
    if packed == ZIP:
        return _unzipped(stream)
    return CODECS[packed].open(stream) if packed else stream


class Opened(NamedTuple):
    """A file that is being read: as it is on the disk, its decompressed content (the same stream, if not compressed),
    and the first bytes of that."""

    raw: BinaryIO
    stream: Any
    start: bytes


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """A file, open for reading. Raises UserError if it cannot be opened or its compression is damaged."""
    with open_file(path) as raw, ExitStack() as stack:
        try:
            stream = stack.enter_context(decompressed(raw, path.suffix))
            start = stream.peek(START)[:START]
        except BROKEN_STREAM as error:
            raise UserError(f"{path} is damaged or was cut off ({error}). Copy or download it again.") from error
        yield Opened(raw, stream, start)


def refuse_other_content(path: str | Path, start: bytes, expected: bytes = b"") -> None:
    """Raises UserError if a file that begins with ``start`` is known to be no table of text.

    ``expected``: the first bytes of what it should be, if not text.
    """
    page = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGES)
    kinds = ((magic, sentence) for magic, sentence in NOT_TEXT.items() if magic != expected)
    if ending := WEB_PAGE if page else next((sentence for magic, sentence in kinds if start.startswith(magic)), ""):
        raise UserError(f"{path} {ending}")


def _unzipped(stream: Any) -> Any:
    path = Path(stream.name)
    archive = _archive(stream)
    member = _only_member(archive, path)
    try:
        return archive.open(member)
    except RuntimeError as error:  # encrypted
        raise UserError(f"{path} is protected by a password. Unpack it, and name the file that was in it.") from error
    except NotImplementedError as error:
        raise UserError(f"{path} is packed in a way that Python does not read ({error}). Unpack it first.") from error


def _archive(stream: Any) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except zipfile.BadZipFile as error:
        raise UserError(
            f"{stream.name} is damaged or was cut off: it is no whole zip archive ({error}). Copy or download it again."
        ) from error


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        raise UserError(f"{path} {WORKBOOK}")
    hidden = ("__MACOSX/", ".")
    files = [name for name in names if not name.endswith("/") and not name.startswith(hidden)]
    if len(files) != 1:
        listed = ", ".join(files[:5]) + (", ..." if len(files) > 5 else "")
        raise UserError(
            f"{path} holds {len(files)} files{f' ({listed})' if files else ''}, and only an archive of one table is "
            "read. Unpack it, and name the files that you mean."
        )
    return files[0]
