"""JSON lines, or one array of objects, as rows: a lenient reader and a strict one, as in ``text``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.encodings import BOM
from sentiment_transfer.files.text import RawRow, text_lines


def parse_json(lines: Iterable[str]) -> Iterator[RawRow[dict[str, Any]]]:
    """The JSON object of every line that is not blank; or those of an array, numbered from 1 and each on a line."""
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        if line.isspace():
            continue
        if line.lstrip(BOM).lstrip().startswith("["):
            rest = [line, *(later for _, later in numbered)]
            yield from _array(rest) or (_object(later, at) for at, later in enumerate(rest, number) if later.strip())
            return
        yield _object(line, number)


def _object(line: str, number: int) -> RawRow[dict[str, Any]]:
    try:
        record = json.loads(line.lstrip(BOM))
    except (ValueError, RecursionError) as error:
        return RawRow(number, line, None, f"not a line of JSON ({error})")
    if isinstance(record, dict):
        return RawRow(number, line, record)
    return RawRow(number, line, None, 'not an object such as {"text": ..., "label": ...}')


def _array(lines: list[str]) -> list[RawRow[dict[str, Any]]]:
    """The objects of an array that takes up the whole file; empty if it is none, or holds anything else."""
    try:
        items = json.loads("".join(lines).lstrip(BOM))
    except (ValueError, RecursionError):
        return []
    if not all(isinstance(item, dict) for item in items):
        return []
    return [RawRow(at, _on_a_line(item), item) for at, item in enumerate(items, 1)]


def _on_a_line(item: dict[str, Any]) -> str:
    line = json.dumps(item, ensure_ascii=False)
    halves = re.search("[\ud800-\udfff]", line)  # of surrogate pairs: written as they were, with backslashes
    return (json.dumps(item) if halves else line) + "\n"


def json_lines(path: Path, encoding: str | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """``(line, object)`` of every line that is not blank, or of an array (numbered from 1).

    Raises UserError for an empty file and for a line that is not a JSON object or holds half a surrogate pair (valid
    JSON, but not text).
    """
    row = None
    for row in parse_json(text_lines(path, encoding)):
        error = row.error
        if row.value is not None and ("\\ud" in row.content or "\\uD" in row.content):
            try:
                json.dumps(row.value, ensure_ascii=False).encode()
            except UnicodeEncodeError as surrogate:
                error = f"not a line of JSON ({surrogate})"
        if row.value is None or error:
            raise UserError(f"{path}, line {row.line}: {error}.")
        yield row.line, row.value
    if row is None:
        raise UserError(f"{path} is empty.")
