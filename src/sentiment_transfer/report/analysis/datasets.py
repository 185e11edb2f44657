"""Datasets that runs have under one name: the user's ``csv`` may be another file in every run.

``told_apart`` gives such sets names of their own on their way into the report, ``csv (ja.csv)`` and ``csv (de.csv)``,
so that nothing after it compares them. The record's own name of a set is ``recorded_name``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from sentiment_transfer.config.dataset import OWN_KINDS, catalogue_name
from sentiment_transfer.results.record import RunResult

PATHS = ("path", "dev_path", "test_path", "repository")
# The options that decide which reviews of a file they are, and with which labels.
READ_AS = ("text", "label", "labels", "subset", "revision", "train", "dev", "test")
DIGITS = 6  # of a hash, where nothing else tells two files apart


@dataclass
class Origin:
    """Where the reviews of a name come from in one or more runs."""

    kind: str  # of the user's own; else the dataset's name in the catalogue
    read_as: dict[str, Any]
    paths: tuple[str, ...]  # absolute where the record has them, else as typed; empty for a dataset of the catalogue
    digests: tuple[str, ...]  # of the files' contents; empty where the record has none
    reviews: set[str] = field(default_factory=set)  # hashes of the test reviews

    def same_as(self, other: Origin) -> bool:
        if (self.kind, self.read_as) != (other.kind, other.read_as):
            return False
        if self.digests and other.digests:
            return self.digests == other.digests
        return self.paths == other.paths or bool(self.reviews & other.reviews) or self._typed(other)

    def _typed(self, other: Origin) -> bool:
        """Whether one has as absolute paths what the other has as typed."""
        pairs = list(zip(self.paths, other.paths, strict=False))
        return len(self.paths) == len(other.paths) and all(_fits(a, b) or _fits(b, a) for a, b in pairs)


def told_apart(results: Sequence[RunResult]) -> list[RunResult]:
    """The records with a name of its own for every dataset; those whose names are clear are the same objects."""
    found: dict[str, list[Origin]] = defaultdict(list)
    places: list[dict[str, int]] = []  # of each run: name -> its place among the name's origins
    for result in results:
        places.append({})
        for name, origin in origins(result):
            known = next((n for n, other in enumerate(found[name]) if other.same_as(origin)), len(found[name]))
            if known == len(found[name]):
                found[name].append(origin)
            else:
                found[name][known].reviews |= origin.reviews
                if not found[name][known].digests:
                    found[name][known].paths, found[name][known].digests = origin.paths, origin.digests
            places[-1][name] = known
    shown = {name: names(name, several) for name, several in found.items() if len(several) > 1}
    return [
        renamed(result, {name: shown[name][place] for name, place in of_run.items() if name in shown})
        for result, of_run in zip(results, places, strict=True)
    ]


def recorded_name(config: Mapping[str, Any], shown: str) -> str:
    """The name that a run of this configuration has for a dataset which the report shows as ``shown``."""
    own = {**(config.get("source") or {}), **(config.get("targets") or {})}
    return shown if shown in own else next((name for name in own if shown.startswith(f"{name} (")), shown)


def shown_name(result: RunResult, name: str) -> str:
    """The name that the report shows for a dataset which the run's configuration calls ``name``."""
    known = (*result["scores"], *result["unavailable"])
    return next((shown for shown in known if recorded_name(result["config"], shown) == name), name)


def origins(result: RunResult) -> Iterator[tuple[str, Origin]]:
    """The origin of every dataset that a run's configuration names and says the kind of."""
    groups = [group for key in ("source", "targets") if isinstance(group := result["config"].get(key), dict)]
    sets = {name: settings for group in reversed(groups) for name, settings in group.items()}
    sets = {name: each for name, each in sets.items() if isinstance(each, dict) and each.get("kind")}
    typed = {path for settings in sets.values() for path in typed_paths(settings)}
    for name, settings in sets.items():
        reviews = {digest} if (digest := result["inputs"].get("reviews", {}).get(f"{name} test")) else set()
        if settings["kind"] not in OWN_KINDS:
            yield name, Origin(catalogue_name(name, settings), {}, (), (), reviews)
            continue
        paths = typed_paths(settings)
        read_as = {key: settings[key] for key in READ_AS if settings.get(key) is not None}
        files = result["inputs"].get("files") or {}
        own = [file for path in paths for file in files_of(path, typed, files)]
        complete = bool(own) and all(files_of(path, typed, files) for path in paths)
        digests = tuple(files[file]["digest"] for file in own) if complete else ()
        yield name, Origin(str(settings["kind"]), read_as, tuple(own) if complete else tuple(paths), digests, reviews)


