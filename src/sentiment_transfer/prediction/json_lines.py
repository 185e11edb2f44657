"""JSON lines: every object is kept as it stands, and keys are added at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.lines import BOM, Lines
from sentiment_transfer.prediction.delimited import no_column
from sentiment_transfer.prediction.window import Answers, Columns, Row, Window, in_windows

NO_OBJECT = "not a JSON object"
WHOLE_LINE = "line"  # the key that a line which is no object is kept under


class JSONLines:
    """One object a line; ``text`` is the key of the texts."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.lines = Lines(path)
        self.total = self.lines.total
        first = next(self._full_lines(), None)
        if first is None:
            raise UserError(f"{path} has no rows: there is nothing to answer.")
        record = object_of(first)
        if record is None:
            raise UserError(f'{path}, line 1: not an object such as {{"{text}": "..."}} on a line of its own.')
        if text not in record:
            raise no_column(path, text, list(record))
        self.names = list(record)
        self._known = set(record)

    def windows(self, skip: int) -> Iterator[Window]:
        return in_windows(map(self._row, islice(self._full_lines(), skip, None)), self.lines.position)

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        names = [json.dumps(name, ensure_ascii=False) for name in columns.all]
        nothing = ["null"] * len(columns.probabilities)
        out = []
        rows = zip(window.content, answers.labels, answers.probabilities.tolist(), answers.reasons, strict=True)
        for content, label, row, reason in rows:
            shares = nothing if label is None else [f"{share:.6f}" for share in row]
            values = (f'"{label}"' if label else "null", *shares, f'"{reason}"' if reason else "null")
            added = ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
            begun = content.rstrip()[:-1].rstrip()  # less the closing brace
            out.append(f"{begun}{'' if begun.endswith('{') else ', '}{added}}}\n")
        return "".join(out).encode("utf-8", "surrogateescape")

    def _full_lines(self) -> Iterator[str]:
        return (line for line in self.lines if not line.isspace())

    def _row(self, line: str) -> Row:
        record = object_of(line)
        if record is None:
            return Row(json.dumps({WHOLE_LINE: line.rstrip("\r\n")}), None, NO_OBJECT)
        if not self._known.issuperset(record):  # later objects may have keys that the first has not
            self.names += [name for name in record if name not in self._known]
            self._known.update(record)
        if self.text not in record:
            return Row(line, None, "no text")
        return Row(line, record[self.text])


def object_of(line: str) -> dict[str, object] | None:
    try:
        record = json.loads(line.removeprefix(BOM))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
