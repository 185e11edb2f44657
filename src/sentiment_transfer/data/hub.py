"""Datasets from the Hugging Face hub as Arrow tables, with every way this fails turned into a sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import pyarrow as pa

from sentiment_transfer.errors import UserError


def load_table(
    repository: str,
    split: str,
    columns: Sequence[str],
    *,
    config: str | None = None,
    revision: str | None = None,
    instead: str,
) -> pa.Table:
    """Columns of one split of a hub dataset; downloaded once into the hub's own cache (HF_HOME).

    Args:
        instead: a sentence that says which local files would do as well, for the error.

    Raises UserError: no network, offline mode, a repository or file that is gone, a server error, a download
    that broke off, a missing split or column.
    """
    import datasets

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        dataset = datasets.load_dataset(repository, config, revision=revision, split=split)
    except Exception as error:  # datasets, huggingface_hub, its HTTP client and the parsers raise some twenty kinds
        raise UserError(
            f"The dataset {repository} could not be loaded from the Hugging Face hub: {reason_of(error)}. {instead}"
        ) from error
    if missing := [name for name in columns if name not in dataset.column_names]:
        raise UserError(
            f"The dataset {repository} on the Hugging Face hub has no column {missing[0]!r}; it has "
            f"{', '.join(dataset.column_names)}. {instead}"
        )
    return dataset.select_columns(list(columns)).with_format("arrow")[:]


def reason_of(error: BaseException) -> str:
    """Why a hub call failed, in words: from the first of the chained exceptions that says it."""
    import datasets

    if datasets.config.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set and the dataset is not in the cache (unset it to download)"
    for link in chain_of(error):
        name = type(link).__name__
        status = getattr(getattr(link, "response", None), "status_code", None)
        if status is not None and status >= 500:
            return f"the hub answered {status} (try again later)"
        if status == 404 or name in ("DatasetNotFoundError", "RepositoryNotFoundError", "RemoteEntryNotFoundError"):
            return "it is not there (404): withdrawn, renamed or private"
        if name == "RemoteProtocolError" or "Consistency check failed" in str(link):
            return "the download broke off (run the same command again to continue it)"
        if name in ("ConnectError", "ConnectTimeout", "ReadTimeout", "ProxyError") or isinstance(link, ConnectionError):
            return "no connection (check the network)"
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from, innermost first: the cause says more than its wrapping."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        seen.append(link)
        link = link.__cause__ or link.__context__
    return reversed(seen)
