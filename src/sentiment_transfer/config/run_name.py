"""Run names: a readable prefix and a hash of everything that can change a number."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.config.llm_options import LLM, NOT_ANSWERS, OF_THE_TARGET
from sentiment_transfer.config.model_options import resolved_model
from sentiment_transfer.config.protocol import options_of, resolve_plain
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.typed import plain_group, without_later

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


def identity(config: Any) -> dict[str, Any]:
    """The part of a configuration (composed, or its dataclass) that names the run, as plain values."""
    values = {key: plain_group(key, value) for key, value in _groups(config).items() if key not in NOT_IDENTITY}
    for group, key in NOT_IDENTITY_KEYS:
        if isinstance(values.get(group), dict):
            values[group].pop(key, None)
    if isinstance(values.get("model"), dict):
        values["model"] = resolved_model(values["model"])
    return resolve_plain(without_later(values, Config))


def _groups(config: Any) -> dict[str, Any]:
    if isinstance(config, DictConfig):
        return {str(key): config[key] for key in config if not OmegaConf.is_missing(config, key)}
    return dict(vars(config))


def training_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of a configuration that determine the trained weights.

    Of the targets, whose labels a protocol may train on, these are the protocol's options.
    """
    left = {key: value for key, value in settings.items() if key not in (*NOT_IDENTITY, "targets", "protocol")}
    for group, key in NOT_TRAINING:
        if isinstance(left.get(group), dict):
            left[group] = {name: value for name, value in left[group].items() if name != key}
    return left | {"protocol": options_of(settings.get("protocol"))}


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


def run_name(config: Any) -> str:
    """``<model>-<source>-s<seed>-<8 hex digits>``: the same configuration is always the same name.

    Few-shot runs also name target, labels per class and sample seed: ``base-amazon_en+smsa_id-16x-d0-s0-1f2e3d4c``.

    ASCII and not longer than 128 characters, so that it is a folder name and a value on Hydra's command line.
    """
    return _name_of(identity(config))


def group_name(config: Any) -> str:
    """The run's name without its seed, shared by runs that differ only in it."""
    return re.sub(r"-sNone-", "-", _name_of(identity(config) | {"seed": None}))


def _name_of(values: Mapping[str, Any]) -> str:
    model = model_name(values.get("model") or {"name": "model"})
    what = f"{model}-{'+'.join(values.get('source') or {})}{_of_protocol(values)}"
    what = re.sub(r"[^\w.+-]", "_", what, flags=re.ASCII)
    return f"{what[:100]}-s{values.get('seed')}-{_digest(values)}"


def _of_protocol(values: Mapping[str, Any]) -> str:
    """``+smsa_id-16x-d0``: 16 labelled reviews per class of the target, sample seed 0; empty for zero-shot."""
    options = options_of(values.get("protocol"))
    if not options:
        return ""
    sample = f"-{options['shots']}x-d{options['sample_seed']}" if options.get("shots") else ""
    return "".join(f"+{target}" for target in values.get("targets") or {}) + sample


def evaluation_name(config: Any) -> str:
    """``evaluate-<the checkpoint's last part>-<8 hex digits>``, by everything that can change a score."""
    checkpoint = str(_groups(config).get("checkpoint", "nothing"))
    values = identity(config)
    for key in ("batch_tokens", "accelerator", *(() if checkpoint == LLM else ("llm", "prompts", "source"))):
        values.pop(key, None)
    if checkpoint == LLM:
        return _llm_evaluation_name(values)
    here = Path(checkpoint).expanduser()
    values |= {"checkpoint": str(here.resolve()) if here.is_dir() else checkpoint}
    what = re.sub(r"[^\w.+-]", "_", (here.resolve() if here.is_dir() else here).name, flags=re.ASCII)
    return f"evaluate-{what[:100]}-{_digest(values)}"


def _llm_evaluation_name(values: Mapping[str, Any]) -> str:
    """By the server, the model, the prompts that are asked with and the examples: all that an answer depends on."""
    llm = {key: value for key, value in (values.get("llm") or {}).items() if key not in NOT_ANSWERS}
    prompts = values.get("prompts") or {}
    asked = prompts if llm.get("prompt") == OF_THE_TARGET else {llm.get("prompt"): prompts.get(llm.get("prompt"))}
    kept = {key: values.get(key) for key in ("targets", "source", "data")} | {"llm": llm, "prompts": asked}
    what = re.sub(r"[^\w.+-]", "_", f"{llm.get('model')}-{llm.get('shots')}shot", flags=re.ASCII)
    return f"evaluate-{what[:100]}-s{llm.get('seed')}-{_digest(kept)}"


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(_sortable(values), sort_keys=True, default=str).encode()).hexdigest()[:8]


def _sortable(value: Any) -> Any:
    """``value`` with text as the keys of its dicts: label words may be numbers beside words."""
    return {str(key): _sortable(item) for key, item in value.items()} if isinstance(value, dict) else value
