"""``from_run=outputs/<run>``: the configuration of a run, repeated or varied.

Hydra asks its sources for ``from_run/<folder>``; the one here answers with a defaults list in which every group is that
of the run, ``model/run:<folder>`` and so on, as it is recorded. So a group that is typed replaces the run's, and the
files of groups and experiments, which may have changed since, are not read.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sentiment_transfer.commands import command, program_name
from sentiment_transfer.config.called import TARGET, option_of
from sentiment_transfer.config.computed_source import ComputedSource, register_source
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.objective_options import BASES, SHIPPED
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.typed import node_of, plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import RESULT_FILE, is_finished, read_result

GROUP = "from_run"
PREFIX = "run:"  # of the option of any other group
SCHEME = "recorded-runs"
COMPOSED = Path(".hydra") / "config.yaml"  # which Hydra writes before a run begins, interpolations as written
WHERE = ("data_dir", "cache_dir")  # of the group paths; where runs are written is the new command's


def is_repeated(option: Any) -> bool:
    """Whether an option of a group is that of a run."""
    return isinstance(option, str) and option.startswith(PREFIX)


def recorded(folder: str) -> DictConfig:
    """The configuration that a run was made with, typed; interpolations as they were written, where that is known.

    Raises:
        UserError: there is no run in ``folder``, or its options are not of this version.
    """
    path = Path(folder).expanduser()
    _refuse_others(path, folder)
    files = [file.stat() for name in (RESULT_FILE, COMPOSED) if (file := path / name).is_file()]
    stamps = tuple((file.st_ino, file.st_mtime_ns, file.st_size) for file in files)
    return copy.deepcopy(_recorded(folder, path.absolute(), stamps))


@functools.lru_cache(maxsize=4)  # read for each group, of which Hydra asks one by one
def _recorded(folder: str, path: Path, stamps: tuple[tuple[int, ...], ...]) -> DictConfig:
    composed = _composed(path)
    if not is_finished(path):
        return node_of(_plain(composed, path))
    result = read_result(path)
    settings = cast(dict[str, Any], result["config"])
    if "evaluated" in settings:
        raise UserError(
            f"{GROUP}={folder} is an evaluation, not a run of {program_name('train')}. Give the folder of the run that "
            f"it scored, or repeat it with {command('evaluate', 'checkpoint=...')}."
        )
    if "averaged" in result["model"]:
        raise UserError(
            f"{GROUP}={folder} is the mean of several runs, which no single command trains: give the folder of one of "
            f"them, {', '.join(result['model']['averaged'])}."
        )
    if "source" not in settings or "model" not in settings:
        raise UserError(f"{GROUP}={folder} was not trained by one configuration: give the folder of one of its runs.")
    return node_of(_with_interpolations(settings, composed, composed))


def _refuse_others(path: Path, typed: str) -> None:
    if is_finished(path) or (path / COMPOSED).is_file():
        return
    if not path.exists():
        folder = path.parent
        names = sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
        close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
        remedy = f"Did you mean {GROUP}={folder / close[0]}?" if close else "Give the folder of a run."
        raise UserError(f"{GROUP}={typed}: there is no folder of that name. {remedy}")
    if not path.is_dir():
        remedy = f"type {GROUP}={path.parent}" if path.name == RESULT_FILE else "give the folder of a run"
        raise UserError(f"{GROUP}={typed} is a file: {remedy}.")
    if (path / "config.json").is_file():
        raise UserError(
            f"{GROUP}={typed} is an exported model, which does not keep the configuration it was trained with: give "
            "the folder of the run that it was exported from."
        )
    inside = sorted(each.name for each in path.iterdir() if is_finished(each) or (each / COMPOSED).is_file())
    remedy = (
        f"Type one of the runs in it, such as {GROUP}={path / inside[0]}." if inside else "Give the folder of a run."
    )
    raise UserError(f"{GROUP}={typed} is no run: it has neither {RESULT_FILE} nor {COMPOSED}. {remedy}")


def _composed(path: Path) -> DictConfig:
    """The file that Hydra wrote; empty where it wrote none, as for runs that were started in a program."""
    file = path / COMPOSED
    if not file.is_file():
        return OmegaConf.create()
    try:
        composed = OmegaConf.create(file.read_text(encoding="utf-8"))
        if isinstance(composed, DictConfig) and composed:
            return composed
        reason = "it is empty"
    except (OSError, UnicodeDecodeError, yaml.YAMLError, OmegaConfBaseException) as error:
        reason = str(getattr(error, "problem", None) or error).splitlines()[0]
    if is_finished(path):
        return OmegaConf.create()
    raise UserError(f"{file} is damaged: {reason}. The run cannot be repeated from it: type its options again.")


def _plain(composed: DictConfig, path: Path) -> dict[str, Any]:
    try:
        settings = cast(dict[str, Any], OmegaConf.to_container(composed, resolve=True))
    except OmegaConfBaseException as error:
        raise UserError(f"{path / COMPOSED} cannot be read: {str(error).splitlines()[0]}.") from None
    if "source" not in settings or "model" not in settings:
        raise UserError(f"{path / COMPOSED} is not the configuration of a run of {program_name('train')}.")
    for group in SHIPPED:
        if isinstance(values := settings.get(group), dict):
            settings[group] = _passed_on(group, values)
    return _with_interpolations(settings, composed, composed)


def _passed_on(group: str, values: dict[str, Any]) -> dict[str, Any]:
    """Without the arguments of an option over which a ``_target_`` was typed: Hydra's file has them as well."""
    if option_of(group, values.get(TARGET)):
        return values
    general = {field.name for field in dataclasses.fields(BASES[group])}
    for schema in SHIPPED[group].values():
        own = {field.name: field.default for field in dataclasses.fields(schema) if field.name not in general}
        if own and own.keys() <= values.keys():
            return {key: value for key, value in values.items() if key not in own or value != own[key]}
    return values


