"""The reason of an error that the Hugging Face libraries raised, in words."""

from __future__ import annotations

import re

NOT_FOUND = {
    *("RepositoryNotFoundError", "RevisionNotFoundError", "EntryNotFoundError", "RemoteEntryNotFoundError"),
    "DatasetNotFoundError",
}
NO_CONNECTION = {"ConnectError", "ConnectTimeout", "ReadTimeout", "ReadError", "ProxyError", "ConnectionError"}
OFFLINE = {"OfflineModeIsEnabled", "LocalEntryNotFoundError"}


def hub_reason(error: BaseException) -> str:
    """Why reading from, or writing to, the Hugging Face hub failed: a clause without a final period.

    All of the chained exceptions are looked at; an HTTP status of the hub says more than what the libraries make of it.
    """
    chain = exception_chain(error)
    text = " ".join(str(link) for link in chain)
    kinds = {type(link).__name__ for link in chain}
    if faults := kinds & {"HubFault", "NoConnection"}:  # of files/hub_client.py
        return next(str(link) for link in chain if type(link).__name__ in faults)
    status = max(getattr(getattr(link, "response", None), "status_code", None) or 0 for link in chain)
    if "SafetensorError" in kinds:
        return "its weights file is damaged or was cut short; delete it from the Hugging Face cache and try again"
    if re.search(r"(no|have a) file named model\.safetensors", text):
        return (
            "it has no safetensors weights, and pickled ones are never loaded; try model.revision=refs/pr/1, where "
            "the hub keeps automatic conversions"
        )
    if status >= 500:
        return f"the hub answered {status}, a server error; try again later"
    if status == 404 or kinds & NOT_FOUND:
        return "the hub has no such repository, revision or file (or it is private); check the spelling"
    if "RemoteProtocolError" in kinds or "Consistency check failed" in text:
        return "the download broke off; the same command continues it"
    if kinds & {*NO_CONNECTION, *OFFLINE} or any(isinstance(link, ConnectionError) for link in chain):
        if _offline():
            return "HF_HUB_OFFLINE is set and it is not in the local Hugging Face cache; unset it to download"
        return "it is not in the local Hugging Face cache and the hub cannot be reached; check the network"
    if "instantiate the backend tokenizer" in text:
        return "its vocabulary file is missing or cannot be fetched now"
    return first_line(error).rstrip(".")


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the name of its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def exception_chain(error: BaseException) -> list[BaseException]:
    """An exception and those that led to it, the outermost first."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _offline() -> bool:
    from huggingface_hub.constants import HF_HUB_OFFLINE

    return bool(HF_HUB_OFFLINE)
