"""What goes wrong while a model or tokenizer is fetched or read, said in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentiment_transfer.errors import UserError


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


def _sentence(what: str, name: str, instead: str, error: Exception) -> str:
    chain = _chain(error)
    text = " ".join(str(link) for link in chain)
    kinds = {type(link).__name__ for link in chain}
    if Path(name).expanduser().is_dir():
        return f"The {what} in the folder {name} cannot be read: {_first_line(error)}"
    if name.startswith(("/", "./", "../", "~")):
        return f"The {what} folder {name} does not exist."
    if "SafetensorError" in kinds:
        reason = "its weights file is damaged or was cut short; delete it from the Hugging Face cache and try again"
    elif "no file named model.safetensors" in text or "does not appear to have a file named model.safetensors" in text:
        reason = "it has no safetensors weights, and pickled ones are never loaded; try model.revision=refs/pr/1, "
        reason += "where the hub keeps automatic conversions"
    elif re.search(r"RepositoryNotFound|EntryNotFound|RevisionNotFound", " ".join(kinds)) or "404" in text:
        reason = "the hub has no such repository, revision or file (or it is private); check the spelling"
    elif re.search(r"\b5\d\d\b", text):
        reason = "the hub answered with an error of its own; try again later"
    elif re.search(r"Connect|Offline|Timeout|LocalEntryNotFound|ReadError|ProtocolError", " ".join(kinds)) or (
        "connect" in text.lower()
    ):
        reason = "it is not in the local Hugging Face cache and the hub cannot be reached; check the network"
    else:
        reason = _first_line(error).rstrip(".")
    return f"The {what} {name} cannot be loaded: {reason}. To use a copy on disk, type {instead}."


def _chain(error: BaseException) -> list[BaseException]:
    links = [error]
    while (following := links[-1].__cause__ or links[-1].__context__) is not None and len(links) < 12:
        links.append(following)
    return links


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
