"""Jalan (Hayashibe 2020): sentences of Japanese hotel reviews, the polarity part of the JRTE corpus.

One file, ``pn.tsv``: id, label (1, 0 or -1), sentence, the judges' votes, split; no header, no quoting.
"""

from __future__ import annotations

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import JalanConfig, Splits
from sentiment_transfer.data.download import published_file, raw_url
from sentiment_transfer.data.labels import SIGNED, index_of, without_dropped
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import data_folder, delimited_rows

REPOSITORY = "megagonlabs/jrte-corpus"
COMMIT = "9b99bb5e8ca2db9c0ace4c0f17a4c3f4b780f1ff"
FILE = "pn.tsv"
SHA256 = {FILE: "7c3ab858d2b4e72563718d80bebc5fd75daf59c91993e712be45f2014c664c1f"}


class JalanDataModule(ReviewDataModule):
    """Jalan, binary (neutral dropped) or with its three classes; it is downloaded if ``data_dir/jalan_ja`` lacks it."""

    schema = JalanConfig
    name = "jalan_ja"
    language = "ja"
    domain = "hotel review sentences"

    @property
    def whole(self) -> bool:
        return self.config.splits == Splits.whole

    def has(self, split: Split) -> bool:
        return split == "test" or not self.whole

    def read(self, split: Split) -> Reviews:
        if not self.has(split):
            raise UserError(
                f"jalan_ja: splits=whole has no {split} split, all of it is the test set. Use splits=published."
            )
        rows = [
            (f"{FILE}:{line}", text, index_of(SIGNED[word], self.classes))
            for line, (_, word, text, _, belongs) in self._rows()
            if self.whole or belongs == split
        ]
        return without_dropped(rows, language=self.language, domain=self.domain, classes=self.classes)

    def _rows(self) -> list[tuple[int, list[str]]]:
        path = published_file(
            FILE,
            SHA256[FILE],
            raw_url(REPOSITORY, COMMIT, f"data/{FILE}"),
            local=data_folder(self.data_dir) / self.name,
            downloads=self.cache_dir / "downloads" / self.name,
            licence=self.licence,
        )
        return list(delimited_rows(path, delimiter="\t", quoted=False))
