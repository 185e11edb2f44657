"""Small XLM-R encoders whose word vectors already know translations, so that transfer can be shown offline.

A pretrained multilingual encoder puts a word near its translations. Here that is built in, at one fixed strength
for all sizes, and nothing else is: which words praise and which blame is left for fine-tuning to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from sentiment_transfer.demo.vocabulary import SPECIAL, meanings, pieces
from sentiment_transfer.errors import UserError

if TYPE_CHECKING:
    from transformers import XLMRobertaModel

WORLD_DIMENSIONS = 96  # of the space the vectors are drawn in; no hidden size is smaller
SHARED = 0.7  # of a word vector's variance is its meaning's: the expected cosine of two translations
POSITION_SHARE = 0.3  # length of a position vector beside that of a word vector
PAD_ID = SPECIAL.index("<pad>")
MAX_POSITIONS = 514  # as in XLM-R: 512 tokens, counted from PAD_ID + 1


@dataclass(frozen=True)
class DemoSize:
    """An XLM-R architecture in small."""

    layers: int
    hidden: int
    heads: int
    intermediate: int


DEMO_SIZES = {
    "nano": DemoSize(layers=2, hidden=96, heads=4, intermediate=192),
    "micro": DemoSize(layers=3, hidden=128, heads=4, intermediate=256),
    "mini": DemoSize(layers=4, hidden=160, heads=4, intermediate=320),
}


def demo_encoder(size: str, seed: int) -> XLMRobertaModel:
    """An encoder for ``demo_tokenizer``'s ids: (batch, length) int64 -> (batch, length, hidden) float32.

    ``seed`` draws the weights of the transformer layers only; the embeddings are the same in every encoder of a
    size, and the same up to a rotation in all sizes. The global random state is left as it was.

    Raises UserError for an unknown size.
    """
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    if size not in DEMO_SIZES:
        raise UserError(f'There is no built-in encoder "{size}". The built-in sizes are {", ".join(DEMO_SIZES)}.')
    shape = DEMO_SIZES[size]
    config = XLMRobertaConfig(
        vocab_size=len(pieces()),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.intermediate,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=MAX_POSITIONS,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        bos_token_id=SPECIAL.index("<s>"),
        pad_token_id=PAD_ID,
        eos_token_id=SPECIAL.index("</s>"),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = XLMRobertaModel(config, add_pooling_layer=False)
    projection = _projection(shape.hidden)
    with torch.no_grad():
        embeddings = encoder.embeddings
        embeddings.word_embeddings.weight.copy_(torch.from_numpy(word_vectors() @ projection))
        embeddings.position_embeddings.weight.copy_(torch.from_numpy(_position_vectors() @ projection))
        embeddings.token_type_embeddings.weight.zero_()
    return encoder


@lru_cache(maxsize=1)
def word_vectors() -> np.ndarray:  # (vocabulary, WORLD_DIMENSIONS) float32
    """One vector per piece, of variance 1 per dimension; the row of ``<pad>`` is zero.

    A piece with a meaning is ``sqrt(SHARED) * meaning + sqrt(1 - SHARED) * own``, all of them random and
    independent; a piece without one (an ending, a particle, a character) has a vector of its own.
    """
    shared, own = np.sqrt(SHARED), np.sqrt(1 - SHARED)
    rows = []
    for piece, _ in pieces():
        meaning = meanings().get(piece)
        vector = _random_vector(f"piece/{piece}")
        rows.append(vector if meaning is None else shared * _random_vector(f"meaning/{meaning}") + own * vector)
    vectors = np.stack(rows)
    vectors[PAD_ID] = 0
    return vectors.astype(np.float32)


def _random_vector(name: str) -> np.ndarray:  # (WORLD_DIMENSIONS,) float64
    """Normal noise that depends on the name alone, so that a new word leaves all other vectors as they were."""
    return np.random.default_rng(xxhash.xxh3_64_intdigest(name.encode())).standard_normal(WORLD_DIMENSIONS)


def _position_vectors() -> np.ndarray:  # (MAX_POSITIONS, WORLD_DIMENSIONS) float32
    """The sinusoids of Vaswani et al. (2017, arXiv 1706.03762, section 3.5); zero for ``<pad>``."""
    frequencies = 1 / 10_000 ** (np.arange(0, WORLD_DIMENSIONS, 2) / WORLD_DIMENSIONS)
    angles = np.arange(MAX_POSITIONS)[:, None] * frequencies
    vectors = POSITION_SHARE * np.sqrt(2) * np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    vectors[PAD_ID] = 0
    return vectors.astype(np.float32)


def _projection(hidden: int) -> np.ndarray:  # (WORLD_DIMENSIONS, hidden) float32
    """Random orthonormal rows: lengths and angles in the wider space are those of the world."""
    noise = np.random.default_rng(hidden).standard_normal((hidden, WORLD_DIMENSIONS))
    return np.linalg.qr(noise).Q.T.astype(np.float32)
