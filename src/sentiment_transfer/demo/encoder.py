"""Small XLM-R encoders whose word vectors already know translations, so that transfer can be shown offline.

A pretrained multilingual encoder puts a word near its translations. Here that is built in, at one fixed strength
for all sizes, and nothing else is: which words praise and which blame is left for fine-tuning to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from sentiment_transfer.demo.vocabulary import SPECIAL, meanings, pieces
from sentiment_transfer.errors import UserError

if TYPE_CHECKING:
    from transformers import XLMRobertaModel

# The vectors are drawn in one space for all sizes: words in its first dimensions, positions in the others (trained
# encoders keep the two nearly orthogonal as well). No hidden size is smaller than the space.
WORD_DIMENSIONS = 128
POSITION_DIMENSIONS = 32
LONGEST_WAVE = 20  # tokens per radian of the slowest position wave: about a review's length
SHARED = 0.7  # of a word vector's variance is its meaning's: the expected cosine of two translations

# Half of the heads of every layer but the last start out looking at near positions, left and right alike. From
# fully random heads, 500 steps taught a model the words but not what "not" belongs to (under 50 % against
# over 75 % of the reviews with a negation), and trained encoders have such heads (Clark et al. 2019, arXiv 1906.04341).
HEAD_WIDTH = 32
LOCALITY = 1.6

# Weights start at DEPTH_GAIN / layers / sqrt(hidden): deeper encoders start closer to the identity, or their random
# layers drown the words (four layers in 500 steps: 92 % of English right without the division, 94 to 95 % with it).
DEPTH_GAIN = 2.0

PAD_ID = SPECIAL.index("<pad>")
MAX_POSITIONS = 514  # as in XLM-R: 512 tokens, counted from PAD_ID + 1


@dataclass(frozen=True)
class DemoSize:
    """An XLM-R architecture in small."""

    layers: int
    hidden: int


DEMO_SIZES = {
    "nano": DemoSize(layers=2, hidden=160),
    "micro": DemoSize(layers=3, hidden=160),
    "mini": DemoSize(layers=4, hidden=160),
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
        num_attention_heads=shape.hidden // HEAD_WIDTH,
        intermediate_size=shape.hidden,
        initializer_range=DEPTH_GAIN / shape.layers * shape.hidden**-0.5,
        hidden_dropout_prob=0.0,  # reviews are plentiful, and drawing the masks was a quarter of a step
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
    with torch.no_grad():
        _set_embeddings(encoder)
        _set_local_heads(encoder)
    return encoder


def _set_embeddings(encoder: XLMRobertaModel) -> None:
    import torch

    axes = _axes(encoder.config.hidden_size)
    embeddings = encoder.embeddings
    embeddings.word_embeddings.weight.copy_(torch.from_numpy(word_vectors() @ axes[:WORD_DIMENSIONS]))
    embeddings.position_embeddings.weight.copy_(torch.from_numpy(position_vectors() @ axes[WORD_DIMENSIONS:]))
    embeddings.token_type_embeddings.weight.zero_()


def _set_local_heads(encoder: XLMRobertaModel) -> None:
    """Query = key = the position axes, so that the score of two tokens falls with their distance."""
    import torch

    axes = torch.from_numpy(_axes(encoder.config.hidden_size)[WORD_DIMENSIONS:])
    local = encoder.config.num_attention_heads // 2
    for layer in encoder.encoder.layer[:-1]:
        for linear in (layer.attention.self.query, layer.attention.self.key):
            linear.weight[: local * HEAD_WIDTH] = LOCALITY * axes.repeat(local, 1)


@cache
def word_vectors() -> np.ndarray:  # (vocabulary, WORD_DIMENSIONS) float32
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


def _random_vector(name: str) -> np.ndarray:  # (WORD_DIMENSIONS,) float64
    """Normal noise that depends on the name alone, so that a new word leaves all other vectors as they were."""
    return np.random.default_rng(xxhash.xxh3_64_intdigest(name.encode())).standard_normal(WORD_DIMENSIONS)


def position_vectors() -> np.ndarray:  # (MAX_POSITIONS, POSITION_DIMENSIONS) float32
    """Sinusoids as in Vaswani et al. (2017, arXiv 1706.03762, section 3.5), with shorter waves; zero for ``<pad>``.

    Their variance per dimension is 1, like that of the words.
    """
    waves = POSITION_DIMENSIONS // 2
    angles = np.arange(MAX_POSITIONS)[:, None] / LONGEST_WAVE ** (np.arange(waves) / waves)
    vectors = np.sqrt(2) * np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    vectors[PAD_ID] = 0
    return vectors.astype(np.float32)


@cache
def _axes(hidden: int) -> np.ndarray:  # (WORD_DIMENSIONS + POSITION_DIMENSIONS, hidden) float32
    """Random orthonormal rows: lengths and angles among the hidden units are those of the world."""
    world = WORD_DIMENSIONS + POSITION_DIMENSIONS
    noise = np.random.default_rng(hidden).standard_normal((hidden, world))
    return np.linalg.qr(noise).Q.T.astype(np.float32)
