"""Values from Python as options of the command line, which compose the same configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.config.checks import set_option
from sentiment_transfer.errors import UserError

GIVEN_AS_ARGUMENTS = ("model", "source", "targets", "seed", "experiment", "protocol", "logger", "checkpoint", "labels")
KEY = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
BARE = re.compile(r"[A-Za-z_/][\w./-]*", re.ASCII)
READ_OTHERWISE = {"true", "false", "null", "nan", "inf"}  # of Hydra's grammar, in any case
HYDRA = re.compile(r"[+~]*hydra[./]")


class Override(NamedTuple):
    """An option of the command line."""

    key: str  # full name
    value: Any

    @property
    def typed(self) -> str:
        """As typed on the command line. Raises UserError for a value that no option has."""
        return f"{self.key}={as_typed(self.value, self.key)}"


def of_options(options: Mapping[str, Any] | None, arguments: Mapping[str, Any]) -> Iterator[Override]:
    """The overrides of ``options``, {full name: value}.

    Raises UserError for one that is given among the ``arguments`` too, and for one that is no full name.
    """
    if options is not None and not isinstance(options, Mapping):
        raise UserError(f'options={options!r} is no dict of full names: type options={{"trainer.max_epochs": 2}}.')
    for key, value in (options or {}).items():
        if not isinstance(key, str):
            raise UserError(f'options has the key {key!r}: type the full name of an option, "trainer.max_epochs".')
        if arguments.get(key) is not None:
            raise UserError(f"{key} is given twice, as an argument and among the options: leave one out.")
        if HYDRA.match(key):
            raise UserError(
                f"{key} is an option of the command line alone: a run from Python is started by the call. Its folder "
                "is named by paths.output_dir."
            )
        if key in ("source", "targets") and not isinstance(value, str):
            raise UserError(f"options names {key}: give it as an argument, {key}={value!r}.")
        if isinstance(value, Mapping) and "." not in key and key not in GIVEN_AS_ARGUMENTS:
            inside = next(iter(value), "max_epochs")
            raise UserError(
                f'options has a dict for {key}: type full names, options={{"{key}.{inside}": {value.get(inside)!r}}}.'
            )
        yield Override(key, value)


def as_typed(value: Any, key: str) -> str:
    """A value in Hydra's grammar, text in quotes where that needs them. Raises UserError for one that no option has."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a number of numpy's
        value = value.item()
    if value is None:
        return "null"
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        return text if isinstance(text, str) and _is_bare(text) else quoted(text, key)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(as_typed(each, key) for each in value)}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{name}:{as_typed(each, key)}' for name, each in value.items())}}}"
    raise UserError(
        f"{key}={value!r} is of a type that no option takes ({type(value).__name__}): give a text, a number, True or "
        "False, None, or a list or dict of these."
    )


def quoted(text: str | bytes, key: str) -> str:
    """A text in double quotes, whatever it holds."""
    if isinstance(text, bytes):
        raise UserError(f"{key}={text!r} is bytes, where text is expected: decode it.")
    inside = re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + ('\\"' if found[2] else ""), text)
    return f'"{inside}"'


def _is_bare(text: str) -> bool:
    return BARE.fullmatch(text) is not None and text.lower() not in READ_OTHERWISE


def is_typable(value: Any) -> bool:
    """Whether Hydra's grammar can express a value: it takes plain names alone as the keys of a mapping."""
    if isinstance(value, Mapping):
        return all(_is_plain(key) and is_typable(each) for key, each in value.items())
    return all(map(is_typable, value)) if isinstance(value, list | tuple) else True


def _is_plain(key: Any) -> bool:
    if isinstance(key, str):
        return KEY.fullmatch(key) is not None and key.lower() not in READ_OTHERWISE
    return isinstance(key, int) and not isinstance(key, bool)


def set_untypable(config: DictConfig, overrides: list[Override]) -> None:
    """Set what was left out while ``config`` was composed. Raises UserError where it has no such option."""
    for key, value in overrides:
        where, _, name = key.rpartition(".")
        node = OmegaConf.select(config, where) if where else config
        if not isinstance(node, DictConfig):
            raise UserError(f"{key} is not an option of this configuration: there is no {where}.")
        set_option(node, where, name, value)
