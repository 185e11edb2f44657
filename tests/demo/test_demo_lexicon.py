"""The word list holds what it promises, and the tokenizer knows all of it."""

from __future__ import annotations

from collections import Counter

import pytest

from sentiment_transfer.demo.lexicon import (
    JA_ENDINGS,
    LANGUAGES,
    Language,
    lexicon,
    morphemes,
    one,
    words,
)
from sentiment_transfer.demo.vocabulary import demo_tokenizer, meanings, piece_of, pieces

TOKENIZER = demo_tokenizer()
FIELDS = ("device", "clothing", "food", "place", "people", "software", "service", "offer", "media")


def test_lexicon_has_at_least_450_triples() -> None:
    assert len(lexicon()) >= 450


def test_no_word_is_blank_or_padded() -> None:
    for entry in lexicon():
        for language in LANGUAGES:
            word = entry.word(language)
            assert word and word == word.strip() and "  " not in word


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_a_language_has_one_meaning(language: Language) -> None:
    counts = Counter(entry.stem(language).lower() for entry in lexicon())
    assert [word for word, count in counts.items() if count > 1] == []


def test_praise_and_blame_have_a_polarity_and_nothing_else_has() -> None:
    expected = {"praise": 1, "praise_verb": 1, "blame": -1, "blame_verb": -1}
    assert all(entry.polarity == expected.get(entry.role, 0) for entry in lexicon())


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("role", ["aspect", "praise", "blame", "praise_verb", "blame_verb", "event_verb"])
def test_every_field_has_words_of_every_role(role: str, field: str) -> None:
    assert len(words(role, field)) >= (9 if role in ("aspect", "praise", "blame") else 2)


def test_japanese_predicates_are_dictionary_forms_of_their_class() -> None:
    for entry in lexicon():
        if kind := entry.forms.get("ja"):
            assert entry.ja.endswith(JA_ENDINGS[kind]), entry
            assert entry.ja == entry.stem("ja") + JA_ENDINGS[kind]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_one_token_that_is_not_unknown(language: Language) -> None:
    for entry in lexicon():
        written = entry.word(language)
        tokens = TOKENIZER.tokenize(written)
        assert TOKENIZER.unk_token_id not in TOKENIZER(written)["input_ids"]
        assert piece_of(entry.stem(language), language) in tokens, (written, tokens)


def test_a_spelling_shared_by_two_languages_has_one_meaning() -> None:
    for entry in lexicon():
        for language in LANGUAGES:
            assert meanings()[piece_of(entry.stem(language), language)] == entry.en
    for morpheme in morphemes():
        assert meanings()[piece_of(morpheme.text, morpheme.language)] == morpheme.meaning


def test_special_tokens_have_the_ids_of_xlm_r() -> None:
    assert TOKENIZER.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>"]) == [0, 1, 2, 3]
    assert TOKENIZER.mask_token_id == len(TOKENIZER) - 1 == len(pieces()) - 1
    assert TOKENIZER("good")["input_ids"][0] == 0 and TOKENIZER("good")["input_ids"][-1] == 2
    assert TOKENIZER("good", "bad")["input_ids"].count(2) == 3


def test_unspaced_japanese_is_segmented_into_words() -> None:
    tokens = TOKENIZER.tokenize("バッテリーはあまり良くない。")
    assert tokens == ["▁", "バッテリー", "は", "あまり", "良", "く", "ない", "。"]


def test_a_multiword_expression_is_one_token() -> None:
    assert TOKENIZER.tokenize("The App is easy to use.") == ["▁the", "▁app", "▁is", "▁easy▁to▁use", "."]


def test_a_word_outside_the_lexicon_is_spelled() -> None:
    assert "".join(TOKENIZER.tokenize("flibber  ｶﾞｯﾃﾝ")) == "▁flibber▁ガッテン"


@pytest.mark.parametrize("text", ["", " ", "🙂", "שלום", "\x00", "a" * 5000, "鬱\n\n鬱"])
def test_strange_text_is_tokenised_without_a_crash(text: str) -> None:
    ids = TOKENIZER(text)["input_ids"]
    assert ids[0] == 0 and ids[-1] == 2 and max(ids) < len(TOKENIZER)


def test_two_tokenizers_are_the_same() -> None:
    assert demo_tokenizer().backend_tokenizer.to_str() == TOKENIZER.backend_tokenizer.to_str()


def test_one_finds_an_entry_by_its_english() -> None:
    assert one("link", "because").ja == "ので"
