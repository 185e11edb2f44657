"""The demo sets behave like any other dataset."""

from __future__ import annotations

import pytest

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.demo.datamodule import DemoDataModule
from sentiment_transfer.demo.lexicon import LANGUAGES, Language
from sentiment_transfer.errors import UserError


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_demo_set_has_three_named_splits(language: Language) -> None:
    data = DemoDataModule(language, train_size=300)
    assert (data.name, data.language, data.domain, data.classes) == (f"demo_{language}", language, "generated", BINARY)
    sizes = {split: len(data.reviews(split)) for split in ("train", "dev", "test")}
    assert sizes == {"train": 300, "dev": 1000, "test": 2000}
    assert len(set(data.reviews("test").ids)) == 2000


def test_the_rows_do_not_depend_on_the_seed() -> None:
    first, second = DemoDataModule("ja", seed=1), DemoDataModule("ja", seed=2)
    assert first.reviews("test").text_digest() == second.reviews("test").text_digest()


def test_limit_keeps_the_label_shares() -> None:
    counts = DemoDataModule("en", train_size=100, limit=50).reviews("test").label_counts()
    assert sum(counts.values()) == 50 and abs(counts["positive"] - 25) <= 2


def test_another_language_is_refused() -> None:
    with pytest.raises(UserError, match="en, ja, id"):
        DemoDataModule("fr")  # type: ignore[arg-type]


def test_an_empty_training_set_is_refused() -> None:
    with pytest.raises(UserError, match="train_size=0"):
        DemoDataModule("en", train_size=0)
