"""The built-in encoders: one world of vectors for all sizes, random layers on top, no label in any of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sentiment_transfer.demo.encoder import (
    DEMO_SIZES,
    MAX_POSITIONS,
    PAD_ID,
    SHARED,
    WORD_DIMENSIONS,
    demo_encoder,
    word_vectors,
)
from sentiment_transfer.demo.lexicon import LANGUAGES, Language, lexicon, words
from sentiment_transfer.demo.vocabulary import demo_tokenizer, piece_of, pieces
from sentiment_transfer.errors import UserError

ROWS = {piece: row for row, (piece, _) in enumerate(pieces())}
SIZES = tuple(DEMO_SIZES)


def units(role: str, language: Language) -> np.ndarray:
    """(words of the role, WORD_DIMENSIONS), each of length 1."""
    rows = [ROWS[piece_of(entry.stem(language), language)] for entry in words(role)]
    vectors = word_vectors()[rows]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def parameters(size: str) -> int:
    return sum(weight.numel() for weight in demo_encoder(size, 0).parameters())


@pytest.mark.parametrize("size", SIZES)
def test_the_same_seed_gives_the_same_weights(size: str) -> None:
    first, second = demo_encoder(size, 7).state_dict(), demo_encoder(size, 7).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_changes_the_layers_and_not_the_embeddings() -> None:
    first, second = demo_encoder("nano", 1).state_dict(), demo_encoder("nano", 2).state_dict()
    for name in first:
        if name.startswith("embeddings."):
            assert torch.equal(first[name], second[name]), name
    last = "encoder.layer.1.attention.self.query.weight"
    assert not torch.equal(first[last], second[last])
    assert not torch.equal(first["encoder.layer.0.output.dense.weight"], second["encoder.layer.0.output.dense.weight"])


def test_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    demo_encoder("nano", 0)
    assert torch.equal(torch.rand(4), expected)


def test_sizes_grow_and_stay_below_ten_million_parameters() -> None:
    counts = [parameters(size) for size in ("nano", "micro", "mini")]
    assert counts == sorted(set(counts)) and counts[-1] < 10_000_000


@pytest.mark.parametrize(("first", "second"), [("en", "ja"), ("en", "id"), ("ja", "id")])
def test_translations_are_closer_than_other_pairs(first: Language, second: Language) -> None:
    cosines = units("aspect", first) @ units("aspect", second).T
    same = np.diag(cosines)[[entry.word(first) != entry.word(second) for entry in words("aspect")]]
    other = cosines[~np.eye(len(cosines), dtype=bool)]
    assert abs(same.mean() - SHARED) < 0.03
    assert np.quantile(same, 0.01) > np.quantile(other, 0.99)


@pytest.mark.parametrize("language", LANGUAGES)
def test_vectors_say_nothing_about_polarity(language: Language) -> None:
    praise, blame = units("praise", language), units("blame", language)
    within = (praise @ praise.T)[~np.eye(len(praise), dtype=bool)].mean()
    chance = 1 / np.sqrt(WORD_DIMENSIONS * len(praise))  # of the mean cosine with any fixed direction
    assert abs(within) < chance and abs((praise @ blame.T).mean()) < chance


@pytest.mark.parametrize("size", SIZES)
def test_angles_between_words_are_the_same_in_every_size(size: str) -> None:
    rows = [ROWS[piece_of(entry.en, "en")] for entry in lexicon()[:50]]
    weight = demo_encoder(size, 0).embeddings.word_embeddings.weight.detach().numpy()[rows]
    world = word_vectors()[rows]
    np.testing.assert_allclose(weight @ weight.T, world @ world.T, rtol=1e-3, atol=1e-3)


def test_embeddings_are_laid_out_as_in_xlm_r() -> None:
    encoder = demo_encoder("nano", 0)
    assert encoder.config.model_type == "xlm-roberta" and encoder.pooler is None
    assert encoder.config.pad_token_id == PAD_ID == 1
    assert encoder.embeddings.position_embeddings.weight.shape[0] == MAX_POSITIONS == 514
    assert encoder.embeddings.word_embeddings.weight.shape[0] == len(demo_tokenizer())
    assert not encoder.embeddings.word_embeddings.weight[PAD_ID].any()


def test_padding_does_not_change_a_review() -> None:
    encoder, tokenizer = demo_encoder("micro", 0).eval(), demo_tokenizer()
    texts = ["The room is quiet.", "この新しい部屋はとても静かではありませんでした。"]
    with torch.inference_mode():
        alone = encoder(**tokenizer(texts[0], return_tensors="pt")).last_hidden_state[0, 0]
        batch = encoder(**tokenizer(texts, return_tensors="pt", padding=True)).last_hidden_state[0, 0]
    torch.testing.assert_close(alone, batch, atol=1e-5, rtol=1e-4)


def test_the_longest_input_fits() -> None:
    ids = demo_tokenizer()("the " * 2000, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        states = demo_encoder("nano", 0).eval()(**ids).last_hidden_state
    assert states.shape == (1, 512, DEMO_SIZES["nano"].hidden) and states.isfinite().all()


def test_early_heads_start_by_looking_at_near_words() -> None:
    encoder, tokenizer = demo_encoder("nano", 0).eval(), demo_tokenizer()
    encoder.set_attn_implementation("eager")
    ids = tokenizer("This new room is very quiet, but the garden was not beautiful.", return_tensors="pt")
    with torch.inference_mode():
        local = encoder(**ids, output_attentions=True).attentions[0][0, 0]  # (query, key)
    distance = (torch.arange(len(local))[:, None] - torch.arange(len(local))).abs()
    assert local[distance <= 3].sum() > 0.7 * len(local)


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(UserError, match="nano, micro, mini"):
        demo_encoder("giant", 0)
