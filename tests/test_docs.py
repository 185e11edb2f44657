"""Names in the documentation exist: files, links, modules, make targets, configuration keys and their choices."""

from __future__ import annotations

import dataclasses
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hydra_plugins.slots_launcher._options import Options
from sentiment_transfer.config.dataset import dataset_called, datasets
from sentiment_transfer.config.logger_options import SHIPPED as LOGGERS
from sentiment_transfer.config.model_options import UlmfitConfig
from sentiment_transfer.config.objective_options import SHIPPED
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.trainer_arguments import ALLOWED

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "sentiment_transfer"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))}
PAGES.pop("CHANGELOG.md")  # history: it names what was removed
GROUPS = ("model", "protocol", "data", "optimizer", "trainer", "logger", "paths", "source", "targets")


def options(schema: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(schema)}


def key_exists(group: str, keys: str) -> bool:
    if group == "trainer" and keys.startswith("extra."):
        return keys.removeprefix("extra.") in ALLOWED
    if group in SHIPPED:
        return any(keys in options(schema) for schema in SHIPPED[group].values())
    if group == "logger" and "." in keys:
        name, _, option = keys.partition(".")
        return name == "mine" or option in options(LOGGERS[name])  # the reader's own
    first, *rest = keys.removeprefix("corpora.").split(".")
    schema = dataset_called(first).config if rest else UlmfitConfig if group == "model" else getattr(Config(), group)
    return (rest or [first])[0] in options(schema)


@pytest.mark.parametrize("page", PAGES)
def test_files_and_modules_exist(page: str) -> None:
    text, folder = PAGES[page], ROOT / "docs" if (ROOT / "docs" / page).exists() else ROOT
    paths = re.findall(r"(?<![\w./>-])((?:src|conf|docs|tests|benchmarks|notebooks)/[\w./*-]*\w)", text)
    paths += re.findall(r"(?<![\w./>-])(\w+/[\w/]+\.(?:py|yaml))\b", text)  # or from the package's folder
    paths = [path for path in paths if not path.endswith("/mine.yaml")]  # the reader's own
    missing = [path for path in paths if not any(any(base.glob(path)) for base in (ROOT, PACKAGE))]
    missing += [link for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text) if not (folder / link).exists()]
    for module, names in re.findall(r"from (sentiment_transfer[\w.]*) import ([\w, ]+)", text):
        missing += [name for name in names.split(", ") if not hasattr(importlib.import_module(module), name)]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    missing += [f"make {each}" for each in re.findall(r"(?:^|`)make ([\w-]+)", text, re.M) if each not in targets]
    assert not missing


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"extending.md"}))  # it adds a dataset: tests/test_extending.py
def test_configuration_keys_and_choices_exist(page: str) -> None:
    # A key is followed by = or is alone between backticks; `model.` is also the prefix of fields of result.json.
    # +optimizer.momentum= is an argument of the user's own class.
    keys = re.findall(rf"(?<![\w./@-])(?<!\+(?=optimizer\.))({'|'.join(GROUPS)})\.([a-z][\w.]*)=", PAGES[page])
    keys += re.findall(rf"`({'|'.join(GROUPS[1:])})\.([a-z][\w.]*)`", PAGES[page])
    unknown = [f"{group}.{name}" for group, name in keys if not key_exists(group, name)]
    unknown += set(re.findall(r"hydra\.launcher\.(\w+)=", PAGES[page])) - options(Options)
    names = {name for dataset in datasets().values() for name in dataset.names}
    for group, values in re.findall(
        r"(?<![\w./])(model|protocol|experiment|source|targets)=([\w,]+)(?![\w./])", PAGES[page]
    ):
        known = {path.stem for path in (ROOT / "conf" / group).glob("*.yaml")} | names | {"mine"}  # the reader's own
        unknown += [f"{group}={value}" for value in values.split(",") if value and value not in known]
    assert not unknown


def test_the_site_builds_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs-material comes with the extra docs")
    build = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
