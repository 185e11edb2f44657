"""Runs that differ in seed (and IndoLEM fold) alone form one entry: a row of the matrix."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from sentiment_transfer.config.called import option_of
from sentiment_transfer.config.objective_options import SHIPPED, OptimizerConfig
from sentiment_transfer.config.protocol import options_of
from sentiment_transfer.config.run_name import NOT_IDENTITY, NOT_IDENTITY_KEYS, flatten
from sentiment_transfer.report.analysis.datasets import recorded_name, shown_name
from sentiment_transfer.report.analysis.findings import Entry
from sentiment_transfer.results.record import RunResult

ONE_FOLD = "one of five"
OF_THE_MODEL = ("model.", "optimizer.learning_rate", "targets")  # expected to differ between models
EVALUATED = "evaluated"  # the key that evaluate.py adds to a run's configuration
# Where a key is not in a run's settings.
NOT_SET = {EVALUATED: "with the run"} | {group: next(iter(options)) for group, options in SHIPPED.items()}
COMMON = {f.name for f in dataclasses.fields(OptimizerConfig)}  # options that every optimiser has
FAMILIES = (  # pattern of the encoder's name, name of the family
    (r"(facebook(ai)?/)?xlm-roberta-(base|large|xl|xxl)", "XLM-R"),
    (r"builtin:scratch.*", "scratch"),
    (r"builtin:.*", "built-in"),
)


@dataclass
class RunGroup:
    """Runs of one configuration that differ in seeds and folds alone."""

    settings: dict[str, str]  # flattened configuration without seed and folds: model.name -> base
    runs: list[RunResult]

    @property
    def model(self) -> str:
        return self.runs[0]["model"]["name"]

    @property
    def source(self) -> str:
        return "+".join(self.runs[0]["source"]["names"])

    @property
    def targets(self) -> set[str]:
        """The names of the datasets that are not its source."""
        return {key.split(".")[1] for key in self.settings if key.startswith("targets.")}

    @property
    def seeds(self) -> dict[int, list[RunResult]]:
        """Seed -> its runs: one, or one per fold. Seeds that lack a fold that others have are left out."""
        by_seed: dict[int, dict[str, RunResult]] = defaultdict(dict)
        for run in sorted(self.runs, key=lambda run: run["seed"]):
            by_seed[run["seed"]][json.dumps(folds_of(run["config"]))] = run
        most = max((set(runs) for runs in by_seed.values()), key=len)
        return {seed: [runs[fold] for fold in sorted(runs)] for seed, runs in by_seed.items() if set(runs) == most}

    @property
    def incomplete_seeds(self) -> list[int]:
        """Seeds of which some folds are still to be run."""
        return sorted({run["seed"] for run in self.runs} - set(self.seeds))


def group_runs(results: Iterable[RunResult]) -> list[RunGroup]:
    """Groups in the order in which their first run was found."""
    groups: dict[str, RunGroup] = {}
    for result in results:
        settings = with_options_named(dict(flatten(comparable_config(result))))
        key = json.dumps([settings, result["model"]["name"], result["source"]["names"]], sort_keys=True)
        groups.setdefault(key, RunGroup(settings, [])).runs.append(result)
    return list(groups.values())


def with_options_named(settings: dict[str, str]) -> dict[str, str]:
    """``optimizer: sgd`` in place of ``optimizer._target_``, as typed; the user's own by its module and name."""
    for group in SHIPPED:
        if target := settings.pop(f"{group}._target_", None):
            settings[group] = option_of(group, target) or target
    return settings


def comparable_config(result: RunResult) -> dict[str, Any]:
    """The configuration without seed, fold number and everything that changes no number: equal inside a group."""
    kept = deepcopy({key: value for key, value in result["config"].items() if key not in (*NOT_IDENTITY, "seed")})
    if options := options_of(kept.pop("protocol", None)):
        kept["protocol"] = options
    for group, key in NOT_IDENTITY_KEYS:
        section = kept.get(group)
        if isinstance(section, dict):
            section.pop(key, None)
    for dataset in with_fold(kept):
        dataset["fold"] = ONE_FOLD
    if EVALUATED in kept:  # the rest identifies the checkpoint; one word stands for all settings of the targets
        kept[EVALUATED] = "on " + "+".join(sorted(shown_name(result, name) for name in kept.pop("targets", {})))
    return kept


