"""Reviews in two languages with training and development rows, which the written sets of these lack."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

THINGS = {
    "ja": ("部屋", "食事", "画面", "電池", "音楽", "脚本", "朝食", "操作", "値段", "店員"),
    "id": ("kamar", "makanan", "layar", "baterai", "musik", "cerita", "sarapan", "tombol", "harga", "pelayan"),
}
WORDS = {
    "ja": {"positive": ("最高", "快適", "綺麗", "見事"), "negative": ("最悪", "不快", "退屈", "残念")},
    "id": {"positive": ("bagus", "nyaman", "bersih", "hebat"), "negative": ("buruk", "kotor", "membosankan", "rusak")},
}
FRAMES = {
    "ja": (
        "{}は{}でした。",
        "この{}は{}です。",
        "{}がとても{}だった。",
        "思ったより{}が{}でした。",
        "{}は{}だ。",
    ),
    "id": ("{} ini {}.", "{} di sini sangat {}.", "Menurut saya {} itu {}.", "Ternyata {} {} sekali.", "{} tetap {}."),
}


def distant(language: str, *options: str, group: str = "targets") -> tuple[str, ...]:
    """Overrides that add ``far_ja`` or ``far_id`` to a group: 200 reviews to train on, 100 each for the other splits.

    ``options`` are more of the dataset's, such as ``limit=20``.
    """
    name = f"far_{language}"
    given = (f"path={_file(language)}", f"language={language}", "dev_fraction=0.25", "test_fraction=0.25", *options)
    return (f"+dataset@{group}.{name}=csv", *(f"{group}.{name}.{option}" for option in given))


def _file(language: str) -> Path:
    """The file, written where it is not there yet."""
    path = Path(os.environ["SENTIMENT_CACHE_DIR"]) / f"far_{language}.tsv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\tlabel\n" + "".join(_lines(language)), encoding="utf-8")
    return path


def _lines(language: str) -> list[str]:
    return [
        f"{frame.format(thing, word)}\t{label}\n"
        for frame, thing in itertools.product(FRAMES[language], THINGS[language])
        for label, words in WORDS[language].items()
        for word in words
    ]
