"""Each language says a meaning in its own order, and the text carries the label."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from sentiment_transfer.demo import english, indonesian, japanese
from sentiment_transfer.demo.grammar import GRAMMARS, labelled_reviews, review_tokens, surface
from sentiment_transfer.demo.lexicon import LANGUAGES, Entry, Language, morphemes, one
from sentiment_transfer.demo.meaning import Clause, Meaning, Sentence, sample_meaning
from sentiment_transfer.demo.vocabulary import demo_tokenizer, piece_of

NEGATIONS = {
    language: {m.text for m in morphemes() if m.language == language and m.meaning == "not"}
    | {one("negation", "not").word(language)}
    for language in LANGUAGES
}
ENDINGS = {m.text for m in morphemes() if m.language == "ja"} | {"ない", "思う"}
MEANINGS = [sample_meaning(Random(seed)) for seed in range(1500)]


def clauses(template: str | None = None) -> list[tuple[Clause, bool]]:
    return [
        (clause, meaning.casual)
        for meaning in MEANINGS
        for clause in meaning.clauses
        if template in (None, clause.template)
    ]


def predicate_token(clause: Clause, tokens: list[str], language: Language) -> str:
    forms = {clause.predicate.stem(language), clause.predicate.forms.get("past", "")}
    return next(token for token in tokens if token in forms)


def clause_tokens(clause: Clause, casual: bool, language: Language) -> list[str]:
    if language == "ja":
        return japanese.clause_tokens(clause, "plain" if casual else "polite", casual)
    return (english if language == "en" else indonesian).clause_tokens(clause, casual)


def quiet_room(**changes: object) -> Clause:
    clause = Clause("state", one("aspect", "room"), one("praise", "quiet"), one("person", "I"))
    return replace(clause, **changes)  # type: ignore[arg-type]


def said(clause: Clause, casual: bool = False) -> list[str]:
    meaning = Meaning((Sentence((clause,)),), casual)
    return [surface(review_tokens(meaning, language), language) for language in LANGUAGES]


def test_a_plain_statement() -> None:
    assert said(quiet_room()) == ["The room is quiet.", "部屋は静かです。", "Kamarnya tenang."]


def test_a_negated_na_adjective() -> None:
    clause = quiet_room(negated=True, degree=one("degree_negated", "too"))
    assert said(clause) == [
        "The room is not too quiet.",
        "部屋はあまり静かではありません。",
        "Kamarnya tidak terlalu tenang.",
    ]
    assert said(clause, casual=True)[1:] == ["部屋はあまり静かじゃない。", "Kamarnya nggak terlalu tenang."]


def test_a_negated_i_adjective_in_the_past() -> None:
    clause = quiet_room(predicate=one("praise", "spacious"), negated=True, past=True)
    assert said(clause, casual=True) == [
        "The room wasn't spacious.",
        "部屋は広くなかった。",
        "Kamarnya nggak luas.",
    ]


def test_modifiers_stand_before_the_noun_and_in_indonesian_after_it() -> None:
    clause = quiet_room(modifier=one("modifier", "new"), pointer=True, degree=one("intensifier", "very"))
    assert said(clause) == [
        "This new room is very quiet.",
        "この新しい部屋はとても静かです。",
        "Kamar baru ini sangat tenang.",
    ]


def test_a_negated_description() -> None:
    clause = quiet_room(template="naming", predicate=one("blame", "messy"), negated=True)
    assert said(clause) == [
        "This is not a messy room.",
        "これは散らかった部屋ではありません。",
        "Ini bukan kamar yang berantakan.",
    ]


def test_a_verdict() -> None:
    clause = quiet_room(
        template="verdict", predicate=one("praise_verb", "recommend"), subject=one("person", "my wife"), negated=True
    )
    assert said(clause) == [
        "My wife does not recommend the room.",
        "妻は部屋をおすすめしません。",
        "Istri saya tidak merekomendasikan kamarnya.",
    ]


def test_an_event() -> None:
    clause = quiet_room(
        template="event",
        aspect=one("aspect", "hotel"),
        predicate=one("event_verb", "visit"),
        past=True,
        time=one("time", "last week"),
        place=one("place", "Bali"),
    )
    assert said(clause) == [
        "I visited the hotel in Bali last week.",
        "先週、バリでホテルを訪問しました。",
        "Saya mengunjungi hotelnya di Bali minggu lalu.",
    ]


def test_japanese_gives_the_reason_first() -> None:
    pair = (quiet_room(), quiet_room(aspect=one("aspect", "hotel"), predicate=one("praise", "clean")))
    meaning = Meaning((Sentence(pair, "because"),), casual=False)
    assert surface(review_tokens(meaning, "en"), "en") == "The room is quiet because the hotel is clean."
    assert surface(review_tokens(meaning, "ja"), "ja") == "ホテルが清潔なので、部屋は静かです。"


@pytest.mark.parametrize(
    ("predicate", "te", "node"),
    [
        (one("praise", "good"), "良くて", "良い"),
        (one("praise", "perfect"), "完璧で", "完璧な"),
        (one("praise", "stable"), "安定していて", "安定している"),
        (one("blame", "overcrowded"), "混んでいて", "混んでいる"),
        (one("praise", "reliable"), "信頼できて", "信頼できる"),
        (one("praise_verb", "recommend"), "おすすめして", "おすすめする"),
    ],
)
def test_japanese_predicates_inflect_by_class(predicate: Entry, te: str, node: str) -> None:
    clause = quiet_room(predicate=predicate)
    assert "".join(japanese.clause_tokens(clause, "te", False)).endswith("は" + te)
    assert "".join(japanese.clause_tokens(clause, "node", False)).endswith("は" + node)


@pytest.mark.parametrize(
    ("adjective", "article"), [("useful", "a"), ("honest", "an"), ("elegant", "an"), ("great", "a")]
)
def test_english_articles_follow_the_sound(adjective: str, article: str) -> None:
    clause = quiet_room(template="naming", predicate=one("praise", adjective))
    assert article in english.clause_tokens(clause, False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_alone_gives_the_label(language: Language) -> None:
    for meaning in MEANINGS:
        total = 0
        for clause in meaning.clauses:
            tokens = clause_tokens(clause, meaning.casual, language)
            predicate_token(clause, tokens, language)
            negated = bool(NEGATIONS[language] & set(tokens))
            assert negated == clause.negated
            total += -clause.predicate.polarity if negated else clause.predicate.polarity
        assert total != 0 and meaning.label == int(total > 0)


def test_japanese_puts_the_predicate_last() -> None:
    for clause, casual in clauses():
        tokens = clause_tokens(clause, casual, "ja")
        stem = clause.aspect.ja if clause.template == "naming" else predicate_token(clause, tokens, "ja")
        last = max(index for index, token in enumerate(tokens) if token == stem)
        assert tokens.index(clause.aspect.ja) <= last
        assert set(tokens[last + 1 :]) <= ENDINGS


def test_negation_follows_the_predicate_in_japanese_and_precedes_it_elsewhere() -> None:
    for clause, casual in clauses():
        for language in LANGUAGES if clause.negated else ():
            tokens = clause_tokens(clause, casual, language)
            negation = next(index for index, token in enumerate(tokens) if token in NEGATIONS[language])
            predicate = tokens.index(predicate_token(clause, tokens, language))
            assert (negation > predicate) == (language == "ja")


def test_indonesian_puts_modifier_and_description_after_the_noun() -> None:
    for clause, casual in clauses():
        tokens = clause_tokens(clause, casual, "id")
        noun = tokens.index(clause.aspect.id)
        if clause.modifier:
            assert tokens[noun + 1] == clause.modifier.id
        if clause.template == "naming":
            assert tokens.index("yang") > noun and tokens.index(clause.predicate.id) > tokens.index("yang")
            assert "tidak" not in tokens and "nggak" not in tokens


def test_english_puts_the_modifier_before_the_noun() -> None:
    for clause, casual in clauses():
        if clause.modifier:
            tokens = clause_tokens(clause, casual, "en")
            assert tokens[tokens.index(clause.aspect.en) - 1] == clause.modifier.en


def test_reviews_hold_one_to_four_opinions_some_negated_and_some_dissenting() -> None:
    opinions = [[clause for clause in meaning.clauses if clause.template != "event"] for meaning in MEANINGS]
    assert {len(review) for review in opinions} == {1, 2, 3, 4}
    assert all(1 <= len(meaning.clauses) <= 4 for meaning in MEANINGS)
    everything = [clause for review in opinions for clause in review]
    assert 0.07 < sum(clause.negated for clause in everything) / len(everything) < 0.13
    assert sum(len({clause.polarity for clause in review}) == 2 for review in opinions) > 0.05 * len(opinions)
    assert {clause.template for clause, _ in clauses()} == {"state", "naming", "verdict", "event"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tokenizer_finds_the_words_that_the_grammar_wrote(language: Language) -> None:
    tokenizer = demo_tokenizer()
    for meaning in MEANINGS:
        tokens = review_tokens(meaning, language)
        expected = [piece_of(token, language) for token in tokens]
        start = ["▁"] if language == "ja" else []
        assert tokenizer.tokenize(surface(tokens, language)) == start + expected


def test_reviews_are_the_same_every_time() -> None:
    first = labelled_reviews("id", "dev", 10)
    labelled_reviews.cache_clear()
    assert labelled_reviews("id", "dev", 10) == first


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_occurs_twice_in_any_split(language: Language) -> None:
    texts = [text for split in ("train", "dev", "test") for text, _ in labelled_reviews(language, split, 3000)]
    assert len(set(texts)) == len(texts) == 3000 + 1000 + 2000


def test_a_larger_training_set_keeps_the_held_out_splits_and_the_first_rows() -> None:
    assert labelled_reviews("en", "test", 500) == labelled_reviews("en", "test", 3000)
    assert labelled_reviews("en", "train", 500) == labelled_reviews("en", "train", 3000)[:500]


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_are_balanced(language: Language) -> None:
    labels = [label for _, label in labelled_reviews(language, "test", 500)]
    assert 0.46 < sum(labels) / len(labels) < 0.54


def test_the_languages_are_not_translations_of_each_other() -> None:
    columns = {tuple(label for _, label in labelled_reviews(language, "test", 500)) for language in GRAMMARS}
    assert len(columns) == 3
