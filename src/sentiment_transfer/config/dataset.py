"""A dataset as everything but its reader sees it: its configuration, and a descriptor in the registry.

A module that calls ``register_dataset`` adds a dataset (docs/extending.md). The package's own are in
``data/catalog.py``; modules named in SENTIMENT_DATASETS (comma-separated, on PYTHONPATH) are imported as well, in every
process: the variable is inherited by the launcher's, Ray's and SLURM's.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Ge

from sentiment_transfer.errors import UserError

BUILTIN = (
    "sentiment_transfer.data.catalog",
    "sentiment_transfer.data.own_options",
)  # by name: the configuration imports nothing of the rooms above it
VARIABLE = "SENTIMENT_DATASETS"
OWN_KINDS = ("csv", "hub")  # of reviews that the user names: the kind alone does not say which they are
# Options that say which reviews a dataset is, where it has them.
ORIGIN = ("kind", "path", "language", "repository", "subset", "revision")
# Metadata of an option that was added after runs had been named and recorded: left out of both while at its default.
LATER = {"later": True}


@dataclass(frozen=True)
class OneOf:
    """The values that a field may have, beside the bounds of annotated_types."""

    values: tuple[Any, ...]


@dataclass
class DatasetConfig:
    """The options that every dataset has; a subclass adds its own, with bounds as ``Annotated``."""

    kind: str = ""  # of the descriptor; none for a DataModule that is used in a notebook only
    limit: Annotated[int | None, Ge(2)] = None  # rows of each split to keep: a shuffled, stratified, seeded subset

    def problems(self, where: str) -> Iterator[str]:
        """Sentences about combinations of options that are invalid; ``where`` is the name of this configuration."""
        return iter(())

    def untrainable(self, where: str) -> Iterator[str]:
        """Sentences on why these options leave no training split, with what to type; none where there is one."""
        return iter(())


@dataclass(frozen=True)
class Dataset:
    """The descriptor of one kind of dataset: all that is known of it without reading it.

    Attributes:
        config: the dataclass of its options; its default ``kind`` is the descriptor's.
        data_module: ``module:class`` of the DataModule, which is imported only to read reviews.
        title, content, citation (Markdown), licence: for model cards.
        hub: the Hugging Face dataset that is read, if any.
        names: the names on the command line, each with the options that it fixes.
        as_source, as_target: options in one of these roles, where they differ from the defaults.
        train_rows: the expected size of the training split, by which sweeps order their queue.
        headline_metric: the metric that the dataset is quoted by.
    """

    config: type[DatasetConfig]
    data_module: str
    title: str
    content: str
    citation: str
    licence: str
    names: Mapping[str, Mapping[str, Any]]
    hub: str | None = None
    as_source: Mapping[str, Any] = field(default_factory=dict)
    as_target: Mapping[str, Any] = field(default_factory=dict)
    train_rows: int = 10_000
    headline_metric: str = "macro_f1"

    @property
    def kind(self) -> str:
        return self.config().kind


_REGISTRY: dict[str, Dataset] = {}


def register_dataset(dataset: Dataset) -> None:
    """Add a dataset, or replace the one of the same kind.

    Raises:
        UserError: another dataset has one of its names.
    """
    for other in _REGISTRY.values():
        if other.kind != dataset.kind and (taken := [name for name in dataset.names if name in other.names]):
            raise UserError(f"The dataset {dataset.kind} is named {taken[0]}, as {other.kind} is: name it differently.")
    _REGISTRY[dataset.kind] = dataset


@functools.cache
def _load() -> None:
    for module in BUILTIN:
        importlib.import_module(module)
    for module in filter(None, map(str.strip, os.environ.get(VARIABLE, "").split(","))):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise UserError(
                f"{VARIABLE} names the module {module}, which was not found: put its folder on PYTHONPATH."
            ) from None


def datasets() -> Mapping[str, Dataset]:
    """Every registered dataset by its kind."""
    _load()
    return _REGISTRY


def dataset_of(kind: str) -> Dataset:
    """The dataset of this kind. Raises UserError where none is registered."""
    known = datasets()
    if kind not in known:
        raise UserError(
            f"kind={kind} is not a registered dataset. There are: {', '.join(known)}. Others come from the modules "
            f"that {VARIABLE} names."
        )
    return known[kind]


def dataset_called(name: str) -> Dataset:
    """The dataset with this name on the command line; for any other name, the user's own file."""
    return next((dataset for dataset in datasets().values() if name in dataset.names), datasets()["csv"])


def catalogue_name(name: str, settings: Mapping[str, Any]) -> str:
    """The name on the command line of the dataset that a run calls ``name``, by its ``settings`` as plain values.

    The user's own have none but their kind's: with another name they are ``reviews_ja (csv)``, which is no dataset's.
    Where the settings say no kind, as in records that were made by hand, ``name``.
    """
    kind = settings.get("kind")
    if not kind:
        return name
    dataset = datasets().get(str(kind))
    fitting = [
        (len(fixed), known)
        for known, fixed in (dataset.names.items() if dataset else ())
        if all(settings.get(key) == getattr(value, "name", value) for key, value in fixed.items())
    ]
    if kind in OWN_KINDS:
        return name if name == kind else f"{name} ({kind})"
    return max(fitting, default=(0, str(kind)))[1]


def headline_metric(name: str, scores: Container[str], kind: str | None = None) -> str:
    """The metric that a dataset is quoted by, given its scores (or their names).

    ``kind``: of the dataset, where ``name`` need not be one on the command line. IndoLEM's is the mean over folds where
    the scores have it.
    """
    dataset = datasets().get(kind or "") or dataset_called(name)
    metric = dataset.headline_metric
    over_folds = f"{metric}_mean_folds"
    return over_folds if over_folds in scores else metric


def source_and_target_problems(
    source: Mapping[str, DatasetConfig], targets: Mapping[str, DatasetConfig]
) -> Iterator[str]:
    """Sentences about a run's datasets together."""
    if not source:
        yield "source is empty: name at least one dataset to train on, e.g. source=amazon_en."
    for group, configs in (("source", source), ("targets", targets)):
        seen: list[tuple[str, DatasetConfig]] = []
        for name, config in configs.items():
            for earlier in (other for other, same in seen if same == config):
                yield f"{group}.{name} and {group}.{earlier} are the same dataset: leave one out."
            seen.append((name, config))
    for name, config in source.items():
        yield from config.untrainable(f"source.{name}")
    classes = {
        f"{group}.{name}": getattr(config, "classes", 2)
        for group, configs in (("source", source), ("targets", targets))
        for name, config in configs.items()
    }
    if len(set(classes.values())) > 1:
        listed = ", ".join(f"{where} {count}" for where, count in classes.items())
        yield f"All datasets of a run must have the same classes, but they have: {listed}."
    for name in (name for name in source if name in targets):
        here, there = source[name], targets[name]
        if any(getattr(here, key, None) != getattr(there, key, None) for key in ORIGIN):
            needs = "repository" if hasattr(there, "repository") else "path"
            yield (
                f"source.{name} and targets.{name} are two files under one name, and a score belongs to a name. Give "
                f"the target another: targets=none +targets.other.{needs}=... +targets.other.language=..."
            )
