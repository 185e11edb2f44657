"""A rough estimate of a run's duration relative to others, by which a sweep orders its queue; nothing else uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from sentiment_transfer.config.dataset import datasets
from sentiment_transfer.config.protocol import starts_from_source_run
from sentiment_transfer.config.schema import Protocol

# Parameters of the layers, in millions: layers x 12 x hidden^2 of the published architectures. Others count as base.
LAYERS = {
    **{"scratch": 0.4, "e5_small": 21.0, "ulmfit": 20.0},
    **{"base": 85.0, "mbert": 85.0, "infoxlm": 85.0, "xlm_t": 85.0, "mdeberta": 85.0, "indobert": 85.0},
    **{"mmbert": 110.0, "indobert_large": 302.0, "large": 302.0, "xl": 2831.0, "xxl": 9664.0},
}
DEEP = {"scratch": 2, "ulmfit": 3, "mmbert": 22, "indobert_large": 24, "large": 24, "xl": 36, "xxl": 48}  # else 12


def run_cost(config: Any) -> float:
    """Million parameters x epochs x training reviews of a composed configuration (a DictConfig); 0 if incomplete."""
    model, source = OmegaConf.select(config, "model.name"), OmegaConf.select(config, "source")
    if not model or not source:
        return 0.0
    limit = OmegaConf.select(config, "data.limit")
    size, epochs = LAYERS.get(model, LAYERS["base"]), config.trainer.max_epochs
    if config.model.layers is not None:
        size *= config.model.layers / DEEP.get(model, 12)
    protocol, targets = config.protocol.name, config.targets
    if protocol == Protocol.supervised:
        source, targets = targets, {}
    if config.protocol.shots and (protocol == Protocol.supervised or starts_from_source_run(config)):
        # Few labels; a source model that is still missing comes on top.
        reviews = max(config.protocol.steps * config.trainer.batch_size, epochs * 2 * config.protocol.shots)
        return float(size * reviews)
    return float(
        size * epochs * (train_rows(source, limit) + (train_rows(targets, limit) if protocol == Protocol.joint else 0))
    )


def train_rows(group: Mapping[str, Any], limit: int | None = None) -> int:
    """The expected number of training reviews of a source; ``limit``: of each dataset without one of its own."""
    known = datasets()
    whole = {name: known[config.kind].train_rows if config.kind in known else 10_000 for name, config in group.items()}
    return sum(min(whole[name], config.limit or limit or whole[name]) for name, config in group.items())
