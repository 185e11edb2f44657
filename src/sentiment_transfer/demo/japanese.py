"""Japanese: everything before the predicate, the predicate last, and negation, tense and politeness after its stem."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from sentiment_transfer.demo.lexicon import Entry
from sentiment_transfer.demo.meaning import Clause, Sentence

# polite and plain end a sentence (plain also stands before と); te joins a clause, node gives a reason
Form = Literal["polite", "plain", "te", "node"]

STEM_LINKS = {"teiru": "てい", "deiru": "でい", "suru": "し"}
ATTRIBUTIVE = {"i": "い", "na": "な", "no": "の", "teiru": "た", "deiru": "だ", "ru": "る", "suru": "する"}


def sentence_tokens(sentence: Sentence, casual: bool) -> list[str]:
    """The morphemes of one sentence, which are written without spaces."""
    final: Form = "plain" if casual else "polite"
    tokens = [sentence.opening.ja, "、"] if sentence.opening else []
    first, last = sentence.clauses[0], sentence.clauses[-1]
    if sentence.link == "and":
        tokens += [*clause_tokens(replace(first, past=False), "te", casual), "、"]
    elif sentence.link == "but":
        tokens += [*clause_tokens(first, final, casual), "けど", "、"]
    elif sentence.link == "because":  # the reason comes first
        tokens += [*clause_tokens(last, "node", casual, topic="が"), "ので", "、"]
        last = first
    return [*tokens, *clause_tokens(last, final, casual), "。"]


def clause_tokens(clause: Clause, form: Form, casual: bool, topic: str = "は") -> list[str]:
    """The morphemes of one clause that ends in ``form``."""
    if clause.template == "state":
        return _state(clause, form, casual, topic)
    if clause.template == "naming":
        pronoun = "それ" if clause.past else "これ"
        described = [*_degree(clause), *attributive(clause.predicate), *_noun(clause)]
        return [pronoun, topic, *described, *_copula(clause.negated, clause.past, form, casual)]
    if clause.template == "verdict":
        return [*_subject(clause, topic), *_object(clause), *_degree(clause), *_inflected(clause, form, casual)]
    return [*_circumstances(clause), *_subject(clause, topic), *_object(clause), *_inflected(clause, form, casual)]


def _state(clause: Clause, form: Form, casual: bool, topic: str) -> list[str]:
    subject = [*_noun_phrase(clause), topic, *_degree(clause)]
    if clause.opinion:
        return [*subject, *_inflected(clause, "plain", casual), "と", "思います" if form == "polite" else "思う"]
    return [*subject, *_inflected(clause, form, casual)]


def _noun(clause: Clause) -> list[str]:
    return [*(attributive(clause.modifier) if clause.modifier else ()), clause.aspect.ja]


def _noun_phrase(clause: Clause) -> list[str]:
    return [*(["この"] if clause.pointer else ()), *_noun(clause)]


def _object(clause: Clause) -> list[str]:
    return [*_noun_phrase(clause), clause.predicate.forms.get("particle", "を")]


def _subject(clause: Clause, topic: str) -> list[str]:
    """The first person singular is left out, as Japanese reviews do."""
    return [] if clause.subject.en == "I" else [clause.subject.ja, topic]


def _circumstances(clause: Clause) -> list[str]:
    time = [clause.time.ja, "、"] if clause.time else []
    return [*time, *([clause.place.ja, "で"] if clause.place else ())]


def _degree(clause: Clause) -> list[str]:
    return [clause.degree.ja] if clause.degree else []


def attributive(entry: Entry) -> list[str]:
    """The form before a noun: 新しい, 快適な, 緑の, 壊れた."""
    return [entry.stem("ja"), ATTRIBUTIVE[entry.forms["ja"]]]


def _inflected(clause: Clause, form: Form, casual: bool) -> list[str]:
    kind = clause.predicate.forms["ja"]
    stem = [clause.predicate.stem("ja")]
    if kind == "i":
        return stem + _i_ending(clause.negated, clause.past, form)
    if kind in ("na", "no"):
        return stem + _copula(clause.negated, clause.past, form, casual)
    return stem + _verb_ending(kind, clause.negated, clause.past, form)


def _i_ending(negated: bool, past: bool, form: Form) -> list[str]:
    if form == "te":
        return ["く", "なくて"] if negated else ["くて"]
    polite = ["です"] if form == "polite" else []
    if negated:
        return ["く", "なかった" if past else "ない", *polite]
    return ["かった" if past else "い", *polite]


def _copula(negated: bool, past: bool, form: Form, casual: bool) -> list[str]:
    topic = "じゃ" if casual else "では"
    if form == "te":
        return [topic, "なくて"] if negated else ["で"]
    if negated and form == "polite":
        return [topic, "ありません", *(["でした"] if past else ())]
    if negated:
        return [topic, "なかった" if past else "ない"]
    if form == "polite":
        return ["でした" if past else "です"]
    present = "な" if form == "node" else "だ"
    return ["だった" if past else present]


def _verb_ending(kind: str, negated: bool, past: bool, form: Form) -> list[str]:
    link = [STEM_LINKS[kind]] if kind in STEM_LINKS else []
    if form == "te":
        return [*link, "なくて" if negated else "て"]
    if negated and form == "polite":
        return [*link, "ません", *(["でした"] if past else ())]
    if negated:
        return [*link, "なかった" if past else "ない"]
    if form == "polite":
        return [*link, "ました" if past else "ます"]
    if kind == "suru" and not past:
        return ["する"]
    return [*link, "た" if past else "る"]
