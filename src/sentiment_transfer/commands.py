"""Commands for the user to type, in sentences and help texts: the installed command, or the scripts of a checkout."""

from __future__ import annotations

import shlex
from pathlib import Path

NAME = "sentiment-transfer"
# The build copies conf/ into the package: in a checkout, and in an editable installation, there is none.
INSTALLED = (Path(__file__).resolve().parent / "conf").is_dir()

_as_command: list[bool] = []


def called_as_command() -> None:
    """From now on every sentence of this process names the command, also in a checkout."""
    _as_command.append(True)


def command(verb: str, *arguments: str) -> str:
    """``python train.py seed=1`` or ``sentiment-transfer train seed=1``, quoted for a shell."""
    start = [NAME, verb] if INSTALLED or _as_command else ["python", f"{verb}.py"]
    return shlex.join([*start, *arguments])


def program_name(verb: str) -> str:
    """The program as a usage line names it: ``report.py`` or ``sentiment-transfer report``."""
    return command(verb).removeprefix("python ")


def installing(extra: str) -> str:
    """The command that installs the packages of an extra."""
    return f"pip install '{NAME}[{extra}]'" if INSTALLED else f"pip install -c constraints.txt -e '.[{extra}]'"


def updating() -> str:
    """The command that installs the latest version."""
    return f"pip install --upgrade {NAME}" if INSTALLED else "git pull && make setup"