def typed_paths(settings: Mapping[str, Any]) -> list[str]:
    """The files, globs or repositories that the settings of a dataset of the user's own name."""
    given = (settings.get(key) for key in PATHS)
    return [str(path) for each in given if each for path in (each if isinstance(each, list) else [each])]


def files_of(path: str, typed: set[str], files: Mapping[str, Any]) -> list[str]:
    """The recorded files that a path or a glob means: those that no longer path of the run fits."""
    own = [
        file
        for file in sorted(files)
        if _fits(path, file) and not any(_fits(other, file) and len(other) > len(path) for other in typed)
    ]
    return own if any(mark in path for mark in "*?[") else sorted(own, key=len)[:1]


def _fits(path: str, file: str) -> bool:
    """Whether the absolute ``file`` may be what was typed as ``path``."""
    end = PurePath(*(part for part in PurePath(path).parts if part not in (".", "..", "~", "**")))
    return bool(end.parts) and PurePath(file).match(str(end))


def names(name: str, several: Sequence[Origin]) -> list[str]:
    """A name for each origin that no other of them has: by file name, by path, else with a hash of the contents."""
    levels = [len(PurePath(path).parts) for origin in several for path in origin.paths] or [1]
    for depth in range(1, max(levels) + 1):
        shown = [_shown(name, origin, several, depth) for origin in several]
        if len(set(shown)) == len(shown):
            return shown
    shown = [_shown(name, origin, several, 1, origin.digests) for origin in several]
    return shown if len(set(shown)) == len(shown) else [f"{name} ({place})" for place, _ in enumerate(several, start=1)]


def _shown(name: str, origin: Origin, several: Sequence[Origin], depth: int, digests: Sequence[str] = ()) -> str:
    if not origin.paths:
        return name if origin.kind == name else f"{name} ({origin.kind})"
    last = PurePath(*PurePath(origin.paths[0]).parts[-depth:]).as_posix() if depth else ""
    more = f" and {len(origin.paths) - 1} more" if len(origin.paths) > 1 else ""
    parts = [last + more, *(digest[:DIGITS] for digest in digests[:1])]
    own = [other for other in several if other.paths]
    for key in READ_AS:
        if len({json.dumps(other.read_as.get(key), sort_keys=True, default=str) for other in own}) > 1:
            value = origin.read_as.get(key)
            parts.append(f"{key}={value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)}")
    return f"{name} ({', '.join(parts)})"


def renamed(result: RunResult, shown: Mapping[str, str]) -> RunResult:
    """The record with other names for its datasets wherever the report reads one; its configuration keeps them."""
    shown = {name: new for name, new in shown.items() if name != new}
    if not shown:
        return result
    audit = dict(result["audit"])
    for key in ("splits", "reading"):
        if isinstance(audit.get(key), dict):
            audit[key] = _by_name(audit[key], shown)
    if audit.get("overlaps"):
        audit["overlaps"] = [
            {key: shown.get(value, value) if key in ("train", "scored") else value for key, value in overlap.items()}
            for overlap in audit["overlaps"]
        ]
    source = result["source"]
    return {
        **result,
        "scores": _by_name(result["scores"], shown),
        "source": {**source, "names": [shown.get(name, name) for name in source["names"]]},
        "unavailable": _by_name(result["unavailable"], shown),
        "dedup": _by_name(result["dedup"], shown),
        "audit": audit,
        "history": [
            {**after, "dev": _by_name(after["dev"], shown)} if isinstance(after.get("dev"), dict) else after
            for after in result["history"]
        ],
    }


def _by_name(values: Mapping[str, Any], shown: Mapping[str, str]) -> dict[str, Any]:
    return {shown.get(name, name): value for name, value in values.items()}
