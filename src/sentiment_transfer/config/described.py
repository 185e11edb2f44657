"""Every option of a composed configuration with its value, its bounds and its comment."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args, get_type_hints

from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.config.checks import allowed
from sentiment_transfer.config.comments import field_comments

HIDDEN = ("_target_", "kind")  # which the choice in a group sets
FROM_ENVIRONMENT = re.compile(r'\$\{oc\.env:(\w+),"?([^"}]*)"?\}')


@dataclass(frozen=True)
class Option:
    name: str  # trainer.max_epochs
    value: str  # as typed on the command line; ... where there is none
    text: str  # its bounds and its comment

    @property
    def group(self) -> str:
        """Empty for an option in no group."""
        return self.name.partition(".")[0] if "." in self.name else ""


def options_of(node: DictConfig, schema: type[Any], where: str = "") -> Iterator[Option]:
    """The options of ``node``, which is an instance of ``schema``; ``where`` is put in front of their names."""
    hints, comments = get_type_hints(schema, include_extras=True), field_comments(schema)
    plain: dict[str, Any] = OmegaConf.to_container(node, resolve=False)  # type: ignore[assignment]
    for field in dataclasses.fields(schema):
        name = f"{where}.{field.name}".removeprefix(".")
        if field.name in HIDDEN or field.name not in plain:
            continue
        value = plain[field.name]
        below: Any = node._get_node(field.name)
        inside = schema_of(below)
        if inside is not None:
            yield from options_of(below, inside, name)
        elif isinstance(below, DictConfig) and (several := {str(k): schema_of(below._get_node(k)) for k in below}):
            for key, each in several.items():
                if each is not None:
                    yield from options_of(below[key], each, f"{name}.{key}")
        else:
            hint = hints[field.name]
            parts = (_choices(hint), re.sub(r"(?<!\.)\.$", "", comments.get(field.name, "")))
            yield Option(name, *_shown(value, "; ".join(filter(None, parts))))


def schema_of(node: Any) -> type[Any] | None:
    """The dataclass that a node was made from; None where it was made from none."""
    if not isinstance(node, DictConfig) or node._is_none() or node._is_missing():
        return None
    kind = OmegaConf.get_type(node)
    return kind if dataclasses.is_dataclass(kind) and isinstance(kind, type) else None


def _shown(value: Any, text: str) -> tuple[str, str]:
    if value == "???":
        return "...", f"{text}; required"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value], text
    if isinstance(value, Enum):
        return value.name, text
    if isinstance(value, str) and (found := FROM_ENVIRONMENT.fullmatch(value)):
        return found[2], f"{text}; by default ${found[1]}, if set"
    if isinstance(value, str) and "\n" in value:
        return json.dumps(value, ensure_ascii=False), text
    return str(value), text


def _choices(hint: Any) -> str:
    """``integer >= 1``, ``auto, ddp or fsdp``; empty for a text, a list and what is true or false."""
    metadata = getattr(hint, "__metadata__", ())
    kinds = [kind for kind in (get_args(hint) if not metadata else get_args(hint)[:1]) for kind in _flat(kind)]
    kinds = kinds or [hint]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _one_of([each.name for each in kind])
    text = allowed(metadata)
    if text.startswith("one of "):
        return _one_of(text.removeprefix("one of ").split(", "))
    number = next((word for kind, word in ((int, "integer"), (float, "number")) if kind in kinds), "")
    return f"{number} {text}".strip() if str not in kinds else ""


def _flat(kind: Any) -> tuple[Any, ...]:
    return tuple(each for each in get_args(kind) if each is not type(None)) or (kind,)


def _one_of(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