def with_fold(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The settings of the datasets of which one fold is used."""
    for group in (config.get("source"), config.get("targets")):
        for dataset in group.values() if isinstance(group, dict) else ():
            if isinstance(dataset, dict) and dataset.get("fold") is not None:
                yield dataset


def folds_of(config: dict[str, Any]) -> list[Any]:
    return [dataset["fold"] for dataset in with_fold(config)]


def differences(group: RunGroup, groups: Iterable[RunGroup]) -> dict[str, str]:
    """Settings that differ (``optimizer.learning_rate: 3e-05``) from other groups of the same model and source, and
    settings of the recipe that differ from those of other models of the source."""
    of_source = [other for other in groups if other.source == group.source]
    alike = [other for other in of_source if other.model == group.model]
    keys = dict.fromkeys(key for other in of_source for key in other.settings)
    if EVALUATED in keys:
        keys = dict.fromkeys(key for key in keys if not key.startswith("targets."))
    # A dataset that only some of them were scored on is named; its options set nothing apart.
    partly: set[str] = set()
    if EVALUATED not in keys:
        partly = {name for other in alike for name in other.targets if any(name not in each.targets for each in alike)}
    keys = dict.fromkeys(key for key in keys if not (key.startswith("targets.") and key.split(".")[1] in partly))
    own = sorted(group.targets & partly)
    some = {"targets": "+".join(own) or "fewer"} if partly else {}
    return some | {
        key: group.settings.get(key, NOT_SET.get(key, "not set"))
        for key in keys
        if differ(key, alike) or (differ(key, of_source) and not key.startswith(OF_THE_MODEL))
        if not belongs_to_another(key, group, of_source)
    }


def belongs_to_another(key: str, group: RunGroup, groups: Iterable[RunGroup]) -> bool:
    """Whether an option is another optimiser's, schedule's or loss's, or alike in all that have this group's."""
    of, _, option = key.partition(".")
    if of not in SHIPPED or not option or option in COMMON:
        return False
    same = [other for other in groups if other.settings.get(of) == group.settings.get(of)]
    return not differ(key, same)


def differ(key: str, groups: Iterable[RunGroup]) -> bool:
    return len({group.settings.get(key) for group in groups}) > 1


def make_entries(groups: list[RunGroup]) -> list[tuple[Entry, RunGroup]]:
    """Each group as an entry, by source, then size, then name."""
    entries = [(make_entry(group, differences(group, groups)), group) for group in groups]
    return sorted(entries, key=lambda pair: (pair[0].source, pair[0].parameters, pair[0].averaged, pair[0].key))


def make_entry(group: RunGroup, settings: dict[str, str]) -> Entry:
    runs = [run for runs in group.seeds.values() for run in runs]
    parts = [f"{key}={value}" for key, value in settings.items()]
    short = [f"{key.rpartition('.')[2]}={value}" for key, value in settings.items()]
    return Entry(
        key="|".join([group.model, group.source, ",".join(parts)]),
        name=group.model + (f" ({', '.join(short)})" if short else ""),
        model=group.model,
        source=group.source,
        settings=settings,
        family=family(runs[0]),
        parameters=runs[0]["model"]["parameters"],
        seeds=tuple(group.seeds),
        degenerate_seeds=tuple(sorted({run["seed"] for run in runs if run["status"] == "degenerate"})),
        caveats=tuple(dict.fromkeys(caveat for run in runs for caveat in run["caveats"])),
        run_ids=tuple(run["run_id"] for run in runs),
        averaged=len(runs[0]["model"].get("averaged", ())),
        layers=depth(runs[0]) or 0,
        incomplete_seeds=tuple(group.incomplete_seeds),
        prompted="llm" in runs[0],
        deterministic="llm" in runs[0] and not runs[0]["llm"]["shots"] and runs[0]["llm"]["probabilities"] != "samples",
    )


def depth(run: RunResult) -> int | None:
    """The layers that were kept of an encoder, where it was cut; None for whole encoders."""
    layers = run["config"].get("model", {}).get("layers")
    return None if layers is None else int(layers)


def family(run: RunResult) -> str:
    """The common name of encoders that differ by size alone; empty for one in no family, and for a mean of runs."""
    if "averaged" in run["model"]:
        return ""
    if depth(run) is not None:
        return f"{run['model']['encoder'].rpartition('/')[2]}, first layers"
    named = [name for pattern, name in FAMILIES if re.fullmatch(pattern, run["model"]["encoder"], re.IGNORECASE)]
    if not named:
        return ""
    return named[0] + ", random weights" * (run["model"]["weights"] == "random" and named[0] == "XLM-R")


def one_fold_of(config: dict[str, Any], dataset: str) -> bool:
    """True if one fold of a dataset is trained and tested on, rather than all of them tested."""
    groups = [config.get("source"), config.get("targets")]
    name = recorded_name(config, dataset)
    settings = [group[name] for group in groups if isinstance(group, dict) and name in group]
    return any(isinstance(each, dict) and each.get("fold") is not None for each in settings)
