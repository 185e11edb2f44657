"""Overrides as the user types them and as Hydra takes them: own files by name, and quotes that its grammar asks for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.errors import HydraException

from sentiment_transfer.config.dataset import datasets
from sentiment_transfer.config.logger_overrides import refuse_switches
from sentiment_transfer.config.own_files import GROUPS, refuse_repeated, role_options
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.search_path import with_search_path
from sentiment_transfer.config.suggestions import choice_called, option_of
from sentiment_transfer.config.typed_paths import with_quoted_paths

ONLY_QUOTED = re.compile(r"[^\w/\-\\+.$%*@?|: ]", re.ASCII)


# Mappings of any names: Hydra takes new ones with + only.
OPEN = re.compile(r"^((?:trainer\.extra|callbacks\.[\w-]+)\.[\w.-]+=)")
ADDED = re.compile(rf"\+({'|'.join(GROUPS)})\.([\w-]+)\.(\w+)=.*", re.DOTALL)
KIND_OF = {
    "path": "csv",
    "repository": "hub",
}  # the option that only this kind needs -> the option of the group dataset


def adapted(arguments: Sequence[str]) -> list[str]:
    """A command line as Hydra takes it, the same where it takes it already.

    A mapping of datasets (``targets={shop: {path: shop.csv}}``, in a list and a sweep as well) becomes a text, since
    the value of a group is one; ``+targets.shop.path=shop.csv`` adds the dataset itself before its options; and
    ``trainer.extra.profiler=simple`` and ``callbacks.mine.every=2`` get the ``++`` of a new key. The name of a file or
    folder gets the quotes that its characters need, and folders of ``hydra.searchpath`` become absolute. Raises
    UserError for a name that is given twice, a folder of the search path that does not exist, ``logger.wandb=true``.
    """
    refuse_switches(arguments)
    arguments = with_search_path(with_quoted_paths(arguments))
    return _with_datasets([_with_text(OPEN.sub(r"++\1", argument)) for argument in arguments])


def _with_text(argument: str) -> str:
    key, _, value = argument.partition("=")
    if key not in GROUPS or "{" not in value:
        return argument
    try:
        override = OverridesParser.create().parse_override(argument)
    except HydraException:
        return argument  # Hydra's error shows what was typed
    refuse_repeated(key, value)
    given = override._value  # in which a quoted value is still one
    several = given.list if isinstance(given, ChoiceSweep) else [given]
    return f"{key}={','.join(map(_element, several))}"


def _element(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_element, value))}]"
    text = Override._get_value_element_as_str(value)
    return in_quotes(text) if isinstance(value, dict) else text


def _with_datasets(arguments: list[str]) -> list[str]:
    added = [(match[1], match[2], match[3]) for match in map(ADDED.fullmatch, arguments) if match]
    chosen = {argument.partition("=")[0] for argument in arguments}
    new = {
        (group, name): KIND_OF[option]
        for group, name, option in added
        if KIND_OF.get(option) in datasets() and f"+dataset@{group}.{name}" not in chosen
    }
    if not new:
        return arguments
    begun = []
    for (group, name), kind in new.items():
        options = role_options(datasets()[kind], group)
        begun += [
            f"+dataset@{group}.{name}={kind}",
            *(f"{group}.{name}.{key}={value}" for key, value in options.items()),
        ]
    kept = [
        argument[1:] if (match := ADDED.fullmatch(argument)) and (match[1], match[2]) in new else argument
        for argument in arguments
    ]
    first = next(index for index, argument in enumerate(arguments) if ADDED.fullmatch(argument))
    return [*kept[:first], *begun, *kept[first:]]


def refused_override(override: str, command: type[Any] = Config) -> str | None:
    """The sentence for an override that cannot be parsed, with what to type; None where quoting is no remedy.

    ``override``: as typed, e.g. ``input=my reviews (1).csv``; ``command``: the schema of the command's options.
    """
    key, equals, value = override.partition("=")
    if not equals and (given := option_of(override, command)):
        return f"{override} is not an option: options are typed key=value. Type {shlex.quote(f'{given}={override}')}."
    if not equals and (choice := choice_called(override)):
        return f"{override} is not an option: options are typed key=value. Type {choice}."
    if not equals:
        return (
            f"{override} is not an option: options are typed key=value. If it is the end of a value with a space in "
            "it, quote the whole: 'key=\"first second\"'"
        )
    odd = list(dict.fromkeys(ONLY_QUOTED.findall(value)))
    if not odd or value[:1] in "\"'" or not re.fullmatch(r"[+~]{0,2}[\w./@-]+", key):
        return None
    shown = " ".join(odd[:8])
    if value.startswith(("{", "[")):
        return (
            f"{override} is not valid on the command line. In a list or mapping, put values with characters other than "
            "letters, digits and -_./ into double quotes; a key takes ASCII letters, digits, - and _ only, and others "
            "belong into a YAML file."
        )
    return (
        f"{override} is not valid on the command line: a value with {shown} needs double quotes, inside the shell's "
        f"own. Type {quoted(key, value)}"
    )


def ambiguous_override(override: str) -> str:
    """The sentence for a value with commas outside a sweep."""
    key, _, value = override.partition("=")
    if key in GROUPS:
        return (
            f"{override} has a comma: for all of them in one run type {shlex.quote(f'{key}=[{value}]')}, and for a run "
            "with each add -m."
        )
    return (
        f"{override} has a comma, and may be one value or several. For one type {quoted(key, value)}, for a list "
        f"{shlex.quote(f'{key}=[{value}]')}, and for a run with each add -m."
    )


def quoted(key: str, value: str) -> str:
    """``key=value`` as typed in a shell, with ``value`` as one string whatever it holds."""
    return shlex.quote(f"{key}={in_quotes(value)}")


def in_quotes(value: str) -> str:
    inside = re.sub(r'(\\*)"', r'\1\1\\"', value)
    return f'"{inside}"'
