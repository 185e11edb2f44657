"""MARC, the Multilingual Amazon Reviews Corpus (Keung et al. 2020, arXiv 2010.02573), in six languages.

200,000 / 5,000 / 5,000 reviews per language, balanced over five stars and sorted by star. Research use only: the
files are read where the user has them, else from a mirror on the Hugging Face hub.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import AmazonConfig, TextRule
from sentiment_transfer.data.hub import load_table
from sentiment_transfer.data.labels import DROPPED, binary_of_stars, canonical
from sentiment_transfer.data.reviews import Reading, Reviews
from sentiment_transfer.data.stars import rating_of
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.cells import class_names
from sentiment_transfer.files.containers import kind_of
from sentiment_transfer.files.json_rows import json_lines
from sentiment_transfer.files.text import data_folder, delimited_rows, find_file

JOINT = "\n\n"  # between title and body in the mteb mirror
MTEB_REVISION = "6b5d328eaae8ef408dd7d775040245cf86f92e9d"
HUB_SPLIT: dict[Split, str] = {"train": "train", "dev": "validation", "test": "test"}


class Rated(NamedTuple):
    """Reviews of one split as read, before binarising."""

    ids: list[str]
    texts: list[str]
    stars: np.ndarray  # (n,) int64, 1-5
    origin: str  # file or repository


class AmazonReviewsDataModule(ReviewDataModule):
    """MARC in one language, binary: one and two stars negative, four and five positive, three dropped.

    ``data_dir`` holds ``amazon_{language}/`` with the original ``dataset_{language}_{train,dev,test}.json``, the same
    columns as ``{train,dev,test}.csv`` (``dev`` may be ``validation``), or the mteb mirror's
    ``{train,validation,test}.jsonl``, all of them compressed or not. Files that are missing come from the hub: from
    ``mteb/AmazonReviewsClassification`` (title and body), or ``SetFit/amazon_reviews_multi_{language}`` (body).

    Attributes:
        rows_per_star: what a complete split holds for each of the five stars; others are refused as cut off, unless
            ``complete`` is false.
    """

    schema = AmazonConfig
    domain = "product reviews"
    rows_per_star: ClassVar[dict[Split, int]] = {"train": 40_000, "dev": 1_000, "test": 1_000}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.name = f"amazon_{self.language}"

    @property
    def folder(self) -> Path:
        return data_folder(self.data_dir) / self.name

    def read(self, split: Split) -> Reviews:
        path = self._local_file(split)
        rated = self._from_hub(split) if path is None else self._from_file(path, split)
        is_part = self._is_part(rated, split)
        labels = binary_of_stars(rated.stars)
        kept = np.flatnonzero(labels != DROPPED)
        complete = 4 * self.rows_per_star[split]
        note = f"{len(kept):,} of the {complete:,} reviews of the {split} split (complete=false)"
        return Reviews.from_columns(
            [rated.ids[row] for row in kept],
            [rated.texts[row] for row in kept],
            labels[kept],
            language=self.language,
            domain=self.domain,
            dropped={"with three stars": len(labels) - len(kept)},
            reading=Reading(notes=(note,)) if is_part else None,
            part_of=complete if is_part else None,
        )

    def _local_file(self, split: Split) -> Path | None:
        hub_split = HUB_SPLIT[split]
        names = [f"dataset_{self.language}_{split}.json", f"{split}.csv", f"{hub_split}.csv", f"{hub_split}.jsonl"]
        return find_file(self.folder, names)

    def _from_file(self, path: Path, split: Split) -> Rated:
        if kind_of(path) == ".jsonl":
            return self._from_mirror_file(path, split)
        ids: list[str] = []
        texts: list[str] = []
        stars: list[int] = []
        for line, record in json_lines(path) if kind_of(path) == ".json" else csv_records(path):
            try:
                title, body, star = record["review_title"], record["review_body"], int(record["stars"])
            except (KeyError, ValueError, TypeError) as error:
                raise UserError(
                    f"{path}, line {line}: {error!r}. An original MARC file has review_title, review_body and stars; "
                    f"this row has {', '.join(record)}."
                ) from error
            ids.append(str(record.get("review_id") or f"{split}:{line}"))
            texts.append(
                (
                    f"{title or ''}{JOINT}{body or ''}" if self.config.text_rule == TextRule.title_body else body or ""
                ).strip()
            )
            stars.append(star)
        return Rated(ids, texts, np.array(stars, dtype=np.int64), str(path))

    def _from_mirror_file(self, path: Path, split: Split) -> Rated:
        if self.config.text_rule == TextRule.body:
            raise UserError(
                f"{path} is the mirror's form, in which title and body are one text, so it cannot serve "
                f"text_rule=body. Use text_rule=title_body, or the original dataset_{self.language}_{split}.json, or "
                "move the file away to load bodies from the hub."
            )
        ids: list[str] = []
        texts: list[str] = []
        stars: list[int] = []
        for line, record in json_lines(path):
            try:
                texts.append(str(record["text"]))
                stars.append(int(record["label"]) + 1)
            except (KeyError, ValueError, TypeError) as error:
                raise UserError(
                    f"{path}, line {line}: {error!r}. The mirror's files have text and label (0 to 4); this row has "
                    f"{', '.join(record)}."
                ) from error
            ids.append(str(record.get("id") or f"{split}:{line}"))
        return Rated(ids, texts, np.array(stars, dtype=np.int64), str(path))

    def _from_hub(self, split: Split) -> Rated:
        repository, config, revision = (
            ("mteb/AmazonReviewsClassification", self.language, MTEB_REVISION)
            if self.config.text_rule == TextRule.title_body
            else (f"SetFit/amazon_reviews_multi_{self.language}", None, None)
        )
        table = load_table(
            repository,
            HUB_SPLIT[split],
            ["text", "label"],
            config=config,
            revision=revision,
            instead=f"Or put the original dataset_{self.language}_{split}.json into {self.folder.absolute()}.",
        )
        ids = [f"{split}:{row}" for row in range(table.num_rows)]
        stars = stars_of_labels(table, repository)
        return Rated(ids, table["text"].to_pylist(), stars, f"the hub's {repository}")

    def _is_part(self, rated: Rated, split: Split) -> bool:
        """Whether a split is a part of the published one. Raises UserError if it is one and ``complete`` is set, or if
        it can be no part: with more reviews of a star, with other stars, or with one class alone."""
        each = self.rows_per_star[split]
        found = {star: int((rated.stars == star).sum()) for star in range(1, 6)}
        if set(found.values()) == {each} and len(rated.stars) == 5 * each:
            return False
        stars = ", ".join(f"{star}: {count:,}" for star, count in found.items())
        said = (
            f"{self.name}: {rated.origin} has {len(rated.stars):,} rows (stars {stars}), where the {split} split has "
            f"{5 * each:,}, {each:,} for each star."
        )
        if sum(found.values()) != len(rated.stars) or max(found.values()) > each:
            raise UserError(f"{said} It was changed; fetch it again.")
        if self.config.complete:
            raise UserError(
                f"{said} It was cut off or changed; fetch it again. If it is a part that you keep, type "
                f"complete=false (targets.{self.name}.complete=false): its scores are then labelled with its size."
            )
        if not (found[1] + found[2] and found[4] + found[5]):
            raise UserError(
                f"{said} Nothing can be scored on one class alone: the published files are sorted by star, so a part "
                "of one is a sample of its rows, not its first ones."
            )
        return True


def csv_records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """``(line, {column: field})`` of a CSV file with a header."""
    rows = delimited_rows(path)
    _, header = next(rows)
    return ((line, dict(zip(header, row, strict=True))) for line, row in rows)


def stars_of_labels(table: pa.Table, repository: str) -> np.ndarray:  # (n,) int64, 1 to 5
    """The stars of a hub table's labels: by the names that it gives them, else label 0 is one star, as its card says.

    Raises UserError for names that are no stars.
    """
    labels = np.asarray(table["label"].to_pylist(), dtype=np.int64)
    names = class_names(table.schema.metadata, ["label"])
    if not names or names == ("0", "1", "2", "3", "4"):
        return labels + 1
    stars = [rating_of(canonical(name)) for name in names]
    if None in stars or any(label >= len(names) for label in set(labels.tolist())):
        raise UserError(
            f"The labels of {repository} are named {', '.join(names)} on the Hugging Face hub, which are no stars: the "
            "dataset has changed. Put the original files into data/ instead."
        )
    return np.array(stars, dtype=np.int64)[labels]
