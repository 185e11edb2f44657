from __future__ import annotations

import numpy as np
import pytest

from sentiment_transfer.data.features import (
    TokenKinds,
    characters_of,
    count_tokens,
    occurring,
    review_features,
    token_kinds,
    token_shares,
)
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.scripts import script_of
from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.data.written_reviews import WrittenDataModule
from sentiment_transfer.model.tokenizer import train_tokenizer

KINDS = TokenKinds(special=(0, 1, 2), unknown=3, added=2)


def store(*reviews: list[int], full: list[int] | None = None) -> TokenStore:
    """Reviews between 0 and 2, the special tokens of their start and end."""
    pieces = [np.array([0, *ids, 2], dtype=np.int32) for ids in reviews]
    lengths = [len(piece) for piece in pieces]
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    return TokenStore(np.concatenate(pieces), offsets, np.array(full or lengths, dtype=np.int32))


TESTED = store([10, 11, 99], [3, 10], [], full=[9, 4, 2])
REVIEWS = Reviews.from_columns(["a", "b", "c"], ["Baik 良い", "良い", " "], [1, 0, 1], language="ja", domain="hotels")


def test_seen_and_unknown_are_shares_of_all_tokens_but_the_special_ones() -> None:
    trained_on = occurring([store([10, 3]), store([11])])
    counts = count_tokens(TESTED, KINDS, trained_on)
    assert counts.seen is not None
    assert (counts.text.tolist(), counts.seen.tolist(), counts.unknown.tolist()) == ([3, 2, 0], [2, 1, 0], [0, 1, 0])
    characters = characters_of(REVIEWS)
    assert characters.tolist() == [7, 2, 1]
    assert token_shares(counts, characters) == {"seen": 3 / 5, "per_character": (7 + 2 + 0) / 10, "unknown": 1 / 5}


def test_the_columns_of_each_review() -> None:
    counts = count_tokens(TESTED, KINDS, occurring([store([10])]))
    found = review_features(REVIEWS, counts, characters_of(REVIEWS), {"b": "hotel"}, {"a": "irony"})
    assert found["characters"].tolist() == [7, 2, 1] and found["characters"].dtype == np.int32
    assert found["tokens"].tolist() == [7, 2, 0] and found["tokens"].dtype == np.int32
    np.testing.assert_array_equal(found["seen"], np.array([1 / 3, 1 / 2, np.nan], dtype=np.float32))
    assert found["script"].tolist() == ["Latn", "Jpan", "Zyyy"]
    assert found["domain"].tolist() == ["hotels", "hotel", "hotels"]
    assert found["tag"].tolist() == ["irony", None, None]


def test_without_the_training_texts_nothing_is_said_of_what_was_seen() -> None:
    counts = count_tokens(TESTED, KINDS, None)
    assert token_shares(counts, characters_of(REVIEWS))["seen"] is None
    assert np.isnan(review_features(REVIEWS, counts, characters_of(REVIEWS), {}, {})["seen"]).all()


def test_the_kinds_of_tokens_of_a_real_tokenizer() -> None:
    tokenizer = train_tokenizer(["good food", "bad food"])
    kinds = token_kinds(tokenizer)
    assert kinds.added == 2
    assert kinds.unknown == tokenizer.unk_token_id and kinds.unknown not in kinds.special
    assert {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id} <= set(kinds.special)


@pytest.mark.parametrize(
    ("text", "language", "script"),
    [
        ("Pelayanannya baik! 10/10", "id", "Latn"),
        ("部屋が汚い", "ja", "Jpan"),
        ("最高", "ja", "Jpan"),
        ("最高", "zh", "Hani"),
        ("ＡＢＣ", "ja", "Latn"),
        ("スマホ OK", "", "Jpan"),
        ("이 영화 정말 좋아요 best", "ko", "Hang"),
        ("отлично", "ru", "Cyrl"),
        ("बहुत अच्छा", "hi", "Deva"),
        ("ดีมาก", "th", "Thai"),
        ("ممتاز", "ar", "Arab"),
        ("👍👍 10 !!", "en", "Zyyy"),
        ("ーー", "ja", "Zyyy"),
        ("", "en", "Zyyy"),
    ],
)
def test_the_script_of_most_letters(text: str, language: str, script: str) -> None:
    assert script_of(text, language) == script


def test_the_written_reviews_have_tags_and_domains_of_their_own() -> None:
    module = WrittenDataModule("ja")
    ids = module.reviews("test").ids
    assert {module.tags()[each] for each in ids} > {"irony", "negation"}
    assert {module.domains()[each] for each in ids} == {"product", "hotel", "film", "app"}
