"""The user's own files as options of ``source`` and ``targets``: ``targets=[smsa_id,shop/reviews.ja.csv]``.

Hydra asks its sources for ``targets/<value>``; the one here answers for a file, by its ending, and for a mapping
written out as text, ``{shop: {path: reviews.csv, language: ja}}``. ``config/overrides.py`` quotes a mapping that is
typed on the command line. Both give the configuration that ``targets=csv targets.csv.path=...`` gives, under a name of
its own.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf

from sentiment_transfer.config.checks import set_option, suggestion
from sentiment_transfer.config.computed_source import ComputedSource, register_source
from sentiment_transfer.config.dataset import Dataset, dataset_of, datasets
from sentiment_transfer.errors import UserError

GROUPS = ("source", "targets")
SCHEME = "own-files"
FILES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")  # which the reader refuses, with what to save instead
PACKED = (".gz", ".xz", ".bz2", ".zst", ".zip")
ENDING = re.compile(
    rf"({'|'.join(map(re.escape, FILES + WORKBOOKS))})({'|'.join(map(re.escape, PACKED))})?", re.IGNORECASE
)
NAME = re.compile(r"\w[\w-]*")
# ISO 639-1
LANGUAGES = frozenset(
    re.findall(
        r"\w\w",
        """
        aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el
        en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu
        ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na
        nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so
        sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
        """,
    )
)


def is_own(value: str) -> bool:
    """Whether the value of ``source`` or ``targets`` is a file or a mapping, not the name of an option."""
    return value.startswith("{") or _ending(value) is not None


def named(group: str, value: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The datasets that such a value names: name -> option of the group ``dataset``, and the options given for it.

    Raises UserError for an option that does not exist, and for a name that is missing, invalid or given twice.
    """
    if not value.startswith("{"):
        name = _name_of(group, value)
        return {name: _option(group, name, {"path": value})}
    refuse_repeated(group, value)
    made = {}
    for name, given in mapping_of(group, value).items():
        name = str(name)
        if not NAME.fullmatch(name):
            raise UserError(
                f"{group}: {name} is no name for a dataset. Use letters, digits, dashes and underscores, such as "
                f"{_valid(name) or 'shop_ja'}."
            )
        options = {"path": given} if isinstance(given, str) else given or {}
        if not isinstance(options, Mapping):
            raise UserError(f"{group}.{name}={given} is neither a file nor its options. Type {_example(group, name)}.")
        made[name] = _option(group, name, dict(options))
    return made


def mapping_of(group: str, text: str) -> dict[Any, Any]:
    """The mapping that ``text`` writes in Hydra's grammar. Raises UserError where it is none, or has a key twice."""
    try:
        value = OverridesParser.create().parse_override(f"{group}={text}").value()
    except HydraException as error:
        raise UserError(
            f"{group}={text} cannot be read: {str(error).splitlines()[0]}. Type {_example(group, 'shop_ja')}; values "
            "with characters other than letters, digits and -_./ take double quotes."
        ) from None
    if not isinstance(value, dict):
        raise UserError(f"{group}={text} is no mapping. Type {_example(group, 'shop_ja')}.")
    return value


def twice(group: str, name: str) -> str:
    """The sentence for a name that two datasets of a run have."""
    if _is_option(name):
        return f"{group}.{name} is named twice: leave one out."
    return (
        f"{group}.{name} is named twice: leave one out or, if they are two files, give each a name of its own: "
        + shlex.quote(f"{group}={{{name}: one.csv, other: two.csv}}")
    )


