"""Published files, from the data folder or downloaded once, and verified by their SHA-256.

Files inside a zip archive are verified one by one: a published archive need not have a stable hash.
"""

from __future__ import annotations

import hashlib
import io
import logging
import lzma
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from zipfile import BadZipFile, ZipFile, ZipInfo

from sentiment_transfer.errors import UserError, without_credentials
from sentiment_transfer.files.background import Background

MIRROR_VARIABLE = "SENTIMENT_DOWNLOAD_MIRROR"
GITHUB = "https://raw.githubusercontent.com"
TIMEOUT = 20  # seconds without an answer or without another byte
STALLED, SLOWEST = 25, 100  # seconds, and the fewest bytes in each
LARGEST = 16 * 2**20  # bytes of a zip file, and of each member unpacked
DAMAGED = (BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)  # encrypted, unknown compression

log = logging.getLogger(__name__)


def raw_url(repository: str, commit: str, path: str) -> str:
    """Address of a file in a GitHub repository at a commit."""
    return f"{GITHUB}/{repository}/{commit}/{path}"


def mirrored(url: str) -> str:
    """The address to download ``url`` from: itself, or its copy on the mirror.

    The environment variable SENTIMENT_DOWNLOAD_MIRROR replaces ``https://raw.githubusercontent.com``, so that paths
    on the mirror are ``{owner}/{name}/{commit}/{path}``; files of other hosts are at ``{host}/{path}``. Its login and
    its query (``?token=...``) are sent with every request and shown nowhere. Raises UserError if it is no address.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return url
    try:
        parts = urlsplit(mirror)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:  # not shown: a password may be what breaks it
        raise UserError(
            f"{MIRROR_VARIABLE} is no address: give http:// or https://, a host and a path. In a login, write @, / and "
            "# as %40, %2F and %23."
        )
    path = f"{parts.path.rstrip('/')}/{url.removeprefix(f'{GITHUB}/').removeprefix('https://')}"
    return urlunsplit(parts._replace(path=path))


def _file_name(url: str) -> str:
    return PurePosixPath(urlsplit(url).path).name


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_published(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def local_file(path: Path, sha256: str) -> Path | None:
    """``path``, or None if there is no such file. Raises UserError if it is not the published one."""
    if not path.is_file():
        return None
    if (digest := sha256_of(path)) != sha256:
        raise UserError(
            f"{path} is not the published file: its SHA-256 is {digest[:16]}..., not {sha256[:16]}.... Scores on a "
            "modified file cannot be compared with published numbers. Remove it (it is then downloaded), or read it as "
            "a file of your own: the csv dataset with path=."
        )
    return path


def published_file(name: str, sha256: str, url: str, *, local: Path, downloads: Path, licence: str) -> Path:
    """The file called ``name``; see ``published_files``."""
    [path] = published_files({name: sha256}, url, local=local, downloads=downloads, licence=licence)
    return path


def published_files(sha256: Mapping[str, str], url: str, *, local: Path, downloads: Path, licence: str) -> list[Path]:
    """The files with these names and hashes, in that order: ``local / name`` if it exists, the others downloaded into
    ``downloads`` once, from ``url`` itself or from the zip file there.

    Raises UserError if a local file is not the published one, or the download fails.
    """
    paths = {name: local_file(local / name, digest) for name, digest in sha256.items()}
    missing = {name: sha256[name] for name, path in paths.items() if path is None}
    members = ", ".join(missing) + " (unpacked)" * url.endswith(".zip")
    fetch(missing, mirrored(url), downloads, manual_download(members, url, local, licence), licence)
    return [path or downloads / name for name, path in paths.items()]


def manual_download(what: str, url: str, folder: Path, licence: str) -> str:
    """The instruction for users whose machine cannot download."""
    return f"Or put {what} from {url} into {folder.absolute()} by hand (licence: {licence})."


def fetch(sha256: Mapping[str, str], url: str, folder: Path, by_hand: str, licence: str) -> None:
    """Download the files that ``sha256`` names into ``folder``, unless all of them exist there.

    Safe for concurrent processes: a file gets its name only when it is complete and verified. Raises UserError (no
    network, 404, 500, an incomplete file, a wrong hash, a full disk) that names the address and ends in ``by_hand``.
    """

    def complete() -> bool:
        return all(is_published(folder / name, digest) for name, digest in sha256.items())

    if complete():
        return
    with download_into(folder, url, by_hand, licence):
        if complete():  # another process had the lock before
            return
        try:
            content = download(url)
            files = members_of(content, sha256) if _file_name(url).endswith(".zip") else verified(content, sha256)
        except UnusableDownloadError as error:
            raise UserError(f"{url} {error}. It was not kept. {by_hand}") from error
        for name, data in files.items():
            part = folder / f".{name}.part"
            part.unlink(missing_ok=True)
            with part.open("xb") as file:  # a link that was put there meanwhile is not followed
                file.write(data)
            part.replace(folder / name)


@contextmanager
def download_into(folder: Path, url: str, by_hand: str, licence: str) -> Iterator[None]:
    """Create and lock ``folder`` for the download of ``url``; raise its failures as UserError.

    The licence is logged with the first download of a dataset, while ``folder`` contains none of its files.
    """
    import requests
    from filelock import FileLock

    name = _file_name(url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):
            if all(path.name.startswith(".") for path in folder.iterdir()):
                shown = without_credentials(url)
                log.info("Downloading %s, once, into %s. Licence of the data: %s.", shown, folder, licence)
            yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise UserError(f"{url} answered {status}. Try again later. {by_hand}") from error
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
        raise UserError(f"The download of {url} broke off. Try again. {by_hand}") from error
    except requests.RequestException as error:
        raise UserError(
            f"{url} cannot be reached ({type(error).__name__}). Check the network, or name a mirror in "
            f"{MIRROR_VARIABLE}. {by_hand}"
        ) from error
    except OSError as error:
        raise UserError(f"{name} cannot be written into {folder}: {error.strerror or error}.") from error


class UnusableDownloadError(Exception):
    """A download that is not what was published; the message completes a sentence that begins with its address."""


class Bounded(io.BytesIO):
    """At most LARGEST bytes in memory."""

    size = 0

    def write(self, data: Any) -> int:
        self.size += len(data)
        if self.size > LARGEST:
            raise UnusableDownloadError(f"is larger than {LARGEST:,} bytes, so it is not the published file")
        return super().write(data)


def download(url: str) -> Bounded:
    """The body of the answer. Raises UnusableDownloadError also for a server that sends a little at a time."""
    import pooch

    content = Bounded()
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)
    work = Background(lambda: downloader(url, content, None))
    seen = 0
    while not work.is_done(STALLED):
        if content.size - seen < SLOWEST * STALLED:
            raise UnusableDownloadError(f"has sent {content.size - seen:,} bytes in {STALLED} seconds; try again later")
        log.info("Still downloading: %s bytes.", f"{content.size:,}")
        seen = content.size
    work.value()
    return content


def verified(content: io.BytesIO, sha256: Mapping[str, str]) -> dict[str, bytes]:
    """``content`` under the only name of ``sha256``. Raises UnusableDownloadError."""
    [(name, digest)] = sha256.items()
    if hashlib.sha256(content.getvalue()).hexdigest() != digest:
        raise UnusableDownloadError("is not the published file (its hash differs)")
    return {name: content.getvalue()}


def members_of(archive: io.BytesIO, sha256: Mapping[str, str]) -> dict[str, bytes]:
    """The members with the base names and hashes of ``sha256``, in any folder of the zip file.

    Nothing is unpacked to a path that the zip file names. Raises UnusableDownloadError.
    """
    try:
        with ZipFile(archive) as opened:
            return {name: _member(opened, name, digest) for name, digest in sha256.items()}
    except DAMAGED as error:
        raise UnusableDownloadError(f"is not a readable zip file ({error})") from error


def _member(opened: ZipFile, name: str, sha256: str) -> bytes:
    named = [info for info in opened.infolist() if PurePosixPath(info.filename).name == name and not info.is_dir()]
    if not named:
        raise UnusableDownloadError(f"does not contain {name}")
    for info in named:
        content = _content(opened, info)
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
    raise UnusableDownloadError(f"contains another {name} than the published one (its hash differs)")


def _content(opened: ZipFile, info: ZipInfo) -> bytes:
    with opened.open(info) as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UnusableDownloadError(f"contains a {PurePosixPath(info.filename).name} of more than {LARGEST:,} bytes")
    return content
