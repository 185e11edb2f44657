"""Indonesian: subject, verb, object; modifiers, demonstratives and -nya after the noun; some degrees after the word."""

from __future__ import annotations

from sentiment_transfer.demo.lexicon import one
from sentiment_transfer.demo.meaning import Clause, Sentence


def sentence_tokens(sentence: Sentence, casual: bool) -> list[str]:
    """The words of one sentence; a leading ``+`` is written onto the word before."""
    tokens = [sentence.opening.id, "+,"] if sentence.opening else []
    tokens += clause_tokens(sentence.clauses[0], casual)
    if sentence.link:
        tokens += ["+,"] if sentence.link == "but" else []
        tokens += [one("link", sentence.link).id, *clause_tokens(sentence.clauses[1], casual)]
    return [*tokens, "+."]


def clause_tokens(clause: Clause, casual: bool) -> list[str]:
    """The words of one clause."""
    if clause.template == "state":
        return [*(("saya", "rasa") if clause.opinion else ()), *_noun_phrase(clause), *_adjective(clause, casual)]
    if clause.template == "naming":
        return _naming(clause)
    if clause.template == "verdict":
        return _verdict(clause, casual)
    return _event(clause)


def _noun(clause: Clause) -> list[str]:
    return [clause.aspect.id, *([clause.modifier.id] if clause.modifier else ())]


def _noun_phrase(clause: Clause) -> list[str]:
    return [*_noun(clause), "ini" if clause.pointer else "+nya"]


def _not(casual: bool) -> str:
    return "nggak" if casual else "tidak"


def _degreed(clause: Clause) -> list[str]:
    if clause.degree is None:
        return [clause.predicate.id]
    if clause.degree.forms.get("id") == "post":
        return [clause.predicate.id, clause.degree.id]
    return [clause.degree.id, clause.predicate.id]


def _adjective(clause: Clause, casual: bool) -> list[str]:
    if not clause.negated:
        return _degreed(clause)
    if clause.degree and clause.degree.forms.get("id") == "before":
        return [clause.degree.id, _not(casual), clause.predicate.id]
    return [_not(casual), *_degreed(clause)]


def _naming(clause: Clause) -> list[str]:
    subject = ["itu" if clause.past else "ini", *(["bukan"] if clause.negated else ())]
    return [*subject, *_noun(clause), "yang", *_degreed(clause)]


def _verdict(clause: Clause, casual: bool) -> list[str]:
    adverb = [clause.degree.id] if clause.degree else []
    negation = [_not(casual)] if clause.negated else []
    return [clause.subject.id, *negation, *adverb, clause.predicate.id, *_noun_phrase(clause)]


def _event(clause: Clause) -> list[str]:
    tokens = [clause.subject.id, clause.predicate.id, *_noun_phrase(clause)]
    if clause.place:
        tokens += ["di", clause.place.id]
    return [*tokens, *([clause.time.id] if clause.time else ())]