def refuse_repeated(group: str, text: str) -> None:
    """Raise UserError where a mapping in ``text`` has a key twice: the grammar's own reader keeps the last of them."""
    around: list[set[str] | None] = []  # the keys of the mappings around the place at hand; None for a list
    start = -1
    for part in re.finditer(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[{}\[\]:,]", text):
        mark, keys = part[0], around[-1] if around else None
        if mark == ":" and keys is not None and start >= 0:
            key, start = text[start : part.start()].strip(), -1  # a value may have colons as well
            if key in keys:
                outer = all(each is None for each in around[:-1])
                raise UserError(twice(group, key) if outer else f"{group}={text} has {key} twice: leave one out.")
            keys.add(key)
        elif mark in "{[":
            around.append(set() if mark == "{" else None)
        elif mark in "}]":
            del around[-1:]
        if mark in "{,":
            start = part.end()


def _option(group: str, name: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    where, kind = f"{group}.{name}", given.pop("kind", None)
    option = name
    if kind is None and (set(given) & {"path", "repository"} or not _is_option(name)):
        kind = "hub" if "repository" in given else "csv"
    if kind is not None:
        names = [kind] if _is_option(str(kind)) else list(dataset_of(str(kind)).names)
        if len(names) > 1:
            raise UserError(
                f"{where}.kind={kind} may be one of several. Type kind: {', '.join(names[:-1])} or {names[-1]}."
            )
        option = str(names[0])
    dataset = next(each for each in datasets().values() if option in each.names)
    known = [field.name for field in dataclasses.fields(dataset.config) if field.name != "kind"]
    if unknown := [key for key in given if key not in known]:
        nearest = suggestion(f"{where}.{unknown[0]}", [f"{where}.{key}" for key in known])
        raise UserError(f"{where}.{unknown[0]} is not an option of this configuration.{nearest}")
    node = OmegaConf.structured(dataset.config)
    for key, value in given.items():
        set_option(node, where, key, value)
    for needed in {"path", "repository"} & set(known):
        if dataset.kind in ("csv", "hub") and not given.get(needed):
            raise UserError(f"{where}.{needed} is not set. Type {_example(group, name)}.")
    if dataset.kind == "csv" and "language" not in given and (code := _language_of(str(given["path"]), name)):
        given["language"] = code
    return option, role_options(dataset, group) | given


def role_options(dataset: Dataset, group: str) -> dict[str, Any]:
    """The options that a dataset has as a source or as a target where they differ from its defaults."""
    return dict(dataset.as_source if group == "source" else dataset.as_target)


def _is_option(name: str) -> bool:
    return any(name in dataset.names for dataset in datasets().values())


def _ending(path: str) -> str | None:
    """``.csv.gz`` of a path, None where the ending is not that of a file of reviews."""
    name = re.split(r"[/\\]", path)[-1]
    found = [match[0] for match in ENDING.finditer(name) if match.end() == len(name)]
    return found[0] if found else None


def _name_of(group: str, path: str) -> str:
    stem = re.split(r"[/\\]", path)[-1].removesuffix(_ending(path) or "")
    if any(mark in path for mark in "*?[") or not (name := _valid(stem)):
        raise UserError(
            f"{group}={path}: no name can be made of it. Type one in front: "
            + shlex.quote(f'{group}={{shop_ja: "{path}"}}')
        )
    return name


def _valid(stem: str) -> str:
    """``reviews_ja`` for ``reviews.ja``: a name that Hydra takes in ``targets.<name>.text=...``."""
    name = re.sub(r"[^A-Za-z0-9-]+", "_", stem).strip("_-")
    return f"own_{name}" if name[:1].isdigit() else name


def _language_of(path: str, name: str) -> str | None:
    """The language that the end of a file's name states (``reviews.ja.csv``, ``shop_ja.csv``), or that of its name."""
    stem = re.split(r"[/\\]", path)[-1].removesuffix(_ending(path) or "")
    last = (re.split(r"[._-]", text)[-1].lower() for text in (stem, name))
    return next((code for code in last if code in LANGUAGES), None)


def _example(group: str, name: str) -> str:
    return shlex.quote(f"{group}={{{name}: {{path: reviews.csv, language: ja}}}}")


class OwnFiles(ComputedSource):
    """Hydra's source of ``source/<value>`` and ``targets/<value>`` for the values that ``is_own`` recognises."""

    @staticmethod
    def scheme() -> str:
        return SCHEME

    def is_config(self, config_path: str) -> bool:
        group, _, value = config_path.partition("/")
        return group in GROUPS and is_own(value)

    def load_config(self, config_path: str) -> ConfigResult:
        group, _, value = config_path.partition("/")
        made = named(group, value)
        defaults: list[Any] = [{f"/dataset@{name}": option} for name, (option, _) in made.items()]
        node = {"defaults": [*defaults, "_self_"]} | {name: options for name, (_, options) in made.items()}
        config = OmegaConf.create(node)
        return ConfigResult(provider=self.provider, path=self.full_path(), config=config, header={"package": group})


def register_own_files() -> None:
    register_source(OwnFiles)
