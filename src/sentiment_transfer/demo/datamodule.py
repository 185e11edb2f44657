"""The demo sets as datasets: generated reviews in three languages, no files needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.demo.grammar import labelled_reviews
from sentiment_transfer.demo.lexicon import LANGUAGES, Language
from sentiment_transfer.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class DemoDataModule(ReviewDataModule):
    """Generated reviews of one language: ``train_size`` to train on, 1,000 for development, 2,000 for testing.

    The rows depend on the language and the split alone: ``seed`` picks the subset (``limit``) and the order, as
    in every dataset. Raises UserError for another language or a train size below 1.
    """

    domain = "generated"

    def __init__(
        self,
        language: Language = "en",
        *,
        train_size: int = 16_000,
        limit: int | None = None,
        seed: int = 0,
        tokenizer: PreTrainedTokenizerBase | str | None = None,
        batch_size: int = 32,
        max_length: int = 256,
        cache_dir: str | Path | None = None,
    ) -> None:
        if language not in LANGUAGES:
            raise UserError(f'The demo has no language "{language}". Choose one of {", ".join(LANGUAGES)}.')
        if train_size < 1:
            raise UserError(f"train_size={train_size} leaves demo_{language} nothing to train on. Give 1 or more.")
        super().__init__(
            limit=limit,
            seed=seed,
            tokenizer=tokenizer,
            batch_size=batch_size,
            max_length=max_length,
            cache_dir=cache_dir,
        )
        self.language: Language = language
        self.name = f"demo_{language}"
        self.train_size = train_size

    def read(self, split: Split) -> Reviews:
        rows = labelled_reviews(self.language, split, self.train_size)
        texts, labels = zip(*rows, strict=True)
        ids = [f"{self.name}-{split}-{index}" for index in range(len(rows))]
        return Reviews.from_columns(ids, texts, labels, language=self.language, domain=self.domain)
