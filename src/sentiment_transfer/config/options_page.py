"""The page ``docs/options.md``, from the schema and ``conf/``: ``python -m sentiment_transfer.config.options_page``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.config.choices import dataset_lines, groups_of
from sentiment_transfer.config.dataset import DatasetConfig, datasets
from sentiment_transfer.config.described import Option, options_of, schema_of
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.logger_options import SHIPPED as LOGGERS
from sentiment_transfer.config.model_options import UlmfitConfig
from sentiment_transfer.config.objective_options import SHIPPED
from sentiment_transfer.config.registration import register

PAGE = Path("docs") / "options.md"
HEAD = """# All options

Every option of every command, with its default, its bounds and a line about it. `python train.py --help` shows the same
on the terminal, with the values of the choices beside it (`--help model=ulmfit`); `--cfg job` shows what would run.
This page is written by `make options`.
"""
COMMANDS = {"train": "config", "predict": "predict", "evaluate": "evaluate", "export": "export"}


def page() -> str:
    """The whole page as Markdown."""
    register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return "\n".join([HEAD, *_sections()])


def _sections() -> Iterator[str]:
    for command, name in COMMANDS.items():
        composed = compose(name, return_hydra_config=True)
        yield f"## {command}.py\n"
        if command == "train":
            for group, options in groups_of(composed.hydra.runtime.choices).items():
                yield from _table(f"`{group}=`", ((f"`{key}`", text) for key, text in options.items()))
            yield from _table("`source=`, `targets=`", dataset_lines())
        schema = schema_of(composed)
        assert schema is not None, "every command registers a schema"
        by_group: dict[str, list[Option]] = {}
        for option in options_of(composed, schema):
            if option.group not in ("source", "targets"):
                by_group.setdefault(option.group, []).append(option)
        for options_here in by_group.values():
            yield from _table("option", _rows(options_here))
        if command == "train":
            yield from _others({option.name for each in by_group.values() for option in each})
        elif "targets" in composed:
            yield "`targets=` and the options of datasets are those of train.py.\n"


def _others(listed: set[str]) -> Iterator[str]:
    """Options that come with another choice than the default, and those of the datasets."""
    choices: list[tuple[str, str, type[Any]]] = [
        *((f"{group}={name}", group, each) for group, options in SHIPPED.items() for name, each in options.items()),
        *((f"logger={name}", f"logger.{name}", each) for name, each in LOGGERS.items()),
        ("model=ulmfit", "model", UlmfitConfig),
    ]
    for choice, prefix, schema in choices:
        node: DictConfig = OmegaConf.structured(schema)
        if more := [option for option in options_of(node, schema, prefix) if option.name not in listed]:
            yield from _table(f"with `{choice}`", _rows(more))
    common = list(options_of(OmegaConf.structured(DatasetConfig), DatasetConfig, "targets.NAME"))
    yield "Options of a dataset; `NAME` is its name in the run, and `source.NAME` has the same:\n"
    yield from _table("every dataset", _rows(common))
    for dataset in datasets().values():
        own = [o for o in options_of(OmegaConf.structured(dataset.config), dataset.config, "targets.NAME")]
        if more := [option for option in own if option.name not in {each.name for each in common}]:
            yield from _table(f"with `{dataset.kind}`", _rows(more))


def _rows(options: Iterable[Option]) -> Iterator[tuple[str, str]]:
    return ((f"`{option.name}={option.value}`", option.text) for option in options)


def _table(title: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"| {title} | |\n|---|---|"
    yield from (f"| {left} | {right.replace('|', '&#124;').replace('<', '&lt;')} |" for left, right in rows)
    yield ""


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else PAGE
    target.write_text(page(), encoding="utf-8")
