"""Shared by the jobs of a sweep: a process of each slot does this once, and forks for every job (docs/launcher.md)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sentiment_transfer.composing import composed
from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.schema import Config
from sentiment_transfer.errors import UserError
from sentiment_transfer.startup import import_lightning, let_threads_wait_briefly


def preload(arguments: Sequence[str]) -> None:
    """Import what a run imports, and read the tokenizer that the run with these command line ``arguments`` uses.

    Nothing is computed: threads that OpenMP starts do not survive a fork. What is wrong with the run, it says itself.
    """
    let_threads_wait_briefly()
    import_lightning()
    import sentiment_transfer.cli
    import sentiment_transfer.runs.train  # noqa: F401

    with suppress(UserError):
        overrides = [a for a in arguments if "=" in a and not a.startswith(("hydra.", "hydra/", "-"))]
        read_tokenizer(validate(composed("config", overrides)))


def read_tokenizer(config: Config) -> None:
    """The tokenizer and the architecture's module of a pretrained encoder; a learnt tokenizer is the run's own."""
    from transformers import AutoModelForSequenceClassification

    from sentiment_transfer.model.configuration import read_config
    from sentiment_transfer.model.network import INSTEAD
    from sentiment_transfer.model.tokenizer import BUILTIN, load_tokenizer
    from sentiment_transfer.runs.classifier import encoder_of

    encoder = encoder_of(config)
    if not encoder.startswith(BUILTIN):
        load_tokenizer(encoder, tokenizer=config.model.tokenizer, revision=config.model.revision)
        kind = type(read_config(encoder, config.model.revision, INSTEAD))
        AutoModelForSequenceClassification._model_mapping[kind]
