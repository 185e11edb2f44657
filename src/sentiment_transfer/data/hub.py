"""Datasets from the Hugging Face hub as Arrow tables, with every way this fails turned into a sentence."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

import pyarrow as pa

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.hub_errors import hub_reason

if TYPE_CHECKING:
    import datasets

PREPARED = "cache"  # the builder of a dataset that was read before, where the hub does not answer
QUOTE = "'"


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
    with _hub(repository, instead) as datasets:
        dataset = datasets.load_dataset(repository, config, revision=revision, split=split)
    if missing := [name for name in columns if name not in dataset.column_names]:
        raise UserError(
            f"The dataset {repository} on the Hugging Face hub has no column {missing[0]!r}; it has "
            f"{', '.join(dataset.column_names)}. {instead}"
        )
    return dataset.select_columns(list(columns)).with_format("arrow")[:]


def parquet_splits(repository: str, *, config: str | None, revision: str | None, instead: str) -> list[str]:
    """The splits of a hub dataset whose files are Parquet; its rows are not loaded.

    Raises UserError as ``load_table`` does, and where its files are of another kind.
    """
    with _hub(repository, instead) as datasets:
        try:
            builder = datasets.load_dataset_builder(repository, config, revision=revision)
        except ValueError as error:
            if several := re.search(r"name is missing[\s\S]*available configs: \[(.*)\]", str(error)):
                raise UserError(
                    f"The dataset {repository} on the Hugging Face hub has several subsets: "
                    f"{several[1].replace(QUOTE, '')}. Set subset= to one of them."
                ) from None
            raise
    kind = type(builder).__module__.rpartition(".")[2]
    if kind == PREPARED:
        return list(map(str, builder.info.splits or ()))
    if kind != "parquet":
        raise UserError(
            f"The dataset {repository} on the Hugging Face hub is not Parquet but {kind}. Set revision=refs/convert/"
            f"parquet, where the hub keeps its own conversions, or download the files. {instead}"
        )
    return list(map(str, builder.config.data_files or ()))


def load_split(
    repository: str, split: str, *, config: str | None, revision: str | None, instead: str
) -> datasets.Dataset:
    """One split of a hub dataset with all its columns. Raises UserError as ``load_table`` does."""
    with _hub(repository, instead) as datasets:
        return datasets.load_dataset(repository, config, revision=revision, split=split)


@contextmanager
def _hub(repository: str, instead: str) -> Iterator[ModuleType]:
    """The library ``datasets``, within limits; raises UserError for all that it raises."""
    import datasets

    from sentiment_transfer.files.hub_client import limit_the_hub

    limit_the_hub()
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        yield datasets
    except UserError:
        raise
    except Exception as error:  # datasets, huggingface_hub, its HTTP client and the parsers raise some twenty kinds
        raise UserError(
            f"The dataset {repository} could not be loaded from the Hugging Face hub: {hub_reason(error)}. {instead}"
        ) from error
