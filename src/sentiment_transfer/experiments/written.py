"""A command line as an experiment file: its options of every group, and the values that differ from theirs.

Hydra's own ``--cfg job`` cannot be read again: without a defaults list, its datasets would come on top of the default
ones. All values of a command would be read again, but fix what another option should bring: ``experiment=mine
model=large`` would train the large model at the rate of the small one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.defaults_list import DefaultsList
from hydra.core.config_store import ConfigStore
from hydra.core.default_element import GroupDefault
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sentiment_transfer.config.called import TARGET, option_of, target_of, typed_group
from sentiment_transfer.config.dataset import datasets
from sentiment_transfer.config.objective_options import SHIPPED, Called
from sentiment_transfer.config.overrides import in_quotes
from sentiment_transfer.config.own_files import GROUPS as OF_DATASETS
from sentiment_transfer.config.schema import Config
from sentiment_transfer.errors import UserError, without_credentials
from sentiment_transfer.experiments.repeated import GROUP, is_repeated

EXPERIMENT = "experiment"
LEFT_OUT = (EXPERIMENT, GROUP)  # what they set is among the values
HEADER = "# @package _global_"
CHECKED = "_read_again_"  # the name under which a file is composed before it is written
ABSENT = object()


class NotWritable(UserError):
    """No experiment file can say what a command does."""


def written(
    loader: ConfigLoaderImpl, config_name: str, overrides: Sequence[str], command: str, *, all_values: bool = False
) -> str:
    """The experiment file of a command: ``experiment=<its name>`` is the run of ``overrides``, a sweep of its sweep.

    ``command``: as typed, for the file's comment. ``all_values``: with the remaining values as comments.

    Raises:
        NotWritable: no experiment file can say the same, as for a key that was deleted.
        HydraException: the overrides themselves are wrong.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    fixed = [str(each.input_line) for each in parsed if not each.is_sweep_override()]
    hydras = [str(each.input_line) for each in parsed if each.is_hydra_override() and not each.is_sweep_override()]
    composed = loader.load_configuration(config_name, fixed, RunMode.RUN)
    wanted = _values(composed)

    def read(text: str) -> dict[str, Any]:
        return _read(loader, config_name, hydras, text)

    choices = _Choices(loader, config_name, fixed)
    listed = choices.listed(composed)
    alone = read(_text(listed, {}))
    if other := [group for group in OF_DATASETS if set(alone[group] or {}) != set(wanted[group] or {})]:
        listed = choices.listed(composed, by_name=other)
        alone = read(_text(listed, {}))
    values = differing(alone, wanted)
    if read(_text(listed, values)) != wanted:
        missed = next(iter(differing(wanted, read(_text(listed, values)))), "a key that it deletes")
        raise NotWritable(
            f"No experiment file can say what this command does: {missed} would differ. Leave out what deletes or "
            "replaces it."
        )
    if sweep := _swept(composed, parsed):
        values |= {"hydra": {"sweeper": {"params": sweep}}}
    comments = [HEADER, f"# {_line(without_credentials(command))}"]
    rest = _commented(differing(values, wanted)) if all_values else ""
    return "\n".join(comments) + "\n" + _text(listed, values) + rest


class _Choices:
    """The options of groups that a command chooses, wherever it does: by name, in an experiment, in debug=..."""

    def __init__(self, loader: ConfigLoaderImpl, config_name: str, overrides: list[str]) -> None:
        result: DefaultsList = loader.compute_defaults_list(config_name, overrides, RunMode.RUN)
        self.overrides = result.overrides
        primary = loader.repository.load_config(config_name)
        assert primary is not None
        self.defaults: dict[str, Any] = {}  # group -> the option that the program's own defaults list has
        for default in primary.defaults_list or ():
            if isinstance(default, GroupDefault) and not default.is_override():
                default.update_parent("", "")
                self.defaults[default.get_override_key()] = default.value
        if EXPERIMENT not in self.defaults:
            raise NotWritable(f"{config_name}.yaml has no group {EXPERIMENT}, so that a file for it has no use.")
        order = list(self.defaults)
        # An experiment cannot choose what is listed after it; what that has set is among the values.
        before = [key for key in order[: order.index(EXPERIMENT)] if _of_program(key) and key not in LEFT_OUT]
        fields = [field.name for field in dataclasses.fields(Config)]
        self.own = sorted(before, key=lambda key: fields.index(key) if key in fields else len(fields))

    def listed(self, composed: DictConfig, by_name: Sequence[str] = ()) -> list[tuple[str, Any]]:
        """Entries of a defaults list. ``by_name``: groups of datasets whose option is not what the command computes."""
        found = [(f"/{each.get_override_key()}", each.value) for each in self._appended()]
        for group in self.own:
            value = self.overrides.override_choices.get(group, self.defaults[group])
            if group in self.overrides.deletions:
                value = None
            if is_repeated(value):
                value = _named_again(group, composed[group], self.defaults[group])
            if _called_otherwise(composed[group]):
                value = None  # the option's other arguments would be in the way
            if group in by_name:
                value = [_dataset(str(name), each) for name, each in composed[group].items()]
            if value is not None or self.defaults[group] is not None:
                found.append((f"override /{group}", value))
        for key, value in self.overrides.override_choices.items():
            nested = key not in self.defaults and _of_program(key)
            if nested and not any(key.startswith(f"dataset@{group}.") for group in by_name):
                found.append((f"override /{key}", value))
        return found

    def _appended(self) -> Iterator[GroupDefault]:
        for each in self.overrides.append_group_defaults:
            # Datasets of the run are named in its groups, where another source or other targets replace them.
            if not any(each.get_override_key().startswith(f"dataset@{group}.") for group in OF_DATASETS):
                yield each


