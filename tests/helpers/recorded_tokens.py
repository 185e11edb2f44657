"""The lines of real files that ../shared/models/multilingual-e5-small/expected.json is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def text_of(data: Path, entry: dict[str, Any]) -> str:
    line = (data / entry["file"]).read_text(encoding="utf-8").split("\n")[entry["line"] - 1]
    return line.split("\t")[2 if entry["file"].startswith("jalan") else 0]
