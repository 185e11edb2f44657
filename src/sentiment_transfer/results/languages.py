"""Facts about languages (``languages.yaml``) and the typological distance of two of them (``distances.tsv``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sentiment_transfer.files.text import delimited_rows

FILE = Path(__file__).with_name("languages.yaml")
DISTANCES = Path(__file__).with_name("distances.tsv")


@dataclass(frozen=True)
class Language:
    """One entry of ``languages.yaml``.

    Attributes:
        code: ISO 639-1, else 639-3, as in the names of datasets.
        name: in English.
        family: the largest accepted one; ``isolate`` where there is none.
        script: ISO 15924, of the reviews that are usual in it.
        in_xlmr: whether XLM-R was pretrained on it.
        cc100_gib: GiB of that text; None where it was not.
    """

    code: str
    name: str
    family: str
    script: str
    in_xlmr: bool
    cc100_gib: float | None


@cache
def languages() -> dict[str, Language]:
    """Every language of the file by its code, in the file's order."""
    from omegaconf import OmegaConf

    entries: Any = OmegaConf.to_container(OmegaConf.load(FILE))
    return {
        entry["code"]: Language(
            code=entry["code"],
            name=entry["name"],
            family=entry["family"],
            script=entry["script"],
            in_xlmr=entry["cc100"] is not None,
            cc100_gib=entry["cc100"],
        )
        for entry in entries
    }


def language(code: str) -> Language | None:
    """The language with this code; None where nothing is known of it."""
    return languages().get(code)


def typological_distance(source: str, target: str) -> float | None:
    """Cosine distance, 0 to 1, of the two languages' syntactic features in URIEL, the same in both directions.

    0 for equal codes; None where the features of one are not in the file.
    """
    if source == target:
        return 0.0
    return _distances().get((source, target))


@cache
def _distances() -> dict[tuple[str, str], float]:
    table = [row for _, row in delimited_rows(DISTANCES, delimiter="\t", quoted=False, preamble=_preamble())]
    (_, *columns), *rows = table
    return {
        (code, column): float(value) for code, *values in rows for column, value in zip(columns, values, strict=True)
    }


def _preamble() -> int:
    with DISTANCES.open(encoding="utf-8") as lines:
        return sum(line.startswith("#") for line in lines)
