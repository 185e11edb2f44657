"""Between dataclasses and the plain values of a record: ``plain`` and ``from_plain``.

An entry point calls ``checks.validate`` once; below it there are dataclasses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any, cast, get_type_hints

from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from typing_extensions import TypeVar

from sentiment_transfer.config.called import schema_of, typed_group
from sentiment_transfer.config.dataset import VARIABLE, DatasetConfig, datasets
from sentiment_transfer.config.logger_options import LoggerConfig, typed_loggers
from sentiment_transfer.config.logger_record import loggers_of_record, recorded_loggers
from sentiment_transfer.config.model_options import UlmfitConfig
from sentiment_transfer.config.objective_options import SHIPPED
from sentiment_transfer.config.schema import ComposedConfig, Config
from sentiment_transfer.errors import UserError

T = TypeVar("T", default=Config)


def plain(config: Any) -> Any:
    """A dataclass, or a mapping of dataclasses, as plain values, with enums by name; plain values stay as they are.

    Options marked LATER are left out while they have their defaults.
    """
    if isinstance(config, DictConfig):
        values: dict[Any, Any] = {
            key: MISSING if OmegaConf.is_missing(config, key) else plain_group(str(key), config[key]) for key in config
        }
        schema = OmegaConf.get_type(config)
        return without_later(values, Config if schema is ComposedConfig else schema)
    if isinstance(config, ListConfig):
        return [plain(value) for value in config]
    if isinstance(config, LoggerConfig):
        return recorded_loggers(config)
    if dataclasses.is_dataclass(config):
        values = {field.name: plain(getattr(config, field.name)) for field in dataclasses.fields(config)}
        return without_later(values, type(config))
    if isinstance(config, Mapping):
        return {key: plain(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [plain(value) for value in config]
    return config.name if isinstance(config, Enum) else config


def plain_group(key: str, value: Any) -> Any:
    """``plain`` of a group of a configuration: one that is composed of any keys is typed by its target first."""
    if key in SHIPPED and isinstance(value, DictConfig):
        value = typed_group(key, value, resolve=True)
    elif key == "logger" and isinstance(value, DictConfig) and OmegaConf.get_type(value) is LoggerConfig:
        value = typed_loggers(value)
    return plain(value)


def without_later(values: dict[Any, Any], schema: Any) -> dict[Any, Any]:
    """Plain values of a dataclass ``schema`` without its LATER options that have their defaults; all of any other."""
    if not dataclasses.is_dataclass(schema):
        return values
    defaults = {field.name: default_of(field) for field in dataclasses.fields(schema) if field.metadata.get("later")}
    return {key: value for key, value in values.items() if key not in defaults or value != plain(defaults[key])}


def default_of(field: dataclasses.Field[Any]) -> Any:
    """The value that a field has where none is given."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def from_plain(settings: Mapping[str, Any], schema: type[T] = Config) -> T:  # type: ignore[assignment]
    """The dataclass that ``plain`` was called with; ``plain(from_plain(x, schema)) == x`` where ``x`` has every key.

    Keys that are left out have their defaults. A ``kind`` chooses a dataset's dataclass, ``_target_`` an optimiser's.

    Raises:
        UserError: a dataset's kind or a key is unknown, or a value is of another type.
    """
    node = _node(settings, schema, "")
    try:
        return cast(T, OmegaConf.to_object(node))
    except OmegaConfBaseException as error:
        raise UserError(f"The recorded configuration is incomplete: {str(error).splitlines()[0]}.") from None


def node_of(settings: Mapping[str, Any]) -> DictConfig:
    """``from_plain`` of a run's configuration as OmegaConf's node, in which values may be interpolations."""
    return _node(settings, Config, "")


def _node(settings: Mapping[str, Any], schema: type[Any], where: str) -> DictConfig:
    group = where[:-1]
    if schema is DatasetConfig:
        schema = _dataset_schema(settings, where)
    elif group in SHIPPED:
        schema = schema_of(group, settings)
    elif "corpora" in settings:
        schema = UlmfitConfig
    elif schema is LoggerConfig:
        settings = loggers_of_record(settings)
    types: dict[str, Any] = get_type_hints(schema)
    if unknown := [key for key in settings if key not in types]:
        raise UserError(
            f"{where}{unknown[0]} in the recorded configuration is not an option of this version. "
            "Use the version that the run was made with, or repeat the run."
        )
    node = OmegaConf.structured(schema)
    for key, value in settings.items():
        if isinstance(value, Mapping) and key in ("source", "targets", "corpora"):
            value = {name: _node(each, DatasetConfig, f"{where}{key}.{name}.") for name, each in value.items()}
        elif isinstance(value, Mapping) and dataclasses.is_dataclass(types[key]):
            value = _node(value, types[key], f"{where}{key}.")
        try:
            OmegaConf.update(node, key, value, merge=False)
        except OmegaConfBaseException as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{where}{key}={value} in the recorded configuration is invalid: {reason}.") from None
    return cast(DictConfig, node)


def _dataset_schema(settings: Mapping[str, Any], where: str) -> type[DatasetConfig]:
    kind = str(settings.get("kind"))
    if kind not in datasets():
        raise UserError(
            f"{where}kind={kind} in the recorded configuration is not a kind of dataset that is registered here. "
            f"There are: {', '.join(datasets())}. Others come from the modules that {VARIABLE} names."
        )
    return datasets()[kind].config
