"""Expected values in files beside the tests, and how what was computed is compared with them.

With GOLDEN_RENEW=1 in the environment the files are written instead. That is done on purpose only, when results are
meant to change, in a commit of its own that says why.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXPECTED = Path(__file__).parent / "expected"
RENEW = os.environ.get("GOLDEN_RENEW") == "1"


def pinned_json(name: str, found: Any) -> Any:
    """The expected value under this name."""
    path = EXPECTED / f"{name}.json"
    if RENEW:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return json.loads(path.read_text(encoding="utf-8"))


def pinned_tables(name: str, found: dict[str, str]) -> dict[str, str]:
    """The expected CSV files, by their paths, of the folder of this name."""
    folder = EXPECTED / name
    if RENEW:
        for old in folder.rglob("*.csv"):
            old.unlink()
        for path, text in found.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="\n")
    return tables_in(folder)


def tables_in(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.csv")}


def cells(text: str) -> list[list[Any]]:
    """The fields of a CSV file, numbers as numbers: whole ones as int, which are compared exactly."""
    return [[_value(field) for field in row] for row in csv.reader(io.StringIO(text))]


def _value(field: str) -> Any:
    for kind in (int, float):
        try:
            return kind(field)
        except ValueError:
            continue
    return field


def differences(found: Any, expected: Any, relative: float, absolute: float = 0.0, where: str = "") -> Iterator[str]:
    """What is not as expected, one line each: floats within the tolerances, everything else equal and of one type."""
    if type(found) is not type(expected):
        yield f"{where}: {found!r} instead of {expected!r}"
    elif isinstance(expected, dict):
        if list(found) != list(expected):
            yield f"{where}: keys {list(found)} instead of {list(expected)}"
        for key in (key for key in expected if key in found):
            yield from differences(found[key], expected[key], relative, absolute, f"{where}.{key}")
    elif isinstance(expected, list):
        if len(found) != len(expected):
            yield f"{where}: {len(found)} items instead of {len(expected)}"
        for at, (one, other) in enumerate(zip(found, expected, strict=False)):
            yield from differences(one, other, relative, absolute, f"{where}[{at}]")
    elif isinstance(expected, float):
        if not math.isclose(found, expected, rel_tol=relative, abs_tol=absolute):
            yield f"{where}: {found!r} instead of {expected!r}"
    elif found != expected:
        yield f"{where}: {found!r} instead of {expected!r}"
