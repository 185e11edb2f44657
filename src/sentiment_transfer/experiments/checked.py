"""Configuration files of the user's that cannot be read as they are meant, with what to write instead.

Looked through before Hydra composes them: its errors name neither the file nor the line, and some are tracebacks.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigSource
from omegaconf._utils import get_yaml_loader

from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.search_path import group_names
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import sentence_of

GLOBAL = ("experiment", "debug")  # groups whose files set options of a run, not of a group
HEADER = "# @package _global_"
ENDINGS = (".yaml", ".yml")


def refuse_wrong_files(arguments: Sequence[str], folders: Sequence[Path]) -> None:
    """Raise UserError for the first file of a group that ``arguments`` choose and that cannot be read.

    ``folders``: where Hydra looks, in its order. What Hydra itself refuses well is left to it.
    """
    groups = {name for folder in folders if folder.is_dir() for name in group_names(folder)}
    for group, option in _chosen(arguments, groups | {"from_run"}):
        path = _located(group, option, folders)
        if path is None:
            _refuse_name(group, option, folders)
        elif problem := problem_of(path, group, sorted(groups)):
            raise UserError(f"{_short(path)} {problem}")


def problem_of(path: Path, group: str, groups: Sequence[str]) -> str | None:
    """Why a file of ``group`` cannot be read: the rest of a sentence that begins with the file's name."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(sentence_of(error, path)) from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "is UTF-16. Save it as UTF-8."
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return f"is not UTF-8: byte {error.start}, in line {line}. Save it as UTF-8."
    if data.startswith(codecs.BOM_UTF8):
        return "begins with a byte order mark, behind which Hydra misses the header. Save it as UTF-8 without one."
    try:
        content = yaml.load(text, Loader=get_yaml_loader())
    except yaml.YAMLError as error:
        return _yaml_problem(error, text)
    if not text.strip():
        return f"is empty. Begin it with {HEADER}, or copy {_example()}." if group in GLOBAL else None
    if content is not None and not isinstance(content, dict):
        return "holds no options. Write each in a line of its own, as in seed: 1, with a blank behind the colon."
    if group not in GLOBAL:
        return None
    if ConfigSource._get_header_dict(text[:512]).get("package") != "_global_":
        return f"lacks its header, without which nothing in it is an option of a run. Make its first line {HEADER}"
    return _defaults_problem(content or {}, group, path.name.removesuffix(".yaml"), groups)


def sentence_on_yaml(error: yaml.YAMLError) -> str:
    """The sentence for a file that Hydra found by itself, as in another's defaults list."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if mark is None or not os.path.isfile(mark.name):
        return f"A configuration file is not YAML: {error}"
    path = Path(mark.name)
    return f"{_short(path)} {_yaml_problem(error, path.read_text(encoding='utf-8'))}"


def _yaml_problem(error: yaml.YAMLError, text: str) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f"is not YAML: {str(error).splitlines()[0]}."
    line = error.problem_mark.line
    lines = text.splitlines()
    shown = lines[line].expandtabs().strip() if line < len(lines) else ""
    if line < len(lines) and "\t" in lines[line][: len(lines[line]) - len(lines[line].lstrip())]:
        return f"has a tab in line {line + 1}, where YAML wants blanks: indent {shown} with two blanks for each level."
    behind = f" ({shown})" if shown else ""
    return f"is not YAML at line {line + 1}{behind}: {error.problem}."


def _defaults_problem(content: dict[Any, Any], group: str, name: str, groups: Sequence[str]) -> str | None:
    defaults = content.get("defaults", [])
    if not isinstance(defaults, list):
        return "has no list under defaults. Begin each of its lines with a hyphen, as in - override /model: base"
    for entry in defaults:
        if entry in (name, f"/{group}/{name}", f"{group}/{name}"):
            return f"names itself in its defaults list. Take {entry} out of it."
        if isinstance(entry, dict) and len(entry) == 1:
            key, value = str(next(iter(entry))), next(iter(entry.values()))
            words = key.split()
            chosen = words[-1].lstrip("/") if words else ""
            shown = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
            if chosen == group and value == name:
                return f"names itself in its defaults list. Take {key}: {shown} out of it."
            if chosen in groups and (words[0] != "override" or not words[-1].startswith("/")):
                return f"has {key}: {shown} in its defaults list. Write - override /{chosen}: {shown}"
    for key, value in content.items():
        if key in groups and isinstance(value, str | list):
            shown = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
            return f"has {key}: {shown} among its values. Write it in its defaults list: - override /{key}: {shown}"
    return None


def _chosen(arguments: Sequence[str], groups: set[str]) -> Iterator[tuple[str, str]]:
    for argument in arguments:
        if argument.partition("=")[0].lstrip("+") not in groups:
            continue
        try:
            override = OverridesParser.create().parse_override(argument)
            values = list(override.sweep_string_iterator()) if override.is_sweep_override() else [override.value()]
        except (HydraException, ValueError):  # Hydra says what is wrong
            continue
        group = override.key_or_group
        for value in values:
            for option in value if isinstance(value, list) else [value]:
                if option is None or option == "":
                    _refuse_nothing(group, override)
                elif isinstance(option, str):
                    yield group, option


def _refuse_nothing(group: str, override: Override) -> None:
    typed = str(override.input_line)
    if group in (*GLOBAL, "from_run"):
        raise UserError(f"{typed} chooses nothing: leave it out.")
    if typed.endswith("="):
        raise UserError(f"{typed} chooses nothing: type an option of {group} (see --help), or leave it out.")


def _located(group: str, option: str, folders: Sequence[Path]) -> Path | None:
    name = option if option.endswith(".yaml") else f"{option}.yaml"
    paths = (Path(f"{folder}/{group}/{name}") for folder in folders)  # as Hydra joins them, where a name is a path
    return next((path for path in paths if path.is_file()), None)


def _refuse_name(group: str, option: str, folders: Sequence[Path]) -> None:
    if group not in GLOBAL:
        return
    others = (folder / group / f"{option.removesuffix('.yml')}.yml" for folder in folders)
    if other := next((path for path in others if path.is_file()), None):
        raise UserError(f"{group}={option}: {_short(other)} is not read. Rename it to {other.stem}.yaml.")
    typed = Path(option).expanduser()
    if typed.suffix not in ENDINGS or typed.name == option:
        return
    if _located(group, typed.stem, folders) is not None and typed.parent.name == group:
        raise UserError(f"{group}={option} is a path. Type {group}={typed.stem}.")
    if typed.is_file():
        remedy = (
            f"Type 'hydra.searchpath=[{typed.parent.parent}]' {group}={typed.stem}."
            if typed.parent.name == group
            else f"Copy the file to {_short(conf_folder() / group)} and type {group}={typed.stem}."
        )
        raise UserError(f"{group}={option} is a path, and an option of {group} is a name. {remedy}")


def _example() -> str:
    return _short(conf_folder() / "experiment" / "example.yaml")


def _short(path: Path) -> str:
    return min(os.path.relpath(path), str(path), key=len)
