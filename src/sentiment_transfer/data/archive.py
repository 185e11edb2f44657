"""Published files that come in a zip file, whose members have known hashes and which itself may have none."""

from __future__ import annotations

import hashlib
import io
import lzma
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from sentiment_transfer.data.download import (
    download_into,
    http_downloader,
    is_published,
    local_file,
    mirrored,
    sentence_by_hand,
)
from sentiment_transfer.errors import UserError

LARGEST = 16 * 2**20  # bytes of the zip file, and of each member unpacked
DAMAGED = (
    BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
)  # also encrypted, or unknown packing


class UnfitError(Exception):
    """Why a zip file cannot be used: the rest of a sentence that begins with its address."""


def published_members(sha256: Mapping[str, str], url: str, *, local: Path, downloads: Path, licence: str) -> list[Path]:
    """The files whose names and hashes are given, in that order: ``local / name`` where it lies there, the others out
    of the zip file at ``url``, unpacked into ``downloads`` once.

    Raises UserError where a local file is not the published one, or the download fails.
    """
    found = {name: local_file(local / name, digest) for name, digest in sha256.items()}
    missing = {name: sha256[name] for name, path in found.items() if path is None}
    by_hand = sentence_by_hand(f"{', '.join(missing)} (unpacked)", url, local, licence)
    fetch_members(missing, mirrored(url), downloads, by_hand, licence)
    return [path or downloads / name for name, path in found.items()]


def fetch_members(sha256: Mapping[str, str], url: str, folder: Path, by_hand: str, licence: str) -> None:
    """Have the members that ``sha256`` names in ``folder``, downloading the zip file where one is missing there.

    Several processes may ask at once: a file appears under its name when it is complete and its hash is right.
    """

    def complete() -> bool:
        return all(is_published(folder / name, digest) for name, digest in sha256.items())

    if complete():
        return
    with download_into(folder, url, by_hand, licence):
        if complete():  # another process had the lock before
            return
        try:
            members = members_of(downloaded(url), sha256)
        except UnfitError as error:
            raise UserError(f"{url} {error}. It was not kept. {by_hand}") from error
        for name, content in members.items():
            part = folder / f".{name}.part"
            part.write_bytes(content)
            part.replace(folder / name)


class Bounded(io.BytesIO):
    """Bytes in memory, LARGEST at most."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > LARGEST:
            raise UnfitError(f"is larger than {LARGEST:,} bytes, so it is not what was published")
        return super().write(data)


def downloaded(url: str) -> Bounded:
    content = Bounded()
    http_downloader()(url, content, None)
    return content


def members_of(archive: io.BytesIO, sha256: Mapping[str, str]) -> dict[str, bytes]:
    """The members with the base names and hashes of ``sha256``, in whichever folder of the zip file they are.

    Nothing is unpacked to a path that the zip file names. Raises UnfitError.
    """
    try:
        with ZipFile(archive) as opened:
            return {name: _member(opened, name, digest) for name, digest in sha256.items()}
    except DAMAGED as error:
        raise UnfitError(f"is no zip file that can be read ({error})") from error


def _member(opened: ZipFile, name: str, sha256: str) -> bytes:
    named = [info for info in opened.infolist() if PurePosixPath(info.filename).name == name and not info.is_dir()]
    if not named:
        raise UnfitError(f"holds no {name}")
    for info in named:
        content = _content(opened, info)
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
    raise UnfitError(f"holds another {name} than the published one (its hash differs)")


def _content(opened: ZipFile, info: ZipInfo) -> bytes:
    with opened.open(info) as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UnfitError(f"holds a {PurePosixPath(info.filename).name} of more than {LARGEST:,} bytes")
    return content
