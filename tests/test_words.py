"""Phrases that read like a translation, and keep coming back: none of them stands in code, docs or configuration."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What was written -> what a maintainer of a well-known library would have typed.
PHRASES = {
    r"\bcan(not| ?not)? be had\b": "is (un)available",
    r"\bhad from\b": "read from, loaded from",
    r"\bcannot be[:.]": "is invalid: it must be ...",
    r"\b(is|are) not there\b": "does not exist, is missing, was not found",
    r"\bso many\b": "that many, or the number",
    r"\bwhoever\b": "users who, anyone who",
    r"\bis said\b": "is reported, is stated",
    r"\bto the bit\b": "bit-identical",
    r"\bevaluation sets?\b": "dataset, target, or test set for a split",
}
PLACES = (
    "src/**/*.py",
    "src/**/*.j2",
    "src/**/*.js",
    "conf/**/*.yaml",
    "docs/*.md",
    "*.py",
    "README.md",
    "CONTRIBUTING.md",
    "Makefile",
)


def files() -> list[Path]:
    return sorted({path for place in PLACES for path in ROOT.glob(place)})


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_is_not_used(phrase: str) -> None:
    pattern = re.compile(phrase.replace(r"\ ", r"\s+"), re.IGNORECASE)
    used = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}, say {PHRASES[phrase]}"
        for path in files()
        for text in [path.read_text(encoding="utf-8")]
        for match in pattern.finditer(text)
    ]
    assert not used, "\n".join(used)


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            text := ast.get_docstring(node)
        ):
            yield getattr(node, "lineno", 1), text


def test_no_docstring_begins_with_what() -> None:
    begun = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in files()
        if path.suffix == ".py"
        for line, text in docstrings(path)
        if text.startswith("What ")
    ]
    assert not begun, "\n".join(begun)
