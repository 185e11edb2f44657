"""From meanings to reviews: one grammar per language, and splits of the demo sets that share no text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from random import Random

from sentiment_transfer.demo import english, indonesian, japanese
from sentiment_transfer.demo.lexicon import Language
from sentiment_transfer.demo.meaning import Meaning, sample_meaning

GRAMMARS = {"en": english, "ja": japanese, "id": indonesian}
HELD_OUT = {"test": 2000, "dev": 1000}  # rows; drawn before the training rows, so their size is no argument


def review_tokens(meaning: Meaning, language: Language) -> list[str]:
    """The words and morphemes that say ``meaning``, in order; a leading ``+`` joins a piece to the one before."""
    grammar = GRAMMARS[language]
    return [token for sentence in meaning.sentences for token in grammar.sentence_tokens(sentence, meaning.casual)]


def surface(tokens: list[str], language: Language) -> str:
    """The tokens as they are written: Japanese unspaced, the others spaced with a capital at each start."""
    if language == "ja":
        return "".join(tokens)
    sentences: list[str] = []
    words: list[str] = []
    for token in tokens:
        if token.startswith("+") and words:
            words[-1] += token[1:]
        else:
            words.append(token)
        if token == "+.":
            line = " ".join(words)
            sentences.append(line[0].upper() + line[1:])
            words = []
    return " ".join(sentences)


def _stream(language: Language, split: str, taken: set[str]) -> Iterator[tuple[str, int]]:
    """Endless labelled reviews, none of them in ``taken``, which grows with every one."""
    rng = Random(f"demo/{language}/{split}")
    while True:
        meaning = sample_meaning(rng)
        text = surface(review_tokens(meaning, language), language)
        if text not in taken:
            taken.add(text)
            yield text, meaning.label


@lru_cache(maxsize=8)
def labelled_reviews(language: Language, split: str, train_size: int) -> tuple[tuple[str, int], ...]:
    """The (text, label) pairs of one split of one language, always the same ones.

    Every text occurs once in a language, whichever the split. The languages are drawn apart: a review of one is
    not the translation of a review of another. A larger ``train_size`` only adds rows at the end.
    """
    taken: set[str] = set()
    sizes = {**HELD_OUT, "train": train_size}
    for name in ("test", "dev", "train"):
        stream = _stream(language, name, taken)
        rows = tuple(next(stream) for _ in range(sizes[name]))
        if name == split:
            return rows
    raise KeyError(split)
