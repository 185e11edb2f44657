"""Published files: taken from the data folder or downloaded once, and always the ones that were published."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sentiment_transfer.errors import UserError

MIRROR_VARIABLE = "SENTIMENT_DOWNLOAD_MIRROR"
GITHUB = "https://raw.githubusercontent.com"
TIMEOUT = 30  # seconds without an answer or without another byte

log = logging.getLogger(__name__)


def raw_url(repository: str, commit: str, path: str) -> str:
    """Address of a file in a GitHub repository at a commit."""
    return f"{GITHUB}/{repository}/{commit}/{path}"


def mirrored(url: str) -> str:
    """Where a file that is published at ``url`` is asked for: there, or at the mirror.

    The environment variable SENTIMENT_DOWNLOAD_MIRROR replaces ``https://raw.githubusercontent.com`` for a
    machine that reaches the files elsewhere; what lies behind it is ``{owner}/{name}/{commit}/{path}``. Files of
    another host lie behind it under that host's name: ``{host}/{path}``.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return url
    return f"{mirror.rstrip('/')}/{url.removeprefix(f'{GITHUB}/').removeprefix('https://')}"


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_published(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def local_file(path: Path, sha256: str) -> Path | None:
    """``path`` where such a file lies there. Raises UserError where it is not the published one."""
    if not path.is_file():
        return None
    if (found := sha256_of(path)) != sha256:
        raise UserError(
            f"{path} is not the published file: its SHA-256 is {found[:16]}..., not {sha256[:16]}.... Scores on "
            "a changed file stand beside no published number. Remove it (it is then downloaded), or read it "
            "as a file of your own: the csv dataset with path=."
        )
    return path


def published_file(name: str, sha256: str, url: str, *, local: Path, downloads: Path, licence: str) -> Path:
    """The file called ``name``: ``local / name`` where it lies there, else downloaded into ``downloads``.

    Raises UserError where the local file is not the published one, or the download fails.
    """
    by_hand = sentence_by_hand(name, url, local, licence)
    return local_file(local / name, sha256) or fetch(mirrored(url), sha256, downloads, by_hand, licence)


def sentence_by_hand(what: str, url: str, folder: Path, licence: str) -> str:
    """What a user can do whose machine cannot download."""
    return f"Or put {what} from {url} into {folder.absolute()} by hand (licence: {licence})."


def fetch(url: str, sha256: str, folder: Path, by_hand: str, licence: str) -> Path:
    """Download ``url`` into ``folder`` unless it is there already, and return its path.

    The file appears under its name only when it is complete and its hash is right, so several processes may ask
    at once. Raises UserError (no network, 404, 500, half a file, a wrong hash, no room) that names the address
    and ends in the sentence ``by_hand``.
    """
    name = url.rsplit("/", 1)[-1]
    path = folder / name
    if is_published(path, sha256):
        return path
    import pooch

    with download_into(folder, url, by_hand, licence):
        try:
            pooch.retrieve(url, f"sha256:{sha256}", name, path=folder, downloader=http_downloader())
        except ValueError as error:  # pooch's word for a wrong hash; it has removed the file
            raise UserError(
                f"{url} is not the file that was published (its hash differs) and was not kept. {by_hand}"
            ) from error
    return path


def http_downloader() -> Any:
    import pooch

    return pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)


@contextmanager
def download_into(folder: Path, url: str, by_hand: str, licence: str) -> Iterator[None]:
    """``folder`` made and locked for the download of ``url``, whose failures become UserErrors.

    The licence is logged with a dataset's first download: while ``folder`` holds none of its files.
    """
    import requests
    from filelock import FileLock

    name = url.rsplit("/", 1)[-1]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):
            if all(path.name.startswith(".") for path in folder.iterdir()):
                log.info("Downloading %s, once, into %s. Licence of these data: %s.", url, folder, licence)
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
