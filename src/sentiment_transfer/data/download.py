"""Published files: taken from the data folder or downloaded once, and always the ones that were published."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from sentiment_transfer.errors import UserError

MIRROR_VARIABLE = "SENTIMENT_DOWNLOAD_MIRROR"
GITHUB = "https://raw.githubusercontent.com"
TIMEOUT = 30  # seconds without an answer or without another byte


def raw_url(repository: str, commit: str, path: str) -> str:
    """Address of a file in a GitHub repository at a commit.

    The environment variable SENTIMENT_DOWNLOAD_MIRROR replaces ``https://raw.githubusercontent.com`` for a
    machine that reaches the files elsewhere; what lies behind it is ``{owner}/{name}/{commit}/{path}``.
    """
    base = os.environ.get(MIRROR_VARIABLE) or GITHUB
    return f"{base.rstrip('/')}/{repository}/{commit}/{path}"


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def published_file(name: str, sha256: str, url: str, *, local: Path, downloads: Path) -> Path:
    """The file called ``name``: ``local / name`` where it lies there, else downloaded into ``downloads``.

    Raises UserError where the local file is not the published one, or the download fails.
    """
    path = local / name
    if path.is_file():
        if (found := sha256_of(path)) != sha256:
            raise UserError(
                f"{path} is not the published file: its SHA-256 is {found[:16]}..., not {sha256[:16]}.... Scores on "
                "a changed file stand beside no published number. Remove it (it is then downloaded), or read it "
                "as a file of your own: the csv dataset with path=."
            )
        return path
    return fetch(url, sha256, downloads, by_hand=local)


def fetch(url: str, sha256: str, folder: Path, *, by_hand: Path | None = None) -> Path:
    """Download ``url`` into ``folder`` unless it is there already, and return its path.

    The file appears under its name only when it is complete and its hash is right, so several processes may ask
    at once. Raises UserError (no network, 404, 500, half a file, a wrong hash, no room) that names the address
    and ``by_hand``, the folder where the user may put the file.
    """
    name = url.rsplit("/", 1)[-1]
    path = folder / name
    if path.is_file() and sha256_of(path) == sha256:
        return path
    import pooch
    import requests
    from filelock import FileLock

    by_hand_sentence = f"Or put {name} into {(by_hand or folder).absolute()} by hand."
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):
            downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)
            pooch.retrieve(url, f"sha256:{sha256}", name, path=folder, downloader=downloader)
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise UserError(f"{url} answered {status}. Try again later. {by_hand_sentence}") from error
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
        raise UserError(f"The download of {url} broke off. Try again. {by_hand_sentence}") from error
    except requests.RequestException as error:
        raise UserError(
            f"{url} cannot be reached ({type(error).__name__}). Check the network, or name a mirror in "
            f"{MIRROR_VARIABLE}. {by_hand_sentence}"
        ) from error
    except ValueError as error:  # pooch's word for a wrong hash; it has removed the file
        raise UserError(
            f"{url} is not the file that was published (its hash differs) and was not kept. {by_hand_sentence}"
        ) from error
    except OSError as error:
        raise UserError(f"{name} cannot be written into {folder}: {error.strerror or error}.") from error
    return path
