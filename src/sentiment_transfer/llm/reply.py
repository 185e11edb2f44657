"""A server's answer to one request, and the class that it names.

Probabilities come from the alternatives that the server lists for each token of its answer: those that begin (or
complete) one label word alone count for that label, along the tokens that were chosen.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

THOUGHTS = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)  # reasoning that a server leaves in the answer
LEADING = " \t\r\n\"'`*_-:.([{<「『（：“‘"  # before an answer's word


@dataclass(frozen=True)
class Reply:
    """An answer, as it is kept.

    Attributes:
        refused: the server's content filter, or the model in a field of its own, declined to answer.
        alternatives: of each token of the answer, the likeliest ones with their log-probabilities, the chosen one
            first; empty where the server gives none. Tokens are hexadecimal bytes.
        seconds: from sending the request to its answer, retries included.
    """

    text: str
    refused: bool
    alternatives: list[list[tuple[str, float]]]
    prompt_tokens: int
    completion_tokens: int
    seconds: float


def parsed(body: Any, seconds: float) -> Reply:
    """The reply in a response's JSON. Raises ValueError, with what is missing, where it is none."""
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list) or not body["choices"]:
        raise ValueError("the response has no choices")
    choice = body["choices"][0]
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise ValueError("the response has no message")
    usage = body.get("usage") or {}
    return Reply(
        text=str(message.get("content") or ""),
        refused=bool(message.get("refusal")) or choice.get("finish_reason") == "content_filter",
        alternatives=_alternatives((choice.get("logprobs") or {}).get("content") or []),
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
        seconds=round(seconds, 4),
    )


def _alternatives(positions: list[dict[str, Any]]) -> list[list[tuple[str, float]]]:
    found = []
    for position in positions:
        of_position: dict[str, float] = {}
        for token in (position, *(position.get("top_logprobs") or [])):
            if token.get("logprob") is not None:
                of_position.setdefault(_bytes_of(token).hex(), round(float(token["logprob"]), 5))
        found.append(list(of_position.items()))
    return found


def _bytes_of(token: dict[str, Any]) -> bytes:
    return bytes(token["bytes"]) if token.get("bytes") else str(token.get("token", "")).encode()


def label_of(text: str, words: Sequence[str]) -> int | None:
    """The index of the label word that an answer begins with, or the only one in it; None where it is not clear."""
    said = _plain(THOUGHTS.sub("", text)).lstrip(LEADING)
    wanted = [_plain(word) for word in words]
    first = [place for place, word in enumerate(wanted) if said.startswith(word)]
    within = [place for place, word in enumerate(wanted) if _occurs(word, said)]
    for found in (first, within):
        if len(found) == 1:
            return found[0]
    return None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _occurs(word: str, text: str) -> bool:
    """Whether a word is in the text: between boundaries where it is of ASCII letters, anywhere else (Japanese)."""
    boundary = r"\b" if word.isascii() else ""
    return re.search(f"{boundary}{re.escape(word)}{boundary}", text) is not None


def without_leading(said: bytes) -> bytes:
    """Bytes that may end within a character, without the characters of LEADING at their beginning."""
    marks = [mark.encode() for mark in LEADING]
    while mark := next((mark for mark in marks if said.startswith(mark)), b""):
        said = said[len(mark) :]
    return said


def label_masses(alternatives: Sequence[Sequence[tuple[str, float]]], words: Sequence[str]) -> np.ndarray:
    """The probability of each label word, (words,) float64; what no label begins with is missing from their sum."""
    wanted = [word.lower().encode() for word in words]
    masses, prefix, path = np.zeros(len(words)), b"", 1.0

    def begun(token: str) -> tuple[bytes, list[int]]:
        said = without_leading(prefix + bytes.fromhex(token).lower())
        return said, [i for i, word in enumerate(wanted) if said and (word.startswith(said) or said.startswith(word))]

    for position in alternatives:
        for token, logprob in position:
            _, labels = begun(token)
            if len(labels) == 1:
                masses[labels[0]] += path * math.exp(min(logprob, 0.0))
        if not position:
            break
        chosen, logprob = position[0]
        said, labels = begun(chosen)
        if len(labels) == 1 or (said and not labels):
            break
        prefix, path = prefix + bytes.fromhex(chosen).lower(), path * math.exp(min(logprob, 0.0))
    return masses
