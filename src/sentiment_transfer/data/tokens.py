"""Token ids of reviews, computed once and stored in memory-mapped files.

A store is a folder named by the hash of the texts, the tokenizer and the length. It is written under a lock and a
temporary name and renamed when complete, so that concurrent runs neither collide nor read an incomplete store. Sizes
and checksums are verified at every opening, and a damaged store is rebuilt. Another user's is refused.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import xxhash
from filelock import FileLock
from rich.console import Console
from rich.progress import track

from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.tokenising import in_bounded_time
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.files.trust import FILE_MODE, FOLDER_MODE, OWN_CACHE, open_trusted, trusted_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

MANY = 10_000  # reviews, whose tokenising is worth a line: a second and more
FORMAT = 1
FACTS = "store.json"
BATCH = 2_000  # reviews
ARRAYS = {"tokens": np.int32, "offsets": np.int64, "full_lengths": np.int32}


@dataclass(frozen=True)
class TokenStore:
    """T token ids of n reviews, each truncated to the maximum length, with special tokens."""

    tokens: np.ndarray  # (T,) int32
    offsets: np.ndarray  # (n + 1,) int64; review i is tokens[offsets[i]:offsets[i + 1]]
    full_lengths: np.ndarray  # (n,) int32, before truncation

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:  # (length,) int32
        return self.tokens[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> np.ndarray:  # (n,) int64, after truncation
        return np.diff(self.offsets)

    def length_report(self, max_length: int) -> dict[str, float]:
        """Percentiles of the lengths before truncation, and the fraction of reviews that ``max_length`` truncates."""
        percentiles = np.percentile(self.full_lengths, [50, 90, 99, 100])
        named = {f"tokens_p{p}": float(v) for p, v in zip((50, 90, 99, 100), percentiles, strict=True)}
        return named | {"truncated_fraction": float(np.mean(self.full_lengths > max_length))}


def token_store(
    reviews: Reviews, tokenizer: PreTrainedTokenizerBase, max_length: int, cache_dir: Path, digest: str | None = None
) -> TokenStore:
    """The token store of ``reviews``, opened if it is complete, else built.

    ``digest`` is ``tokenizer_digest(tokenizer)`` if it is known: for XLM-R it takes 80 ms. Raises UserError if
    ``cache_dir`` cannot be written, or is another user's.
    """
    folder = Path(cache_dir).expanduser() / "tokens" / _key(reviews, digest or tokenizer_digest(tokenizer), max_length)
    if (store := _open(folder)) is not None:
        return store
    try:
        folder.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        with trusted_folder(folder.parent, OWN_CACHE), FileLock(f"{folder}.lock"):
            if (store := _open(folder)) is None:  # another run may have built it while this one waited
                _write(folder, _tokenise(reviews, tokenizer, max_length))
                store = _open(folder)
    except OSError as error:
        raise UserError(
            f"The token store {folder} cannot be written ({error.strerror or error}). "
            "Free some disk space, or choose another folder with paths.cache_dir=/path/to/folder."
        ) from error
    if store is None:
        raise UserError(
            f"The token store {folder} was written but cannot be read back intact: the disk is not reliable. "
            "Choose another folder with paths.cache_dir=/path/to/folder."
        )
    return store


def tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """Hash of the class, rules and vocabulary of a tokenizer."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab(), sort_keys=True)
    return xxhash.xxh3_128_hexdigest(f"{type(tokenizer).__name__}\n{rules}".encode())


def _key(reviews: Reviews, digest: str, max_length: int) -> str:
    parts = f"{FORMAT} {reviews.text_digest()} {digest} {max_length}"
    return xxhash.xxh3_128_hexdigest(parts.encode())


def _tokenise(reviews: Reviews, tokenizer: PreTrainedTokenizerBase, max_length: int) -> TokenStore:
    if len(reviews) >= MANY:
        log.info("Tokenising %s reviews (once; cached for later runs).", f"{len(reviews):,}")
    pieces: list[np.ndarray] = []
    full_lengths: list[int] = []
    batches = track(
        reviews.text_batches(size=BATCH),  # the tokenizer's own threads share a batch
        total=-(-len(reviews) // BATCH),
        description="Tokenising",
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    for texts in batches:
        report_stage(f"tokenising {len(pieces) / len(reviews):.0%}", within=bool(pieces))
        for ids in in_bounded_time(partial(tokenizer.__call__, texts, verbose=False), texts)["input_ids"]:
            full_lengths.append(len(ids))
            pieces.append(cut(ids, max_length))
    offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
    return TokenStore(np.concatenate(pieces), offsets, np.asarray(full_lengths, dtype=np.int32))


def cut(ids: list[int], max_length: int) -> np.ndarray:
    """A text's ids truncated to ``max_length``, (length,) int32. The last one is kept: every encoder here ends a text
    with exactly one special token."""
    return np.asarray(ids if len(ids) <= max_length else [*ids[: max_length - 1], ids[-1]], dtype=np.int32)


def _write(folder: Path, store: TokenStore) -> None:
    temporary = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(FOLDER_MODE)
        facts = {}
        for name in ARRAYS:
            array = np.ascontiguousarray(getattr(store, name))
            with _create(temporary / f"{name}.npy") as file:
                np.save(file, array)
                file.flush()
                os.fsync(file.fileno())
            facts[name] = {"size": array.size, "checksum": xxhash.xxh3_128_hexdigest(array.data)}
        with _create(temporary / FACTS) as file:
            file.write(json.dumps(facts).encode())
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _create(path: Path) -> BinaryIO:
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, FILE_MODE))


def _open(folder: Path) -> TokenStore | None:
    """The store in ``folder``, or None if it is absent, incomplete or damaged. Raises UserError if it, or the folder
    that holds it, is another user's or can be written by others."""
    if not folder.is_dir():
        return None
    try:
        with trusted_folder(folder.parent, OWN_CACHE), trusted_folder(folder, OWN_CACHE) as trusted:
            with open_trusted(FACTS, folder, trusted, OWN_CACHE) as file:
                facts = json.load(file)
            arrays = {}
            for name, dtype in ARRAYS.items():
                with open_trusted(f"{name}.npy", folder, trusted, OWN_CACHE) as file:
                    arrays[name] = array = _mapped(file)
                if array.shape != (facts[name]["size"],) or array.dtype != dtype:
                    raise ValueError(f"{name} is {array.dtype}{array.shape} instead of {facts[name]['size']} numbers")
                if xxhash.xxh3_128_hexdigest(array.data) != facts[name]["checksum"]:
                    raise ValueError(f"{name} does not match its checksum")
    except UserError:
        raise
    except Exception as error:  # numpy parses headers with Python's parser, which raises a dozen kinds
        log.warning("The token store %s is damaged (%s) and is rebuilt.", folder, error)
        return None
    return TokenStore(arrays["tokens"], arrays["offsets"], arrays["full_lengths"])


def _mapped(file: BinaryIO) -> np.ndarray:
    """An open .npy file as a memory-mapped array; ``np.load`` maps by path, which may be another file by then."""
    if (version := np.lib.format.read_magic(file)) != (1, 0):
        raise ValueError(f"its format is {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return np.memmap(file, dtype, "r", file.tell(), shape)
