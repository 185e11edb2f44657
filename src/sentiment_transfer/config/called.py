"""Groups whose ``_target_`` chooses the dataclass: ``optimizer``, ``schedule`` and ``loss``.

Those in ``objective_options.SHIPPED`` are typed. For any other target, a class of the user's own, a dataclass is made
of the options that the group has in general and of the keys that were given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sentiment_transfer.config.objective_options import BASES, SHIPPED, Called
from sentiment_transfer.errors import UserError

TARGET = "_target_"


def target_of(schema: type[Called]) -> str:
    """The target that a dataclass has where none is given."""
    default: Any = next(f.default for f in dataclasses.fields(schema) if f.name == TARGET)
    return str(default)


def option_of(group: str, target: str | None) -> str | None:
    """``sgd`` for ``torch.optim.SGD``: the option of a group that has this target; its default for None."""
    return next((name for name, each in SHIPPED[group].items() if target in (None, target_of(each))), None)


def schema_of(group: str, values: Mapping[str, Any]) -> type[Called]:
    """The dataclass for the plain values of a group: by their target, with a field for each key that it lacks."""
    target = values.get(TARGET)
    option = option_of(group, target)
    schema = SHIPPED[group][option] if option else BASES[group]
    known = {f.name for f in dataclasses.fields(schema)}
    if target is None or (option and known >= values.keys()):
        return schema
    return _extended(schema, str(target), tuple(key for key in values if key not in known))


def _extended(schema: type[Called], target: str, keys: tuple[str, ...]) -> type[Called]:
    added: list[Any] = [(TARGET, str, dataclasses.field(default=target))]
    added += [(key, Any, dataclasses.field(default=None)) for key in keys]

    def __reduce__(self: Any) -> tuple[Any, ...]:  # a class that is made here cannot be found by its name
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return _unpickled, (schema, target, keys, values)

    made = dataclasses.make_dataclass(schema.__name__, added, bases=(schema,), namespace={"__reduce__": __reduce__})
    return cast(type[Called], made)


def _unpickled(schema: type[Called], target: str, keys: tuple[str, ...], values: dict[str, Any]) -> Called:
    return _extended(schema, target, keys)(**values)


def typed_group(group: str, node: DictConfig, *, resolve: bool = False) -> DictConfig:
    """A composed group as a structured node, whatever it was made of.

    Where another ``_target_`` was typed over a typed group, the options of that group that were left at their defaults
    are let go. ``resolve``: interpolations replaced by their values.

    Raises UserError for a value of another type.
    """
    values = cast(dict[str, Any], OmegaConf.to_container(node, resolve=resolve))
    composed: Any = OmegaConf.get_type(node)
    target = values.get(TARGET)
    if isinstance(composed, type) and issubclass(composed, Called):
        if target == target_of(composed):
            return node
        base = {f.name for f in dataclasses.fields(BASES[group])}
        for field in dataclasses.fields(composed):
            if field.name not in base and values.get(field.name) == field.default:
                del values[field.name]
    typed = cast(DictConfig, OmegaConf.structured(schema_of(group, values)))
    for key, value in values.items():
        if value == MISSING:
            continue
        try:
            OmegaConf.update(typed, key, value, merge=False)
        except OmegaConfBaseException as error:
            raise UserError(f"{group}.{key}={value} is invalid: {str(error).splitlines()[0]}.") from None
    return typed
