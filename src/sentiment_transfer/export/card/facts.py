"""Licences of the encoders, and of the datasets as a card states them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentiment_transfer.config.dataset import Dataset, datasets

BUILTIN = "builtin:"
OWN = "Apache-2.0"  # of encoders that this package makes itself
FREE = (OWN, "CC0-1.0")  # licences of data that allow a model trained on it to be passed on under OWN
NOT_STATED = "no licence is stated for it"
NOT_KNOWN = "not known to the program that wrote this card"

# As stated on the Hugging Face hub, by the encoder's name there. None: no licence is stated.
ENCODERS = {
    "intfloat/multilingual-e5-small": "mit",
    "FacebookAI/xlm-roberta-base": "mit",
    "FacebookAI/xlm-roberta-large": "mit",
    "facebook/xlm-roberta-xl": "mit",
    "facebook/xlm-roberta-xxl": "mit",
    "google-bert/bert-base-multilingual-cased": "apache-2.0",
    "indolem/indobert-base-uncased": "mit",
    "indobenchmark/indobert-large-p1": "mit",
    "microsoft/mdeberta-v3-base": "mit",
    "jhu-clsp/mmBERT-base": "mit",
    "microsoft/infoxlm-base": None,
    "cardiffnlp/twitter-xlm-roberta-base": None,
}


def dataset_of_settings(settings: Mapping[str, Any]) -> Dataset:
    """The descriptor of the dataset that a record's configuration ``settings`` belongs to; of an unknown one, csv's."""
    return datasets().get(settings.get("kind", "csv"), datasets()["csv"])


def encoder_licence(encoder: str) -> str:
    """The licence in words: an SPDX-like name, or that none is stated or known."""
    if encoder.startswith(BUILTIN):
        return OWN
    return (ENCODERS[encoder] or NOT_STATED) if encoder in ENCODERS else NOT_KNOWN