def _of_program(key: str) -> bool:
    return not key.startswith(("hydra/", "schema@")) and key != "hydra"


def _called_otherwise(node: Any) -> bool:
    """Whether a ``_target_`` was typed over that of the group's option."""
    schema = OmegaConf.get_type(node) if isinstance(node, DictConfig) else None
    return isinstance(schema, type) and issubclass(schema, Called) and node.get(TARGET) != target_of(schema)


def _named_again(group: str, node: Any, default: Any) -> Any:
    """The option that a repeated run's group was most likely made of; what differs from it is among the values."""
    if group in SHIPPED:
        return option_of(group, node.get(TARGET))
    name = node.get("name") if isinstance(node, DictConfig) else None
    return str(getattr(name, "name", name)) if name is not None else default


def _dataset(name: str, node: Any) -> str:
    """A dataset as an element of ``targets=[...]``."""
    dataset = datasets()[str(node.kind)]
    if name in dataset.names:
        return name
    option = next(
        option for option, fixed in dataset.names.items() if all(node.get(key) == value for key, value in fixed.items())
    )
    origin = [f"{key}: {in_quotes(str(node[key]))}" for key in ("path", "repository") if node.get(key) is not None]
    return f"{{{name}: {{{', '.join([f'kind: {option}', *origin])}}}}}"


def _values(composed: DictConfig) -> dict[str, Any]:
    """All but Hydra's node, interpolations as they are written, and no argument that is not passed on."""
    typed = {group: typed_group(group, composed[group]) for group in SHIPPED if group in composed}
    values = cast(dict[str, Any], OmegaConf.to_container(composed, resolve=False, enum_to_str=True))
    values.pop("hydra", None)
    return values | {
        group: OmegaConf.to_container(node, resolve=False, enum_to_str=True) for group, node in typed.items()
    }


def _read(loader: ConfigLoaderImpl, config_name: str, hydras: Sequence[str], text: str) -> dict[str, Any]:
    """The values of ``experiment=<a file with this text>``."""
    store = ConfigStore.instance()
    store.store(group=EXPERIMENT, name=CHECKED, node=OmegaConf.create(text), package="_global_")
    try:
        overrides = [*hydras, f"{EXPERIMENT}={CHECKED}"]
        return _values(loader.load_configuration(config_name, overrides, RunMode.RUN))
    except (HydraException, OmegaConfBaseException) as error:
        lines = str(error.__cause__ or error).splitlines()
        reason = next(line.rstrip(".") for line in [*lines, lines[0]] if not line.endswith(":"))
        raise NotWritable(f"No experiment file can say what this command does: {reason}.") from error
    finally:
        del store.repo[EXPERIMENT][f"{CHECKED}.yaml"]


def differing(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> dict[Any, Any]:
    """The values of ``after`` that ``before`` lacks or has otherwise, nested as there. 1 and 1.0 are not the same."""
    found: dict[Any, Any] = {}
    for key, value in after.items():
        old = before.get(key, ABSENT)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := differing(old, value):
                found[key] = inner
        elif value != "???" and repr(value) != repr(old):
            found[key] = value
    return found


def _swept(composed: DictConfig, parsed: Sequence[Override]) -> dict[str, str]:
    """The sweep's parameters, of an experiment and of the command, which replaces them."""
    params = OmegaConf.select(composed, "hydra.sweeper.params")
    kept = cast(dict[str, Any], OmegaConf.to_container(params)) if isinstance(params, DictConfig) else {}
    fixed = {each.get_key_element() for each in parsed if not each.is_sweep_override()}
    given = {
        each.get_key_element(): str(each.input_line).partition("=")[2] for each in parsed if each.is_sweep_override()
    }
    return {str(key): value for key, value in kept.items() if key not in fixed} | given


def _text(listed: Sequence[tuple[str, Any]], values: Mapping[Any, Any]) -> str:
    entries = "".join(f"  - {key}: {_flow(value)}\n" for key, value in listed)
    text = f"defaults:\n{entries}  - _self_\n"
    return text + ("\n" + OmegaConf.to_yaml(OmegaConf.create(dict(values))) if values else "")


def _flow(value: Any) -> str:
    written = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return written.removesuffix("...\n").strip()


def _commented(values: Mapping[Any, Any]) -> str:
    lines = OmegaConf.to_yaml(OmegaConf.create(dict(values))).splitlines()
    return "\n# All other values, which these options bring. To change one, write it above.\n" + "".join(
        f"# {line}\n" for line in lines
    )


def _line(text: str) -> str:
    return " ".join(text.split("\n"))
