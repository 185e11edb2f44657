"""The classes of a file's label words: as the user maps them, as the file names them, or as they are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentiment_transfer.data.label_columns import sentence_of_ambiguous, shortened
from sentiment_transfer.data.labels import canonical, default_labels, is_blank
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.records import Record

Placed = tuple[Path, Record]


@dataclass(frozen=True)
class LabelColumn:
    """The label column of a dataset, without its rows.

    Attributes:
        dataset, files, column: their names, for messages; ``columns``: those of the other columns.
        labels: the user's mapping, by canonical words; empty if there is none.
        names: of each file that has label names of its own, those of the numbers from 0.
        spelt: label word -> its names in a column beside it.
        typed: options are typed on a command line, and are no arguments in a program.
        drop_unlabelled: rows without a label are dropped.
    """

    dataset: str
    files: str
    column: str
    columns: Sequence[str]
    labels: Mapping[str, str | None]
    names: Mapping[Path, tuple[str, ...]]
    spelt: Mapping[str, set[str]]
    drop_unlabelled: bool
    typed: bool = True

    def classes_of(self, records: Iterable[Placed], classes: tuple[str, ...]) -> dict[str, str | None]:
        """The class of every canonical label word; None for one whose rows are dropped, blank ones included.

        Raises UserError for a word without a class, with its line, and for words whose meaning cannot be told.
        """
        labels = self._by_name()
        counts: Counter[str] = Counter()
        blank: list[tuple[Path, int, str]] = []
        for file, (line, _, word) in records:
            known = canonical(word)
            if is_blank(known) and known not in labels:
                blank.append((file, line, word))
            elif labels and known not in labels:
                raise UserError(
                    f"{file}, line {line}: the label {shortened(word)!r} is not among those of labels= "
                    f"({', '.join(self.labels)}). Add it, with null to drop such rows."
                )
            else:
                counts[word] += 1
        if blank and not self.drop_unlabelled:
            raise UserError(self._sentence_of_blank(blank))
        empty: dict[str, str | None] = {canonical(word): None for _, _, word in blank}
        mapping: Mapping[str, str | None] | None = labels or self._spelt_out(counts, classes)
        if mapping is None:
            mapping = default_labels({canonical(word) for word in counts}, classes, self.column)
        if mapping is None:
            raise UserError(f"{self.files}: {self._sentence_of_ambiguous(counts)}")
        return empty | {canonical(word): mapping[canonical(word)] for word in counts}

    def shown(self, mapping: Mapping[str, str | None]) -> dict[str, str | None]:
        """``mapping`` for the audit, with the number of a label that the file names; empty if every word is the name of
        its class."""
        numbers = {canonical(name): number for names in self.names.values() for number, name in enumerate(names)}
        shown = {
            f"{numbers[word]} ({word})" if word in numbers else word: name
            for word, name in mapping.items()
            if not is_blank(word) or word in self.labels
        }
        return {} if all(word == name for word, name in shown.items()) else shown

    def _spelt_out(self, words: Iterable[str], classes: tuple[str, ...]) -> dict[str, str] | None:
        """The classes that a column beside the labels gives them; None if it does not name one for each."""
        names = {canonical(word): {canonical(name) for name in self.spelt.get(word, ())} for word in words}
        if not names or any(len(spelt) != 1 for spelt in names.values()):
            return None
        spelt = {word: next(iter(name)) for word, name in names.items()}
        known = default_labels(set(spelt.values()), classes)
        return None if known is None else {word: known[name] for word, name in spelt.items()}

    def _by_name(self) -> dict[str, str | None]:
        """The user's mapping, in which a number stands for the name that the file gives it."""
        labels = dict(self.labels)
        orders = set(self.names.values())
        numbers = [word for word in labels if word.isdigit()]
        if not numbers or not orders:
            return labels
        if len(orders) > 1:
            raise UserError(
                f"{self.dataset}: labels= maps numbers, but the files number their labels differently. Map the names: "
                f"{', '.join(sorted({name for names in orders for name in names}))}."
            )
        [names] = orders
        by_name = {canonical(names[int(number)]): labels[number] for number in numbers if int(number) < len(names)}
        return by_name | labels

    def _sentence_of_ambiguous(self, counts: Counter[str]) -> str:
        dataset = self.dataset if self.typed else None
        return sentence_of_ambiguous(counts, dataset, self.column, self.columns)

    def _sentence_of_blank(self, blank: Sequence[tuple[Path, int, str]]) -> str:
        file, line, word = blank[0]
        count = f"all {len(blank):,} rows" if len(blank) > 1 else "the row"
        way = (
            f"type source.{self.dataset}.unlabelled=drop (targets for a target)"
            if self.typed
            else ('pass unlabelled="drop"')
        )
        return (
            f"{file}, line {line}: the label is blank{f' ({word})' if word else ''}. Fill it in, or leave out {count} "
            f"without a label: {way}."
        )
