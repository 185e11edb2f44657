"""The token embedding that a run started from, kept with the run where its encoder is a folder of the user's.

A run saves the rows of its texts' tokens; the other rows, which new texts need, are those of the encoder. A hub's
revision stays what it is, a folder may be replaced or removed. The matrix is written once into the cache, under its
hash, and each run's directory gets a hard link to it: many runs of one encoder take its space once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from torch import Tensor

from sentiment_transfer.checkpoints.stored_weights import read_tensors
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.model.digests import embedding_digest
from sentiment_transfer.training.weights import write_state

NAME = "embedding"
FILE = Path("model") / "embedding.safetensors"


def stored(digest: str, cache_dir: Path) -> Path:
    return cache_dir / "embeddings" / f"{digest}.safetensors"


def store_embedding(embedding: Tensor, digest: str, cache_dir: Path) -> None:
    """Write the matrix (vocabulary, width) into the cache, unless it is there. ``digest`` is its hash."""
    path = stored(digest, cache_dir)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_state({NAME: embedding.detach()}, path)


def keep_embedding(folder: Path, digest: str, cache_dir: Path) -> None:
    """Give the run in ``folder`` a link to the stored matrix, or a copy on another file system."""
    path, own = stored(digest, cache_dir), folder / FILE
    own.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.link(path, own)
        return
    write_atomically(own, lambda temporary: shutil.copyfile(path, temporary))


def kept_embedding(folder: Path) -> Tensor | None:
    """The matrix that the run in ``folder`` has kept; None where it kept none. Raises UserError if it is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    return read_tensors(path, f"Delete {path}: it is read from the encoder then.")[NAME]


def refuse_other_embedding(embedding: Tensor, digest: str | None, encoder: str, folder: Path) -> None:
    """Raise UserError if ``embedding`` is not the one with the ``digest`` that the run in ``folder`` recorded."""
    if digest is not None and embedding_digest(embedding) != digest:
        raise UserError(
            f"The encoder {encoder} is not the one that the run in {folder} started from: its token embedding has "
            "other values now. Put the former encoder back."
        )
