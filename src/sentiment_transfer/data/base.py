"""The base class of all datasets: three splits of reviews, and loaders over them for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader

from sentiment_transfer.config.checks import dataset_options
from sentiment_transfer.config.dataset import DatasetConfig, dataset_of
from sentiment_transfer.data.batches import Batch, ResumableSampler, TokenBatches, scoring_loader, training_loader
from sentiment_transfer.data.reviews import BINARY, THREE_CLASS, Reviews, stratified_rows
from sentiment_transfer.data.tokens import TokenStore, token_store
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import cache_folder, data_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True)
class ReviewSet:
    """One split of one dataset as a run uses it: its reviews and, once tokenised, their tokens."""

    name: str
    split: Split
    reviews: Reviews
    tokens: TokenStore | None = None


class ReviewDataModule(pl.LightningDataModule):
    """One dataset. ``reviews("train" | "dev" | "test")`` returns its rows; with a tokenizer it is an ordinary
    LightningDataModule with padded batches of ``input_ids``, ``attention_mask`` and ``labels``.

    A subclass implements ``read`` and sets ``name``, the ``schema`` of its options, and ``language``, ``domain`` and
    ``classes`` where they are no options.

    Args:
        values, options: the options of ``schema`` after ``limit``, in order or by name: ``SmSADataModule(classes=3)``.
        config: all of them at once, already checked, in place of ``values`` and ``options``.
        name: of the dataset in messages, where the class has none.
        data_dir: the folder of the dataset files, each dataset in the subfolder of its name.
        seed: of the subset that ``limit`` keeps and of the training order.
        tokenizer: a tokenizer, or the name or folder of one; only the loaders need it.
        batch_size: reviews per batch.
        max_length: tokens per review, special tokens included; longer reviews are truncated.
        cache_dir: the folder of token stores and downloads; default: see ``cache_folder``.
    """

    schema: ClassVar[type[DatasetConfig]] = DatasetConfig
    name: str = ""
    language: str = ""
    domain: str = ""
    classes: tuple[str, ...] = BINARY

    def __init__(
        self,
        *values: Any,
        config: DatasetConfig | None = None,
        name: str | None = None,
        data_dir: str | Path | None = None,
        seed: int = 0,
        tokenizer: PreTrainedTokenizerBase | str | None = None,
        batch_size: int = 32,
        max_length: int = 256,
        cache_dir: str | Path | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.name = self.name or name or ""
        own = [field.name for field in fields(self.schema) if field.name not in ("kind", "limit")]
        given = dict(zip(own, values, strict=False))
        if len(values) > len(own) or given.keys() & options.keys():
            raise TypeError(f"{type(self).__name__} takes each of these once: {', '.join(own)}")
        options |= given
        self.config: Any = config or dataset_options(self.schema, self.name or self.schema.kind, options)
        self.language = getattr(self.config, "language", self.language)
        self.domain = getattr(self.config, "domain", self.domain)
        if hasattr(self.config, "classes"):
            self.classes = BINARY if self.config.classes == 2 else THREE_CLASS
        self.limit = self.config.limit
        self.data_dir = data_dir
        self.seed = seed
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self.max_length = max_length
        self.cache_dir = cache_folder(cache_dir)
        self._reviews: dict[str, Reviews] = {}

    def __repr__(self) -> str:
        read = "".join(f", {split} {len(rows):,}" for split, rows in self._reviews.items())
        return f"{type(self).__name__}({self.name}, {self.language}, {'/'.join(self.classes)}{read})"

    __str__ = __repr__  # Lightning's would read every split

    def read(self, split: Split) -> Reviews:
        """All rows of a split, binarised, in file order. Raises UserError if it is unavailable."""
        raise NotImplementedError

    @property
    def licence(self) -> str:
        """As the descriptor of the dataset says it."""
        return dataset_of(self.config.kind).licence

    def local_files(self) -> list[Path]:
        """Files and folders of the user's that the reviews are read from where they exist."""
        return [data_folder(self.data_dir) / self.name]

    def domains(self) -> Mapping[str, str]:
        """The domain of single test reviews by id, where they have different ones: ``{"hotel-07": "hotel", ...}``."""
        return {}

    def tags(self) -> Mapping[str, str]:
        """The phenomenon that single test reviews are examples of, by id: ``{"hotel-07": "irony", ...}``."""
        return {}

    def has(self, split: Split) -> bool:
        """True if the dataset has this split at all, even if its files are missing."""
        return True

    def reviews(self, split: Split) -> Reviews:
        """The rows of a split after ``limit``, cached. Raises UserError if it is unavailable or empty."""
        if split not in self._reviews:
            rows = self.read(split)
            if len(rows) == 0:
                raise UserError(f"{self.name}: the {split} split has no rows. {dropped_sentence(rows)}".strip())
            if self.limit is not None and self.limit < len(rows):
                rows = rows.take(np.sort(stratified_rows(rows.labels, self.limit, self.seed)))
            self._reviews[split] = rows
        return self._reviews[split]

    def prepare_data(self) -> None:
        for split in SPLITS:
            if self.has(split):
                self.reviews(split)

    def token_batches(self, split: Split) -> TokenBatches:
        """The tokenised reviews of a split. Raises UserError without a tokenizer."""
        from transformers import AutoTokenizer

        if self.tokenizer is None:
            raise UserError(
                f"{type(self).__name__} was created without a tokenizer, so it has reviews but no batches. "
                'Pass tokenizer="FacebookAI/xlm-roberta-base", a local folder or a tokenizer object.'
            )
        if isinstance(self.tokenizer, str):
            self.tokenizer = AutoTokenizer.from_pretrained(self.tokenizer, trust_remote_code=False)
        reviews = self.reviews(split)
        tokens = token_store(reviews, self.tokenizer, self.max_length, self.cache_dir)
        return TokenBatches([tokens], reviews.labels, self.tokenizer.pad_token_id)

    def train_dataloader(self) -> DataLoader[Batch]:
        batches = self.token_batches("train")
        return training_loader(batches, ResumableSampler(len(batches), self.batch_size, self.seed))

    def val_dataloader(self) -> DataLoader[Batch]:
        return scoring_loader(self.token_batches("dev"), self.batch_size * self.max_length)

    def test_dataloader(self) -> DataLoader[Batch]:
        return scoring_loader(self.token_batches("test"), self.batch_size * self.max_length)


def dropped_sentence(rows: Reviews) -> str:
    """The rows that the reader dropped, for an error message; empty if it dropped none."""
    if not rows.dropped:
        return ""
    return "Left out: " + ", ".join(f"{count} {reason}" for reason, count in rows.dropped.items()) + "."
