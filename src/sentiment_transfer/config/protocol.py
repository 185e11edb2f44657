"""The protocols beside zero-shot: what their options mean for the run that is trained, and which run that is.

``resolve`` writes a protocol out: ``protocol=supervised targets=smsa_id`` is the run of ``source=smsa_id`` and no
other. Options that a protocol does not look at are left out of a run's identity.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from sentiment_transfer.config.datasets import Splits
from sentiment_transfer.config.schema import Config, FewShotMode, Protocol, ProtocolConfig

USED = {  # (protocol, mode) -> the options that it looks at
    "supervised": ("shots", "sample_seed", "steps"),
    "few_shot sequential": ("shots", "sample_seed", "mode", "steps", "learning_rate"),
    "few_shot joint": ("shots", "sample_seed", "mode", "target_fraction"),
    "joint": ("target_fraction",),
}


def options_of(protocol: Mapping[str, Any] | None) -> dict[str, Any]:
    """The name and the options that count of a protocol's plain configuration; empty for zero-shot and where the whole
    of a set is trained on alone."""
    name = (protocol or {}).get("name", "zero_shot")
    if not protocol or name == "zero_shot" or (name == "supervised" and protocol.get("shots") is None):
        return {}
    used = USED[f"{name} {protocol.get('mode', 'sequential')}" if name == "few_shot" else name]
    return {"name": name} | {key: protocol.get(key) for key in used}


def settled_plain(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a whole configuration as plain values."""
    made = dict(plain)
    protocol, targets = made.pop("protocol", None) or {}, made.get("targets")
    if protocol.get("name") == "supervised" and targets:
        made |= {"source": targets, "targets": {}}
    options = options_of(protocol)
    if "learning_rate" in options and options["learning_rate"] is None:
        options["learning_rate"] = (made.get("optimizer") or {}).get("learning_rate")
    return made | ({"protocol": options} if options else {})


def resolve(config: DictConfig) -> DictConfig:
    """The configuration that is run: for ``supervised``, the target is the source."""
    made = copy.deepcopy(config)
    protocol = made.protocol
    with open_dict(made):
        if protocol.name == Protocol.supervised:
            if made.targets:
                made.source, made.targets = made.targets, {}
            if protocol.shots is None:
                made.protocol = OmegaConf.structured(ProtocolConfig())
        elif protocol.name == Protocol.few_shot and protocol.learning_rate is None:
            protocol.learning_rate = made.optimizer.learning_rate
    return made


def source_run(config: Config) -> Config:
    """The zero-shot run that a few-shot run goes on from. Its weights are kept, whatever is kept of the other's."""
    trainer = dataclasses.replace(config.trainer, keep_weights=True)
    return dataclasses.replace(config, protocol=ProtocolConfig(), trainer=trainer)


def starts_from_source_run(config: Config | DictConfig) -> bool:
    """Whether a run starts from the weights of another."""
    return bool(config.protocol.name == Protocol.few_shot and config.protocol.mode == FewShotMode.sequential)


def rows_per_epoch(config: Config) -> int:
    """Reviews that an epoch on few labels goes through at least, so that all epochs make ``protocol.steps`` steps."""
    return math.ceil(config.protocol.steps / config.trainer.max_epochs) * config.trainer.batch_size


def complaints(config: DictConfig) -> Iterator[str]:
    """What cannot be, in sentences."""
    protocol = config.protocol
    name = protocol.name.name
    defaults = ProtocolConfig()
    if protocol.sample_seed < 0 or (protocol.shots is not None and protocol.shots < 1) or protocol.steps < 1:
        yield "protocol.shots and protocol.steps must be at least 1, and protocol.sample_seed at least 0."
    if protocol.learning_rate is not None and not 0 < protocol.learning_rate < math.inf:
        yield f"protocol.learning_rate={protocol.learning_rate} cannot be: give a number above 0."
    if protocol.target_fraction is not None and not 0 < protocol.target_fraction < 1:
        yield f"protocol.target_fraction={protocol.target_fraction} cannot be: give a share between 0 and 1, or null."
    if protocol.name in (Protocol.zero_shot, Protocol.joint) and protocol.shots is not None:
        yield (
            f"protocol={name} takes no protocol.shots: type protocol=few_shot protocol.shots={protocol.shots}, or "
            f"protocol=supervised protocol.shots={protocol.shots} for these labels without a source."
        )
    if protocol.name == Protocol.few_shot and protocol.shots is None:
        yield "protocol=few_shot needs protocol.shots, the labelled reviews per class: type protocol.shots=16."
    if protocol.mode != defaults.mode and protocol.name != Protocol.few_shot:
        yield f"protocol.mode={protocol.mode.name} belongs to protocol=few_shot: leave it out, or type protocol=joint."
    if protocol.name != Protocol.zero_shot:
        yield from _target(config, name)


def _target(config: DictConfig, name: str) -> Iterator[str]:
    targets = list(config.targets)
    if len(targets) != 1:
        named = f"{len(targets)} are named ({', '.join(map(str, targets))})" if targets else "none is named"
        yield (
            f"protocol={name} takes one target per run, whose labels it is trained on, but {named}. Type "
            "targets=smsa_id, or sweep them: -m targets=smsa_id,indolem_id."
        )
        return
    [(target, dataset)] = config.targets.items()
    if target in config.source and name != "supervised":
        yield f"protocol={name} adds labels of {target}, but {target} is the source already: choose another target."
    if dataset.kind == "indolem" and dataset.fold is None:
        yield (
            f"protocol={name} trains on a fold of {target} and scores that fold's test set: type "
            f"targets.{target}.fold=0 (to 4), or sweep the folds: -m targets.{target}.fold=0,1,2,3,4."
        )
    if dataset.kind == "written" and dataset.language != "en":
        yield f"protocol={name} needs labels of {target} to train on, but it has test reviews alone."
    needs = f"protocol={name} needs labels of {target} to train on, but targets.{target}"
    if dataset.kind == "csv" and dataset.test_fraction == 1.0 and not dataset.test_path:
        yield (
            f"{needs}.test_fraction=1.0 scores the whole file: type targets.{target}.test_fraction=0.5, or name "
            f"a file of its own in targets.{target}.test_path."
        )
    if dataset.kind == "uci" and dataset.test_fraction == 1.0:
        yield f"{needs}.test_fraction=1.0 scores all of it: type targets.{target}.test_fraction=0.5."
    if dataset.kind == "jalan" and dataset.splits == Splits.whole:
        yield f"{needs}.splits=whole scores all of it: type targets.{target}.splits=published."
