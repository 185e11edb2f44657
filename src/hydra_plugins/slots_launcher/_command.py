"""The command line of a job, and the one that runs just some jobs again."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, OmegaConf

# What the sweep's command says about the sweep, not about its jobs.
NOT_FOR_JOBS = re.compile(r"[+~]*hydra[./](launcher|sweeper|sweep|mode|run\.dir)\b")
# Names that Hydra's grammar takes for text as they are: null, true, inf and the like it does not.
PLAIN = re.compile(r"(?!(?:null|true|false|inf|nan)$)[A-Za-z_][\w.+-]*", re.IGNORECASE)
ONLY = re.compile(r"[+]*hydra\.launcher\.only=")


@dataclass(frozen=True)
class Program:
    """How a job is started, where ``sys.argv`` does not say it: a command whose first argument is a verb, for one."""

    arguments: tuple[str, ...]  # after the interpreter, before the overrides
    shown: tuple[str, ...]  # what a user types for it


_told: list[Program] = []


def started_by(program: Program) -> None:
    """A program says, before ``hydra.main``'s function, how its jobs are started."""
    _told[:] = [program]


def program() -> list[str]:
    """``python train.py`` or ``python -m package.module``, as this process was started, or as it was told."""
    if _told:
        return [sys.executable, *_told[0].arguments]
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name:
        return [sys.executable, "-m", spec.name.removesuffix(".__main__")]
    return [sys.executable, sys.argv[0]]


def job_command(config: DictConfig, overrides: Iterable[str], number: int, folder: Path) -> list[str]:
    """A plain run, without ``-m``: what a job starts by itself (the ranks of DDP, say) is no second sweep."""
    given = get_args_parser().parse_args(sys.argv[1:])
    command = program()
    for option in ("config_path", "config_name", "config_dir"):
        if (value := getattr(given, option)) is not None:
            command += ["--" + option.replace("_", "-"), value]
    hydra = OmegaConf.to_container(config.hydra.overrides.hydra)
    assert isinstance(hydra, list)
    command += [override for override in map(str, hydra) if not NOT_FOR_JOBS.match(override)]
    command += overrides
    return [*command, f"hydra.job.num={number}", f"hydra.run.dir={quoted(str(folder))}"]


def quoted(text: str) -> str:
    """A value for Hydra's grammar, in which = and , and blanks mean something."""
    return QuotedString(text, Quote.single).with_quotes()


def again(names: Sequence[str]) -> str:
    """The command that runs just the jobs in these directories, for a shell."""
    arguments = [argument for argument in sys.argv[1:] if not ONLY.match(argument)]
    listed = ",".join(name if PLAIN.fullmatch(name) else quoted(name) for name in names)
    start = _told[0].shown if _told else ["python", *program()[1:]]
    return shlex.join([*start, *arguments, f"hydra.launcher.only=[{listed}]"])