def _with_interpolations(settings: Mapping[str, Any], composed: DictConfig, root: DictConfig) -> dict[str, Any]:
    """``settings`` with ``${...}`` where ``composed`` has one of the same value: it follows what is varied."""
    found = dict(settings)
    for key, value in settings.items():
        if not isinstance(composed, DictConfig) or key not in composed:
            continue
        try:
            if OmegaConf.is_interpolation(composed, key):
                if plain(composed[key]) == value:
                    found[key] = OmegaConf.to_container(composed, resolve=False)[key]  # type: ignore[index,call-overload]
            elif isinstance(value, Mapping) and isinstance(composed[key], DictConfig):
                found[key] = _with_interpolations(value, composed[key], root)
        except OmegaConfBaseException:  # a variable of the environment that is not set here
            continue
    return found


def groups() -> Iterator[str]:
    """The groups of a run's configuration; its other parts are values of their own."""
    for field in dataclasses.fields(Config):
        if field.name != "paths" and (conf_folder() / field.name).is_dir():
            yield field.name


def _whole(folder: str) -> dict[str, Any]:
    run = recorded(folder)
    own = {str(key): run[key] for key in run if key not in {*groups(), "paths"}}
    # Where datasets lie is this machine's, unless it was typed for the run.
    where = OmegaConf.select(_composed(Path(folder).expanduser()), "paths") or {}
    paths = {key: where[key] for key in WHERE if key in where and not OmegaConf.is_interpolation(where, key)}
    defaults = [{f"override /{group}": f"{PREFIX}{folder}"} for group in groups()]
    return {"defaults": [*defaults, "_self_"], **own, "paths": paths, "hydra": {"run": {"dir": "${repeated_in:}"}}}


def repeated_in(root: DictConfig) -> str:
    """The directory of a run that repeats another: that of the other one where nothing is varied."""
    folder, name = str(root.hydra.runtime.choices[GROUP]), run_name(root)
    if run_name(recorded(folder)) == name:
        return str(Path(folder).expanduser())
    return os.path.join(str(root.paths.output_dir), name)


class RecordedRuns(ComputedSource):
    """Hydra's source of ``from_run/<folder>`` and of ``<group>/run:<folder>``."""

    @staticmethod
    def scheme() -> str:
        return SCHEME

    def is_group(self, config_path: str) -> bool:
        return config_path == GROUP

    def is_config(self, config_path: str) -> bool:
        group, _, option = config_path.partition("/")
        # Hydra asks for "None" where nothing is chosen.
        return (group == GROUP and option not in ("", "None")) or is_repeated(option)

    def load_config(self, config_path: str) -> ConfigResult:
        group, _, option = config_path.partition("/")
        if group == GROUP:
            config, package = OmegaConf.create(_whole(option)), "_global_"
        else:
            config, package = recorded(option.removeprefix(PREFIX))[group], group
        return ConfigResult(provider=self.provider, path=self.full_path(), config=config, header={"package": package})


def register_recorded_runs() -> None:
    """Call beside ``registration.register``."""
    register_source(RecordedRuns)
    OmegaConf.register_new_resolver("repeated_in", lambda *, _root_: repeated_in(_root_), replace=True)
