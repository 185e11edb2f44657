"""A column by the name that the user typed: as written, without surrounding blanks or case, or a field inside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentiment_transfer.errors import UserError

SHOWN = 20  # columns in an error message
LONGEST = 40  # characters of a name


def column_of(path: str | Path, columns: Sequence[str], name: str) -> int | None:
    """The position of the column ``name``; None if there is none.

    A name as written comes before one that differs in surrounding blanks or case. Raises UserError if several columns
    have the name.
    """
    for same in (str, str.strip, lambda column: column.strip().casefold()):
        found = [index for index, column in enumerate(columns) if same(column) == same(name)]
        if len(found) > 1:
            raise UserError(
                f"{path} has {len(found)} columns called {name!r}, and which of them is meant cannot be told. Rename "
                "all but one in the file."
            )
        if found:
            return found[0]
    return None


def listed(names: Sequence[str]) -> str:
    """The names of columns for an error message: of many the first, of long ones the start."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(" ".join(name.split())[:LONGEST] for name in names[:SHOWN]) + more


def repeated(columns: Sequence[str]) -> list[str]:
    """The names that more than one column has."""
    return [name for name, count in Counter(columns).items() if count > 1]


def field_path(name: str, columns: Sequence[str]) -> tuple[str, ...]:
    """``("review", "text")`` for ``review.text`` where there is a column ``review``; ``(name,)`` otherwise."""
    if name in columns or "." not in name:
        return (name,)
    parts = name.split(".")
    for size in range(len(parts) - 1, 0, -1):
        if (first := ".".join(parts[:size])) in columns:
            return (first, *parts[size:])
    return (name,)


def field_of(record: Mapping[str, Any], name: str) -> Any:
    """The value of a field, or of one inside it (``review.text``). Raises KeyError where a part is missing."""
    value: Any = record
    for part in field_path(name, list(record)):
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise KeyError(name)
        value = value[part]
    return value


def field_names(record: Mapping[str, Any]) -> list[str]:
    """The names of all fields, those inside others as ``review.text``."""
    names = []
    for name, value in record.items():
        inside = field_names(value) if isinstance(value, Mapping) else []
        names += [f"{name}.{each}" for each in inside] or [str(name)]
    return names
