"""Datasets from the Hugging Face hub as Arrow tables, with every way this fails turned into a sentence."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pyarrow as pa

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.hub_errors import hub_reason


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

    from sentiment_transfer.files.hub_client import limit_the_hub

    limit_the_hub()
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        dataset = datasets.load_dataset(repository, config, revision=revision, split=split)
    except Exception as error:  # datasets, huggingface_hub, its HTTP client and the parsers raise some twenty kinds
        raise UserError(
            f"The dataset {repository} could not be loaded from the Hugging Face hub: {hub_reason(error)}. {instead}"
        ) from error
    if missing := [name for name in columns if name not in dataset.column_names]:
        raise UserError(
            f"The dataset {repository} on the Hugging Face hub has no column {missing[0]!r}; it has "
            f"{', '.join(dataset.column_names)}. {instead}"
        )
    return dataset.select_columns(list(columns)).with_format("arrow")[:]
