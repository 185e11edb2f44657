"""A field's value as text or as a label word, whatever type it has in the file."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentiment_transfer.errors import UserError

METADATA = b"huggingface"  # the key of a schema's metadata under which datasets stores its features


def text_of(value: Any, path: Path, line: int) -> str:
    """A text: strings as they are, bytes decoded from UTF-8, "" for null. Raises UserError for anything else."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise UserError(f"{path}, line {line}: the text is bytes that are not UTF-8 ({error.reason}).") from error
    if isinstance(value, str):
        return value
    raise UserError(f"{path}, line {line}: the text is {reprlib.repr(value)}, not a string.{_fields(value, 'text')}")


def word_of(value: Any, path: Path, line: int) -> str:
    """A label word without surrounding blanks, "" for null and NaN; of a list, the one label in it.

    Raises UserError for several labels, and for an object.
    """
    if isinstance(value, list | tuple):
        if len(value) > 1:
            raise UserError(
                f"{path}, line {line}: the label is a list of {len(value)}, {reprlib.repr(value)}. A file with several "
                "labels per text (multi-label) cannot be used: each text has one class."
            )
        return word_of(value[0], path, line) if value else ""
    if isinstance(value, Mapping):
        raise UserError(f"{path}, line {line}: the label is {reprlib.repr(value)}, an object.{_fields(value, 'label')}")
    if isinstance(value, bytes):
        value = text_of(value, path, line)
    return "" if value is None or value != value else str(value).strip()  # NaN differs from itself


def _fields(value: Any, option: str) -> str:
    if not isinstance(value, Mapping) or not value:
        return ""
    return f" Name a field in it, such as {option}=<column>.{next(iter(value))}."


def class_names(metadata: Mapping[bytes, bytes] | None, path: Sequence[str]) -> tuple[str, ...]:
    """The label names that a file's schema gives the numbers from 0 in a column (a Hugging Face ClassLabel).

    ``path``: the column, and the fields inside it. Empty where the schema has no names for it.
    """
    try:
        feature = json.loads((metadata or {})[METADATA])["info"]["features"]
        for name in path:
            feature = feature[name]
    except (KeyError, ValueError, TypeError):
        return ()
    while isinstance(feature, list) or (isinstance(feature, dict) and "feature" in feature):  # a list of labels
        feature = feature[0] if isinstance(feature, list) else feature["feature"]
    if not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        return ()
    return tuple(map(str, feature.get("names") or ()))


def named_word(word: str, names: Sequence[str], path: Path, line: int) -> str:
    """The label name of a number by ``class_names``; "" for -1, which datasets writes for a missing label."""
    if not names or not word.lstrip("-").isdigit():
        return word
    number = int(word)
    if number == -1:
        return ""
    if not 0 <= number < len(names):
        raise UserError(
            f"{path}, line {line}: the label is {number}, but the file's own label names are numbered from 0 to "
            f"{len(names) - 1} ({', '.join(names)})."
        )
    return names[number]
