"""``save_as=mine``: a command as ``conf/experiment/mine.yaml``; and ``--cfg job``, which shows it as such a file."""

from __future__ import annotations

import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import SearchPathException
from hydra.types import RunMode
from omegaconf import OmegaConf, flag_override
from omegaconf.errors import OmegaConfBaseException

from sentiment_transfer.commands import INSTALLED, command
from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.search_path import KEY
from sentiment_transfer.errors import UserError
from sentiment_transfer.experiments.written import EXPERIMENT, NotWritable, written
from sentiment_transfer.files.atomic import write_atomically

OPTION = "save_as"
# What Hydra's grammar takes for a name, and YAML's as well.
NAME = re.compile(r"(?!(?:null|none|true|false|yes|no|on|off|inf|nan)$)[A-Za-z][\w-]*", re.ASCII | re.IGNORECASE)
CONFIG = "config"


def take_name() -> str | None:
    """Take ``save_as=mine`` from the command line: it is no option of a run. Raises UserError for no valid name."""
    pattern = re.compile(rf"\+*{OPTION}=(.*)", re.DOTALL)
    given = [match[1] for match in map(pattern.fullmatch, sys.argv[1:]) if match]
    if not given:
        return None
    sys.argv[1:] = [argument for argument in sys.argv[1:] if not pattern.fullmatch(argument)]
    name = given[-1]
    if not NAME.fullmatch(name):
        stem = name.removesuffix(".yaml").rpartition("/")[2]
        example = stem if NAME.fullmatch(stem) else "mine"
        raise UserError(
            f"{OPTION}={name} is no name for an experiment: use letters, digits, - and _, and a letter first. Type "
            f"{OPTION}={example}."
        )
    return name


def kept_or_shown(arguments: Sequence[str], name: str | None) -> bool:
    """Keep the command as the experiment ``name``, or show it for ``--cfg job``; True where nothing is left to do.

    ``arguments``: of the command line, as Hydra takes them.

    Raises:
        UserError: the command is wrong, no experiment can be made of it, or there is another one of that name.
    """
    given = get_args_parser().parse_args(list(arguments))
    # Hydra's own --resolve and --package show values, which are for reading only.
    shown = given.cfg == "job" and not given.resolve and given.package is None
    asked = given.help or given.hydra_help or given.info or given.shell_completion or (given.cfg and not shown)
    if not shown and (name is None or asked):
        return False
    overrides = [str(override) for override in given.overrides]
    many = given.multirun or "hydra.mode=MULTIRUN" in overrides
    if not many and any(each.is_sweep_override() for each in OverridesParser.create().parse_overrides(overrides)):
        return False  # Hydra says what is wrong
    typed = command("train", *(["-m"] if given.multirun else []), *overrides)
    with _loader(given) as loader:
        config_name = given.config_name or CONFIG
        if name is not None:
            if not many:
                config = loader.load_configuration(config_name, overrides, RunMode.RUN)
                with flag_override(config, ["struct", "readonly"], [False, False]):
                    del config["hydra"]
                validate(config)
            _keep(loader, given, name, written(loader, config_name, overrides, typed), many)
        if not shown:
            return False
        try:
            sys.stdout.write(written(loader, config_name, overrides, typed, all_values=True))
        except NotWritable as reason:
            if many:
                raise
            print(f"note: {reason} Its values follow, for reading only.", file=sys.stderr)
            return False
    return True


@contextmanager
def _loader(given: Namespace) -> Iterator[ConfigLoaderImpl]:
    """Hydra's loader as ``hydra.main`` makes it for these options of the command line."""
    search_path = create_config_search_path(given.config_path or str(conf_folder()))
    if given.config_dir is not None:
        folder = os.path.abspath(given.config_dir)
        if not os.path.isdir(folder):
            raise SearchPathException(f"Additional config directory '{folder}' not found")
        search_path.prepend("command-line", f"file://{folder}", SearchPathQuery(provider="schema"))
    hydra = Hydra.create_main_hydra2("train", search_path)
    assert isinstance(hydra.config_loader, ConfigLoaderImpl)
    try:
        yield hydra.config_loader
    finally:
        GlobalHydra.instance().clear()


def _keep(loader: ConfigLoaderImpl, given: Namespace, name: str, text: str, many: bool) -> None:
    own = Path("conf") if INSTALLED else conf_folder()
    if given.config_path and "://" not in given.config_path:
        own = Path(given.config_path)
    path = own / EXPERIMENT / f"{name}.yaml"
    shown = min(os.path.relpath(path), str(path), key=len)
    beside = [each for each in given.overrides if each.startswith(f"{KEY}=")]  # where its groups' files are
    again = command("train", *(["-m"] if many else []), *beside, f"{EXPERIMENT}={name}")
    if path.exists() or loader.repository.config_exists(f"{EXPERIMENT}/{name}"):
        if not _same(path, text):
            raise UserError(
                f"{OPTION}={name}: there is another experiment of that name, {shown}. Type another name, or remove the "
                "file if it is yours and not needed."
            )
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    # Not on stdout, which may go to a file with --cfg job.
    print(f"Kept in {shown}. To repeat it, type {again}", file=sys.stderr)


def _same(path: Path, text: str) -> bool:
    """Whether a file says what ``text`` does, comments aside."""
    try:
        return bool(OmegaConf.create(path.read_text(encoding="utf-8")) == OmegaConf.create(text))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, OmegaConfBaseException):
        return False
