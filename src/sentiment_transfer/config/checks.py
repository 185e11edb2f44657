"""From a composed configuration to its dataclasses, with every complaint about it in one error."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args, get_type_hints

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from typing_extensions import TypeVar

from sentiment_transfer.config.callback_options import SHIPPED as SHIPPED_CALLBACKS
from sentiment_transfer.config.called import TARGET, typed_group
from sentiment_transfer.config.dataset import DatasetConfig, OneOf, source_and_target_problems
from sentiment_transfer.config.logger_options import MOVED, adopt_own_loggers
from sentiment_transfer.config.model_options import UlmfitConfig
from sentiment_transfer.config.objective_options import SHIPPED, LinearConfig
from sentiment_transfer.config.protocol import protocol_problems
from sentiment_transfer.config.schema import ComposedConfig, Config
from sentiment_transfer.config.trainer_arguments import MAX_STEPS
from sentiment_transfer.errors import UserError

T = TypeVar("T", default=Config)
D = TypeVar("D")


def validate(config: DictConfig, schema: type[T] = Config) -> T:  # type: ignore[assignment] # mypy: the default of T
    """A composed configuration as an instance of ``schema``, interpolations resolved.

    Raises:
        UserError: with every complaint, one a line: keys that are missing or unknown; else values that are out of
            bounds, and combinations that are invalid.
    """
    complaints = [*_missing(config)]
    if not complaints:
        config = _typed(config)
        if OmegaConf.get_type(config) is ComposedConfig:
            adopt_own_loggers(config.logger)
        complaints = [*_unknown(config, schema, "")]
    if not complaints:
        settings = _converted(config, schema)
        complaints = [*bound_problems(settings)]
        if isinstance(settings, Config):
            complaints += _run_problems(settings)
    if complaints:
        raise UserError("\n".join(complaints))
    return settings


def dataset_options(schema: type[D], name: str, options: Mapping[str, Any]) -> D:
    """The options of a dataset, or of a callback, given by name; enums may be given by theirs.

    Raises:
        UserError: with every complaint; ``name`` is the dataset's.
    """
    known = [field.name for field in dataclasses.fields(schema)]  # type: ignore[arg-type]
    if unknown := [key for key in options if key not in known]:
        raise UserError(f"{unknown[0]} is not an option of {name}.{suggestion(unknown[0], known)}")
    node = cast(DictConfig, OmegaConf.structured(schema))
    for key, value in options.items():
        set_option(node, name, key, value)
    missing = [f"{name}.{key} is not set." for key in sorted(OmegaConf.missing_keys(node))]
    if complaints := missing or [*bound_problems(config := _converted(node, schema), name)]:
        raise UserError("\n".join(complaints))
    return config


def set_option(node: DictConfig, where: str, key: str, value: Any) -> None:
    """Set an option of a dataset. Raises UserError for a value of another type."""
    try:
        OmegaConf.update(node, key, value, merge=False)
    except OmegaConfBaseException as error:
        raise UserError(f"{where}.{key}={value} is invalid: {str(error).splitlines()[0]}.") from None


def suggestion(key: str, known: list[str]) -> str:
    """``" Did you mean ...?"`` with the nearest known key, else a list of the known ones."""
    # By the last part alone: what stands before it is the same in all of them.
    leaves = {name.rpartition(".")[2]: name for name in known}
    close = difflib.get_close_matches(key.rpartition(".")[2], list(leaves), n=1, cutoff=0.6)
    return f" Did you mean {leaves[close[0]]}?" if close else f" There are: {', '.join(known)}."


def _typed(config: DictConfig) -> DictConfig:
    """With the groups typed that their ``_target_`` types. Raises UserError for a value of another type."""
    if OmegaConf.get_type(config) is not ComposedConfig:
        return config
    config = config.copy()
    for group in SHIPPED:
        config[group] = typed_group(group, config[group])
    return config


def _converted(config: DictConfig, schema: type[T]) -> T:
    try:
        settings = OmegaConf.to_object(config)
        return cast(T, Config(**vars(settings)) if isinstance(settings, ComposedConfig) else settings)
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key or 'The configuration'} is invalid: {str(error).splitlines()[0]}.") from None


def _missing(config: DictConfig) -> Iterator[str]:
    for key in sorted(OmegaConf.missing_keys(config)):
        if not key.startswith("hydra."):
            yield f"{key} is not set: type {key}=... on the command line."


def _unknown(node: DictConfig, schema: type[Any], where: str) -> Iterator[str]:
    """Keys that ``+key=value`` added beside those of the schema."""
    types = {key: kind for key, kind in get_type_hints(schema).items() if key == TARGET or not key.startswith("_")}
    for key in map(str, node):
        name = f"{where}.{key}".removeprefix(".")
        if key == TARGET and TARGET in getattr(schema, "__dataclass_fields__", {}):
            continue
        if name in MOVED:
            yield f"{name} is an option of W&B's logger alone: type {MOVED[name]}={node[key]}"
        elif key not in types:
            group = schema is Config
            kind = "a group of this configuration" if group else "an option"
            yield f"{name} is not {kind}.{suggestion(key, list(types))}"
        elif get_args(types[key])[1:] == (DatasetConfig,):
            for dataset, options in node[key].items():
                yield from _unknown_of_dataset(options, f"{name}.{dataset}", key)
        elif isinstance(node[key], DictConfig):
            own = OmegaConf.get_type(node[key])  # a model may have a schema of its own
            if dataclasses.is_dataclass(own) or dataclasses.is_dataclass(types[key]):
                yield from _unknown(node[key], own if dataclasses.is_dataclass(own) else types[key], name)


def _unknown_of_dataset(options: DictConfig, where: str, group: str) -> Iterator[str]:
    schema: Any = OmegaConf.get_type(options)
    if not (isinstance(schema, type) and issubclass(schema, DatasetConfig)):
        yield f"{where} is not a known dataset: choose one with {group}=..., see --help."
        return
    yield from _unknown(options, schema, where)
    if options.kind != schema.kind:
        yield f"{where}.kind={options.kind} is invalid: {where} is of kind {schema.kind}. Choose another dataset."


def bound_problems(config: Any, where: str = "") -> Iterator[str]:
    """Sentences about the values of a dataclass that its annotations forbid, and about its invalid combinations."""
    hints = get_type_hints(type(config), include_extras=True)
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), f"{where}.{field.name}".removeprefix(".")
        inside = value.items() if isinstance(value, Mapping) else ()
        for key, each in [("", value), *((f".{key}", item) for key, item in inside)]:
            if dataclasses.is_dataclass(each):
                yield from bound_problems(each, name + key)
        if value is not None and (missed := _missed(getattr(hints[field.name], "__metadata__", ()), value)):
            yield f"{name}={value} is invalid: it must be {missed}."
    if hasattr(config, "problems"):
        yield from config.problems(where)


def _missed(metadata: tuple[Any, ...], value: Any) -> str | None:
    """A description of the values that ``metadata`` allows, if ``value`` is none of them."""
    for bound in _bounds(metadata):
        if isinstance(bound, OneOf):
            missed = value not in bound.values
        elif isinstance(bound, Ge | Gt):
            missed = not (value >= bound.ge if isinstance(bound, Ge) else value > bound.gt)
        elif isinstance(bound, Le | Lt):
            missed = not (value <= bound.le if isinstance(bound, Le) else value < bound.lt)
        else:
            missed = False
        if missed:
            text = allowed(metadata)
            kind = "" if text.startswith("one of ") else "an integer " if isinstance(value, int) else "a number "
            return kind + text
    return None


def allowed(metadata: tuple[Any, ...]) -> str:
    """The values that the bounds of an annotation allow: ``>= 1``, ``in [0, 1)``, ``one of a, b``; empty for any."""
    bounds = _bounds(metadata)
    for bound in bounds:
        if isinstance(bound, OneOf):
            return f"one of {', '.join(map(str, bound.values))}"
    lower = next((bound for bound in bounds if isinstance(bound, Ge | Gt)), None)
    upper = next((bound for bound in bounds if isinstance(bound, Le | Lt)), None)
    if lower is None and upper is None:
        return ""
    least: Any = None if lower is None else lower.ge if isinstance(lower, Ge) else lower.gt
    most: Any = None if upper is None else upper.le if isinstance(upper, Le) else upper.lt
    if most is None or most == float("inf"):
        return f"{'>=' if isinstance(lower, Ge) else '>'} {least}"
    return f"in {'[' if isinstance(lower, Ge) else '('}{least}, {most}{']' if isinstance(upper, Le) else ')'}"


def _bounds(metadata: tuple[Any, ...]) -> list[Any]:
    return [bound for each in metadata for bound in (each if isinstance(each, GroupedMetadata) else (each,))]


def _callback_problems(callbacks: Mapping[str, Any]) -> Iterator[str]:
    for name, options in callbacks.items():
        where = f"callbacks.{name}"
        target = options.get(TARGET) if isinstance(options, Mapping) else None
        if not isinstance(target, str):
            yield (
                f"{where} has no {TARGET}, which names a class: choose it with callbacks={name} if there is a file of "
                f"that name in conf/callbacks, or type {where}.{TARGET}=my_module.MyClass."
            )
        elif (schema := SHIPPED_CALLBACKS.get(target)) is not None:
            try:
                dataset_options(schema, where, options)
            except UserError as error:
                yield from str(error).splitlines()


def _run_problems(config: Config) -> Iterator[str]:
    """Sentences about combinations of groups."""
    yield from source_and_target_problems(config.source, config.targets)
    yield from protocol_problems(config)
    yield from _callback_problems(config.callbacks)
    trainer = config.trainer
    if config.logger.wandb is not None and config.logger.wandb.log_model and not trainer.keep_weights:
        yield "logger.wandb.log_model=true uploads weights, and trainer.keep_weights=false deletes them: leave one out."
    if config.model.lora_rank is not None and trainer.strategy == "fsdp" and trainer.average and trainer.max_epochs > 1:
        yield (
            "trainer.average=true is invalid with model.lora_rank and trainer.strategy=fsdp: the mean of the epochs' "
            "adapters has a higher rank, and weights that are sharded keep theirs. Type trainer.average=false."
        )
    if not isinstance(config.model, UlmfitConfig):
        return
    if MAX_STEPS in trainer.extra:
        yield (
            f"trainer.extra.{MAX_STEPS} is invalid with model=ulmfit, which unfreezes by epochs: type "
            "trainer.max_epochs."
        )
    if config.schedule != LinearConfig():
        yield "schedule is invalid with model=ulmfit, whose own are slanted triangles: leave it out."
    if config.optimizer.layer_decay is not None:
        yield (
            f"optimizer.layer_decay={config.optimizer.layer_decay} is invalid with model=ulmfit, where each layer "
            "group has 1/2.6 of the rate above: leave it out."
        )
    if others := [name for name in config.targets if name not in config.source]:
        yield (
            f"model=ulmfit cannot be scored on {', '.join(others)}: it is fully supervised, and its words and its "
            "language model are learnt from the texts it is trained on. Type targets=none, or train on the target."
        )
    if trainer.micro_batch_size not in (None, trainer.batch_size):
        yield (
            f"trainer.micro_batch_size={trainer.micro_batch_size} is invalid with model=ulmfit: its head normalises "
            "over a whole batch. Use a smaller trainer.batch_size."
        )
    if trainer.devices != 1:
        yield (
            f"trainer.devices={trainer.devices} is invalid with model=ulmfit: its language model is trained on one "
            "device. Leave it out."
        )
