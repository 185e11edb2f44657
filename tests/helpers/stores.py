"""Token stores in tests: what is tokenised, and what a store is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.tokens import ARRAYS, TokenStore

TEXTS = [
    "The room was clean and the staff were very kind.",
    "",
    "   \n\t ",
    "部屋がとても綺麗で、スタッフも親切でした。",
    "kamarnya bersih, tapi sarapannya tidak enak \U0001f62d\U0001f62d",
    "half of an emoji: \ud83d",
    "nul \0 and bell \a",
    "ﾊﾝｶｸ ＡＢＣ مرحبا",
    "word " * 300,
    "良" * 500,
]


def reviews(texts: list[str]) -> Reviews:
    return Reviews.from_columns([str(i) for i in range(len(texts))], texts, [0] * len(texts), language="en", domain="x")


def same(one: TokenStore, other: TokenStore) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)


def folder_of(cache: Path) -> Path:
    (folder,) = [path for path in (cache / "tokens").iterdir() if path.is_dir()]
    return folder


def never(*_: Any) -> Any:
    raise AssertionError("tokenised again")
