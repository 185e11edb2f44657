"""What types cannot say of datasets: impossible values and combinations, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.config.datasets import Splits
from sentiment_transfer.config.run_name import plain_node

LANGUAGES = {"amazon": ("en", "ja"), "written": ("en", "ja", "id")}
CUT = ("csv", "uci")  # kinds whose splits are shares of one whole
THREE_CLASSES = ("smsa", "jalan", "csv")


def sets_complaints(config: DictConfig) -> Iterator[str]:
    """Of a run's source and targets together."""
    if not config.source:
        yield "source is empty: name at least one dataset to train on, e.g. source=amazon_en."
    for group in ("source", "targets"):
        seen: dict[str, str] = {}
        for name, dataset in config[group].items():
            where = f"{group}.{name}"
            yield from dataset_complaints(where, dataset)
            content = str(sorted(plain_node(dataset).items()))
            if content in seen:
                yield f"{where} and {group}.{seen[content]} are the same dataset: leave one out."
            seen[content] = str(name)
    for name, dataset in config.source.items():
        if dataset.kind == "indolem" and dataset.fold is None:
            yield f"source.{name}.fold is not set: training needs one fold, e.g. source.{name}.fold=0."
        if dataset.kind in CUT and dataset.test_fraction == 1.0:
            yield f"source.{name}.test_fraction=1.0 leaves nothing to train on: give a share below 1, e.g. 0.1."
        if dataset.kind == "written" and dataset.language != "en":
            yield f"source.{name} has test reviews alone, none to train on: use source=written_en."
        if dataset.kind == "jalan" and dataset.splits == Splits.whole:
            yield f"source.{name}.splits=whole leaves nothing to train on: type source.{name}.splits=published."

    for name in set(config.source) & set(config.targets):
        here, there = config.source[name], config.targets[name]
        if here.kind == "csv" and (here.path, here.language) != (there.path, there.language):
            yield (
                f"source.{name} and targets.{name} are two files under one name, and a score belongs to a name. Give "
                f"the target another: targets=none +dataset@targets.other={name} targets.other.path=..."
            )


def dataset_complaints(where: str, dataset: DictConfig) -> Iterator[str]:
    """Of one dataset, which the configuration calls ``where``."""
    if dataset.limit is not None and dataset.limit < 2:
        yield f"{where}.limit={dataset.limit} cannot be: keep at least 2 rows, or leave it out to keep all."
    allowed = LANGUAGES.get(dataset.kind)
    if allowed and dataset.language not in allowed:
        yield f"{where}.language={dataset.language} is not there: choose one of {', '.join(allowed)}."
    if dataset.kind == "indolem" and dataset.fold not in (None, 0, 1, 2, 3, 4):
        yield f"{where}.fold={dataset.fold} is not there: IndoLEM has the folds 0, 1, 2, 3 and 4."
    if dataset.kind in THREE_CLASSES and dataset.classes not in (2, 3):
        yield f"{where}.classes={dataset.classes} cannot be: 2 (neutral dropped) or 3."
    if dataset.kind == "csv" and dataset.labels is not None and not OmegaConf.is_dict(dataset.labels):
        yield f"{where}.labels={dataset.labels} is no mapping: use {{word: positive, other: negative}}."
    if dataset.kind in CUT:
        for key in ("dev_fraction", "test_fraction"):
            if not 0 <= dataset[key] <= 1:
                yield f"{where}.{key}={dataset[key]} cannot be: give a share from 0 to 1."
        if dataset.test_fraction < 1 and dataset.dev_fraction + dataset.test_fraction >= 1:
            yield f"{where}: dev_fraction and test_fraction leave nothing to train on: let them add up to less than 1."
