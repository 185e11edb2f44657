"""The user's own file as a dataset: any language, any label words."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.config.written_form import delimiter_of
from sentiment_transfer.data.base import Split
from sentiment_transfer.data.catalog import CSVConfig
from sentiment_transfer.data.own_reviews import OwnReviews, Part
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.records import Layout, read_table
from sentiment_transfer.files.text import data_folder

Paths = str | Path | Sequence[str | Path]


class CSVDataModule(OwnReviews):
    """Reviews from files of the user's; the options are described at ``CSVConfig``.

    Relative paths are looked up from the working directory and then from ``data_dir``.
    """

    schema: ClassVar[type[DatasetConfig]] = CSVConfig
    ways_to_a_split = "Give it a fraction, or a file (dev_path, test_path)."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.layout = Layout(
            self.file.text,
            self.file.label,
            header=self.file.header,
            delimiter=delimiter_of(self.file.delimiter),
            quoted=self.file.quoted,
            encoding=self.file.encoding,
        )

    def as_file(self) -> CSVConfig:
        """Which files are read, and how."""
        return self.config

    @property
    def origin(self) -> str:
        return str(self.file.path)

    @property
    def label_column(self) -> str:
        return str(self.file.label) if self.file.header else ""

    def is_cut(self, split: Split) -> bool:
        return split != "train" and not self._path(split)

    def parts(self, split: Split) -> Iterator[Part]:
        for file in self._files(self._path(split)):
            yield file, read_table(file, self.layout)

    def _path(self, split: Split) -> Any:
        return {"train": self.file.path, "dev": self.file.dev_path, "test": self.file.test_path}[split]

    def local_files(self) -> list[Path]:
        paths = [path for path in (self.file.path, self.file.dev_path, self.file.test_path) if path]
        with suppress(UserError):  # a target's file that is missing is reported where it is read
            return [file for path in paths for file in self._files(path)]
        return []

    def _files(self, path: Paths) -> list[Path]:
        patterns = [path] if isinstance(path, str | Path) else list(path)
        return [file for pattern in patterns for file in self._matches(Path(pattern).expanduser())]

    def _matches(self, pattern: Path) -> list[Path]:
        places = [pattern] if pattern.is_absolute() else [pattern, data_folder(self.data_dir) / pattern]
        for place in places:
            if place.exists():
                return [place]
            if matches := sorted(glob.glob(str(place), recursive=True)):
                return [Path(file) for file in matches]
        looked = " nor ".join(str(place.absolute()) for place in places)
        raise UserError(
            f"{self.name}: no file {looked}. Check path=, or set paths.data_dir to the folder of the files."
        )
