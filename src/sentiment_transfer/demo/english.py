"""English: subject, verb, object; negation and degree before the predicate; modifiers before the noun."""

from __future__ import annotations

from sentiment_transfer.demo.meaning import Clause, Sentence

# Spelled with a vowel and said with a consonant, or the other way round.
CONSONANT_SOUND = ("useful", "one-sided", "uniform")
VOWEL_SOUND = ("honest",)


def sentence_tokens(sentence: Sentence, casual: bool) -> list[str]:
    """The words of one sentence; a leading ``+`` is written onto the word before."""
    tokens = [sentence.opening.en, "+,"] if sentence.opening else []
    tokens += clause_tokens(sentence.clauses[0], casual)
    if sentence.link:
        tokens += ["+,"] if sentence.link == "but" else []
        tokens += [sentence.link, *clause_tokens(sentence.clauses[1], casual)]
    return [*tokens, "+."]


def clause_tokens(clause: Clause, casual: bool) -> list[str]:
    """The words of one clause."""
    if clause.template == "state":
        return [*(("I", "think") if clause.opinion else ()), *_state(clause, casual)]
    if clause.template == "naming":
        return _naming(clause, casual)
    if clause.template == "verdict":
        return _verdict(clause, casual)
    return _event(clause)


def _plural(clause: Clause) -> bool:
    return clause.aspect.forms.get("en") == "pl"


def _noun(clause: Clause) -> list[str]:
    return [*([clause.modifier.en] if clause.modifier else ()), clause.aspect.en]


def _noun_phrase(clause: Clause) -> list[str]:
    this = "these" if _plural(clause) else "this"
    return [this if clause.pointer else "the", *_noun(clause)]


def _not(negated: bool, casual: bool) -> list[str]:
    if not negated:
        return []
    return ["+n't" if casual else "not"]


def _be(clause: Clause, casual: bool) -> list[str]:
    forms = ("were", "was") if clause.past else ("are", "is")
    return [forms[0] if _plural(clause) else forms[1], *_not(clause.negated, casual)]


def _adjective(clause: Clause) -> list[str]:
    if clause.degree is None:
        return [clause.predicate.en]
    if clause.degree.forms.get("en") == "post":
        return [clause.predicate.en, clause.degree.en]
    return [clause.degree.en, clause.predicate.en]


def _state(clause: Clause, casual: bool) -> list[str]:
    return [*_noun_phrase(clause), *_be(clause, casual), *_adjective(clause)]


def _naming(clause: Clause, casual: bool) -> list[str]:
    pronouns = ("they", "it") if clause.past else ("these", "this")
    described = [*_adjective(clause), *_noun(clause)]
    article = [] if "en" in clause.aspect.forms else [_article(described[0])]
    return [pronouns[0] if _plural(clause) else pronouns[1], *_be(clause, casual), *article, *described]


def _article(following: str) -> str:
    if following.startswith(CONSONANT_SOUND):
        return "a"
    return "an" if following[0].lower() in "aeiou" or following.startswith(VOWEL_SOUND) else "a"


def _verdict(clause: Clause, casual: bool) -> list[str]:
    third = clause.subject.forms.get("en") == "third"
    verb = clause.predicate.en
    if clause.negated:
        auxiliary = "did" if clause.past else "does" if third else "do"
        predicate = [auxiliary, *_not(True, casual), verb]
    elif clause.past:
        predicate = [clause.predicate.forms["past"]]
    else:
        predicate = [verb, *(["+s"] if third else ())]
    adverb = [clause.degree.en] if clause.degree else []
    return [clause.subject.en, *adverb, *predicate, *_noun_phrase(clause)]


def _event(clause: Clause) -> list[str]:
    tokens = [clause.subject.en, clause.predicate.forms["past"], *_noun_phrase(clause)]
    if clause.place:
        tokens += ["in", clause.place.en]
    return [*tokens, *([clause.time.en] if clause.time else ())]
