"""Which run a configuration is: a readable prefix and a hash of everything that can change a number."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.config.protocol import options_of, settled_plain

# Where things lie, what is shown and how often progress is saved: none of it can change a result.
NOT_IDENTITY = ("hydra", "paths", "logger")
# How finely a batch is cut so that it fits, and among how many devices, changes sums in the last bits and dropout's
# masks, but it is not what was asked for: a run that the launcher tries again after running out of memory, or that
# goes on where there are more GPUs, is the same run. The result's configuration records it.
NOT_IDENTITY_KEYS = (
    *(("trainer", key) for key in ("save_every_minutes", "micro_batch_size", "devices", "strategy")),
    ("data", "num_workers"),
)

# What decides on scores and files, but on no weight.
NOT_TRAINING = (
    *NOT_IDENTITY_KEYS,
    ("data", "dedup"),
    ("data", "targets_required"),
    ("data", "score_batch_tokens"),
    ("trainer", "average"),
    ("trainer", "oracle"),
    ("trainer", "keep_weights"),
)


def identity(config: DictConfig) -> dict[str, Any]:
    """The part of the resolved configuration that names the run, as plain values."""
    keys = [key for key in config if key not in NOT_IDENTITY and not OmegaConf.is_missing(config, key)]
    plain = {str(key): plain_node(config[key]) for key in keys}
    for group, key in NOT_IDENTITY_KEYS:
        if isinstance(plain.get(group), dict):
            plain[group].pop(key, None)
    return settled_plain(plain)


def training_settings(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What of a configuration's plain values decides on the weights; of the targets' labels, that is the protocol."""
    left = {key: value for key, value in plain.items() if key not in (*NOT_IDENTITY, "targets", "protocol")}
    for group, key in NOT_TRAINING:
        if isinstance(left.get(group), dict):
            left[group] = {name: value for name, value in left[group].items() if name != key}
    return left | {"protocol": options_of(plain.get("protocol"))}


def plain_node(node: Any) -> Any:
    """A node of the configuration, resolved, as plain values."""
    return OmegaConf.to_container(node, resolve=True, enum_to_str=True) if OmegaConf.is_config(node) else node


def flatten(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Full names and values, as text, of everything in a plain configuration: ``model.name`` and ``base``."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flatten(item, f"{where}.{key}" if where else str(key))
    else:
        yield where, value if isinstance(value, str) else json.dumps(value, default=str)


def model_name(model: Mapping[str, Any]) -> str:
    """``e5_small``, or with ``model.layers=3`` ``e5_small-3l``: encoders of other depths are other models."""
    return str(model["name"]) if model.get("layers") is None else f"{model['name']}-{model['layers']}l"


def run_name(config: DictConfig) -> str:
    """``<model>-<source>-s<seed>-<8 hex digits>``: the same configuration is always the same name.

    Few-shot runs also say target, labels per class and draw: ``base-amazon_en+smsa_id-16x-d0-s0-1f2e3d4c``.

    ASCII and not longer than 128 characters, so that it is a folder name and a value on Hydra's command line.
    """
    plain = identity(config)
    digest = hashlib.sha256(json.dumps(_sortable(plain), sort_keys=True, default=str).encode()).hexdigest()[:8]
    model = model_name(plain.get("model") or {"name": "model"})
    what = f"{model}-{'+'.join(plain.get('source') or {})}{_of_protocol(plain)}"
    what = re.sub(r"[^\w.+-]", "_", what, flags=re.ASCII)
    return f"{what[:100]}-s{plain.get('seed')}-{digest}"


def _of_protocol(plain: dict[str, Any]) -> str:
    """``+smsa_id-16x-d0``: 16 labelled reviews per class of the target, draw 0; empty for zero-shot."""
    options = options_of(plain.get("protocol"))
    if not options:
        return ""
    draw = f"-{options['shots']}x-d{options['draw']}" if options.get("shots") else ""
    return "".join(f"+{target}" for target in plain.get("targets") or {}) + draw


def evaluation_name(config: DictConfig) -> str:
    """``evaluate-<the checkpoint's last part>-<8 hex digits>``, by everything that can change a score."""
    checkpoint = "nothing" if OmegaConf.is_missing(config, "checkpoint") else str(config.checkpoint)
    here = Path(checkpoint).expanduser()
    plain = identity(config) | {"checkpoint": str(here.resolve()) if here.is_dir() else checkpoint}
    for key in ("batch_tokens", "accelerator"):
        plain.pop(key, None)
    digest = hashlib.sha256(json.dumps(_sortable(plain), sort_keys=True, default=str).encode()).hexdigest()[:8]
    what = re.sub(r"[^\w.+-]", "_", (here.resolve() if here.is_dir() else here).name, flags=re.ASCII)
    return f"evaluate-{what[:100]}-{digest}"


def _sortable(value: Any) -> Any:
    """``value`` with text as the keys of its dicts: label words may be numbers beside words."""
    return {str(key): _sortable(item) for key, item in value.items()} if isinstance(value, dict) else value


def group_name(config: DictConfig) -> str:
    """The run's name without its seed: runs that differ by seed alone share it."""
    plain = identity(config) | {"seed": None}
    return re.sub(r"-sNone-", "-", run_name(OmegaConf.create(plain)))


def register_resolver() -> None:
    """Make ``${run_name:}`` and ``${evaluation_name:}`` usable in ``hydra.run.dir``."""
    OmegaConf.register_new_resolver("run_name", lambda *, _root_: run_name(_root_), replace=True)
    OmegaConf.register_new_resolver("evaluation_name", lambda *, _root_: evaluation_name(_root_), replace=True)
