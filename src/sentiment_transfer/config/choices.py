"""The groups of a command with their options, each with a line about it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType

from sentiment_transfer.config.comments import file_summary
from sentiment_transfer.config.dataset import datasets


def groups_of(chosen: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Group -> option -> a sentence on it, for the groups that have a choice; called while Hydra composes.

    ``chosen``: ``hydra.runtime.choices``. A dataset is an option of two groups, and listed by ``dataset_lines``.
    """
    loader = GlobalHydra.instance().config_loader()
    paths = [Path(each.path.removeprefix("file://")) for each in loader.get_search_path().get_path() if each.path]
    known = {name for dataset in datasets().values() for name in dataset.names}
    found = {}
    for group in sorted(key for key in chosen if "@" not in key and not key.startswith("hydra")):
        listed = known if group in ("source", "targets") else set()
        options = [name for name in loader.get_group_options(group, ObjectType.CONFIG) if name not in listed]
        if options and options != ["default"]:
            found[group] = {name: _summary(paths, group, name) for name in options}
    return found


def _summary(paths: list[Path], group: str, name: str) -> str:
    files = (path / os.path.join(group, f"{name}.yaml") for path in paths)
    return next((file_summary(file) for file in files if file.is_file()), "")


def dataset_lines() -> Iterator[tuple[str, str]]:
    """The names of each kind of dataset, and what it is."""
    for dataset in datasets().values():
        yield ", ".join(dataset.names), f"{dataset.title}: {dataset.content}"
