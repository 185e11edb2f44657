"""The protocols beside zero-shot: what their options mean for the run that is trained, and which run that is.

``resolve`` writes a protocol out: ``protocol=supervised targets=smsa_id`` is the run of ``source=smsa_id`` and no
other. Options that a protocol does not look at are left out of a run's identity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sentiment_transfer.config.schema import Config, FewShotMode, Protocol, ProtocolConfig

USED = {  # (protocol, mode) -> the options that it looks at
    "supervised": ("shots", "sample_seed", "steps"),
    "few_shot sequential": ("shots", "sample_seed", "mode", "steps", "learning_rate"),
    "few_shot joint": ("shots", "sample_seed", "mode", "target_fraction"),
    "joint": ("target_fraction",),
}


def options_of(protocol: Mapping[str, Any] | None) -> dict[str, Any]:
    """The name and the used options of a protocol's plain configuration; empty for zero-shot, and for training on the
    whole of one dataset alone."""
    name = (protocol or {}).get("name", "zero_shot")
    if not protocol or name == "zero_shot" or (name == "supervised" and protocol.get("shots") is None):
        return {}
    used = USED[f"{name} {protocol.get('mode', 'sequential')}" if name == "few_shot" else name]
    return {"name": name} | {key: protocol.get(key) for key in used}


def resolve_plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """``resolve`` for a whole configuration as plain values, with the protocol's used options only."""
    made = dict(settings)
    protocol, targets = made.pop("protocol", None) or {}, made.get("targets")
    if protocol.get("name") == "supervised" and targets:
        made |= {"source": targets, "targets": {}}
    options = options_of(protocol)
    if "learning_rate" in options and options["learning_rate"] is None:
        options["learning_rate"] = (made.get("optimizer") or {}).get("learning_rate")
    return made | ({"protocol": options} if options else {})


def resolve(config: Config) -> Config:
    """The configuration that is run: for ``supervised``, the target is the source."""
    protocol = config.protocol
    if protocol.name == Protocol.supervised:
        resolved = replace(config, protocol=ProtocolConfig()) if protocol.shots is None else config
        return replace(resolved, source=config.targets, targets={}) if config.targets else resolved
    if protocol.name == Protocol.few_shot and protocol.learning_rate is None:
        return replace(config, protocol=replace(protocol, learning_rate=config.optimizer.learning_rate))
    return config


def source_run(config: Config) -> Config:
    """The zero-shot run that a few-shot run starts from. Its weights are kept, even if the few-shot run's are not."""
    return replace(config, protocol=ProtocolConfig(), trainer=replace(config.trainer, keep_weights=True))


def starts_from_source_run(config: Config) -> bool:
    """Whether a run starts from the weights of another."""
    return bool(config.protocol.name == Protocol.few_shot and config.protocol.mode == FewShotMode.sequential)


def rows_per_epoch(config: Config) -> int:
    """Reviews that an epoch on few labels goes through at least, so that all epochs make ``protocol.steps`` steps."""
    return math.ceil(config.protocol.steps / config.trainer.max_epochs) * config.trainer.batch_size


def protocol_problems(config: Config) -> Iterator[str]:
    """Sentences about invalid combinations of the protocol's options, and with other groups."""
    protocol = config.protocol
    name = protocol.name.name
    if protocol.name in (Protocol.zero_shot, Protocol.joint) and protocol.shots is not None:
        yield (
            f"protocol={name} takes no protocol.shots: type protocol=few_shot protocol.shots={protocol.shots}, or "
            f"protocol=supervised protocol.shots={protocol.shots} for these labels without a source."
        )
    if protocol.name == Protocol.few_shot and protocol.shots is None:
        yield "protocol=few_shot needs protocol.shots, the labelled reviews per class: type protocol.shots=16."
    if protocol.mode != FewShotMode.sequential and protocol.name != Protocol.few_shot:
        yield f"protocol.mode={protocol.mode.name} belongs to protocol=few_shot: leave it out, or type protocol=joint."
    if protocol.name == Protocol.zero_shot:
        return
    if len(config.targets) != 1:
        named = f"{len(config.targets)} are named ({', '.join(config.targets)})" if config.targets else "none is named"
        yield (
            f"protocol={name} takes one target per run, whose labels it is trained on, but {named}. Type "
            "targets=smsa_id, or sweep them: -m targets=smsa_id,indolem_id."
        )
        return
    [(target, dataset)] = config.targets.items()
    if target in config.source and protocol.name != Protocol.supervised:
        yield f"protocol={name} adds labels of {target}, but {target} is the source already: choose another target."
    for sentence in dataset.untrainable(f"targets.{target}"):
        yield f"protocol={name} trains on labels of {target}, but {sentence}"
