"""What is known of the datasets and encoders themselves: ``facts.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("facts.yaml")
BUILTIN = "builtin:"
OWN = "Apache-2.0"  # of encoders that this package makes itself
FREE = (OWN, "CC0-1.0")  # data that what is learnt from it may be passed on under OWN
NOT_STATED = "no licence is stated for it"
NOT_KNOWN = "not known to the program that wrote this card"


@dataclass(frozen=True)
class DatasetFacts:
    """One dataset as a card names it; ``citation`` is Markdown."""

    title: str
    what: str
    citation: str
    hub: str | None  # the Hugging Face dataset that is read, where it is one
    licence: str
    path: str | None = None  # of these files in runs that read them as a csv dataset


@cache
def _facts() -> dict[str, Any]:
    from omegaconf import OmegaConf

    facts: Any = OmegaConf.to_container(OmegaConf.load(FILE))
    return facts


def dataset_facts(settings: Mapping[str, Any]) -> DatasetFacts:
    """The facts of the set whose part of a run's configuration is ``settings``."""
    entries = _facts()["datasets"]
    kind, path = settings.get("kind", "csv"), settings.get("path")
    if kind == "csv":
        kind = next((other for other, entry in entries.items() if path and entry.get("path") == path), kind)
    return DatasetFacts(**entries.get(kind, entries["csv"]))


def encoder_licence(encoder: str) -> str:
    """Its licence as words: an SPDX-like name, or that none is stated or known."""
    if encoder.startswith(BUILTIN):
        return OWN
    entries = _facts()["encoders"]
    return (entries[encoder] or NOT_STATED) if encoder in entries else NOT_KNOWN
