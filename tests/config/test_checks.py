"""Impossible values are refused in sentences, all of them at once, before anything is read."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf, open_dict
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import suggestion, validate
from sentiment_transfer.errors import UserError

FILE = ("path=own.csv", "language=en")


@functools.cache
def template(*overrides: str) -> DictConfig:
    return composed(*overrides)


def complaints(values: dict[str, Any], *overrides: str) -> str:
    """What validate says of a valid configuration with ``values`` set."""
    config = copy.deepcopy(template(*overrides))
    validate(config)
    for key, value in values.items():
        OmegaConf.update(config, key, value)
    with pytest.raises(UserError) as error:
        validate(config)
    return str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "answer"),
    [
        ("trainer.max_epochs", 0, "trainer.max_epochs=0 is invalid: it must be an integer >= 1."),
        ("trainer.max_epochs", -1, "is invalid: it must be an integer >= 1."),
        ("trainer.batch_size", 0, "is invalid: it must be an integer >= 1."),
        ("trainer.threads", 0, "is invalid: it must be an integer >= 1."),
        ("data.max_length", 3, "is invalid: it must be an integer >= 4."),
        ("data.num_workers", -1, "is invalid: it must be an integer >= 0."),
        ("data.score_batch_tokens", 0, "is invalid: it must be an integer >= 1."),
        ("logger.log_every", 0, "is invalid: it must be an integer >= 1."),
        ("seed", -1, "seed=-1 is invalid: it must be an integer in [0, 4294967296)."),
        ("seed", 2**32, "in [0, 4294967296)"),
        ("data.seed", -1, "is invalid: it must be an integer >= 0."),
        ("optimizer.learning_rate", 0.0, "optimizer.learning_rate=0.0 is invalid: it must be a number > 0."),
        ("optimizer.learning_rate", float("nan"), "must be a number > 0"),
        ("optimizer.learning_rate", float("inf"), "must be a number > 0"),
        ("model.learning_rate", -1e-5, "optimizer.learning_rate=-1e-05 is invalid"),
        ("optimizer.eps", 0.0, "must be a number > 0"),
        ("optimizer.max_grad_norm", 0.0, "must be a number > 0"),
        ("trainer.save_every_minutes", 0.0, "must be a number > 0"),
        ("optimizer.weight_decay", -0.1, "must be a number >= 0"),
        ("optimizer.weight_decay", float("nan"), "must be a number >= 0"),
        ("optimizer.warmup_ratio", 1.0, "must be a number in [0, 1)"),
        ("optimizer.warmup_ratio", -0.1, "must be a number in [0, 1)"),
        ("optimizer.beta1", 1.0, "must be a number in [0, 1)"),
        ("optimizer.beta2", float("nan"), "must be a number in [0, 1)"),
        ("model.dropout", 1.5, "must be a number in [0, 1)"),
        ("trainer.micro_batch_size", 5, "trainer.micro_batch_size=5 does not divide trainer.batch_size=32"),
        ("trainer.micro_batch_size", 64, "does not divide"),
        ("trainer.precision", "float8", "trainer.precision=float8 is invalid: it must be one of auto, 32-true"),
        ("trainer.accelerator", "tpu", "trainer.accelerator=tpu is invalid: it must be one of auto, cpu"),
        ("trainer.devices", 0, "trainer.devices=0 is invalid: it must be an integer >= 1, or auto."),
        ("trainer.devices", "two", "trainer.devices=two is invalid"),
        ("trainer.devices", 3, "trainer.devices=3 does not divide trainer.batch_size=32"),
        ("trainer.devices", 3, "Use trainer.batch_size=33, or another number of devices."),
        ("trainer.strategy", "deepspeed", "trainer.strategy=deepspeed is invalid: it must be one of auto, ddp, fsdp."),
        ("trainer.strategy", "fsdp", "shards a model over devices: give several, e.g. trainer.devices=2."),
        ("source.amazon_en.limit", 1, "source.amazon_en.limit=1 is invalid: it must be an integer >= 2"),
        (
            "source.amazon_en.language",
            "id",
            "source.amazon_en.language=id is invalid: it must be one of de, en, es, fr, ja, zh.",
        ),
        ("source.amazon_en.kind", "smsa", "source.amazon_en.kind=smsa is invalid"),
        ("targets.indolem_id.fold", 7, "targets.indolem_id.fold=7 is invalid: it must be an integer in [0, 4]"),
        ("targets.smsa_id.classes", 4, "targets.smsa_id.classes=4 is invalid: it must be one of 2, 3."),
        ("targets.smsa_id.classes", 3, "must have the same classes, but they have: source.amazon_en 2,"),
    ],
)
def test_an_impossible_value_is_refused(key: str, value: Any, answer: str) -> None:
    assert answer in complaints({key: value})


def test_a_micro_batch_size_of_zero_is_a_sentence_and_no_division() -> None:
    assert "trainer.micro_batch_size=0 is invalid" in complaints({"trainer.micro_batch_size": 0})


def test_the_mean_of_adapters_is_refused_where_weights_are_sharded() -> None:
    sharded = {"model.lora_rank": 4, "trainer.devices": 2, "trainer.strategy": "fsdp"}
    assert "Type trainer.average=false." in complaints(sharded)


def test_devices_and_micro_batches_divide_a_batch_together() -> None:
    said = complaints({"trainer.devices": 2, "trainer.micro_batch_size": 32})
    assert "trainer.devices=2 with trainer.micro_batch_size=32 does not divide trainer.batch_size=32" in said
    assert "Use trainer.batch_size=64" in said


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"dev_fraction": 1.5}, "source.csv.dev_fraction=1.5 is invalid: it must be a number in [0, 1]."),
        ({"test_fraction": float("nan")}, "source.csv.test_fraction=nan is invalid"),
        ({"dev_fraction": 0.5, "test_fraction": 0.5}, "leave nothing to train on"),
        ({"test_fraction": 1.0}, "source.csv.test_fraction=1.0 leaves nothing to train on"),
        ({"classes": 5}, "source.csv.classes=5 is invalid"),
        ({"labels": "positive"}, "source.csv.labels=positive is not a mapping"),
    ],
)
def test_an_impossible_cut_of_a_file_is_refused(values: dict[str, Any], answer: str) -> None:
    overrides = ("source=csv", *(f"source.csv.{fact}" for fact in FILE), "targets=none")
    assert answer in complaints({f"source.csv.{key}": value for key, value in values.items()}, *overrides)


def test_sets_that_are_scored_whole_are_nothing_to_train_on() -> None:
    said = complaints({"source.uci_en.test_fraction": 1.0}, "source=uci_en", "targets=none")
    assert "source.uci_en.test_fraction=1.0 leaves nothing to train on" in said
    said = complaints({"source.jalan_ja.splits": "whole"}, "source=jalan_ja", "targets=none")
    assert "source.jalan_ja.splits=whole leaves nothing to train on: type source.jalan_ja.splits=published." in said


def test_shares_and_classes_of_published_sets_are_checked() -> None:
    assert "source.uci_en.dev_fraction=2.0 is invalid" in complaints(
        {"source.uci_en.dev_fraction": 2}, "source=uci_en", "targets=none"
    )
    assert "targets.jalan_ja.classes=5 is invalid" in complaints({"targets.jalan_ja.classes": 5}, "targets=jalan_ja")


def test_training_on_indolem_needs_a_fold() -> None:
    said = complaints({"source.indolem_id.fold": None}, "source=indolem_id", "targets=none")
    assert "source.indolem_id.fold is not set: training needs one fold. Type source.indolem_id.fold=0 (to 4)" in said


def test_two_names_for_one_dataset_are_refused() -> None:
    config = composed("source=written_en", "+dataset@source.again=written_en", "targets=none")
    with pytest.raises(UserError, match=r"source\.again and source\.written_en are the same dataset: leave one out\."):
        validate(config)


def test_two_files_under_one_name_are_refused() -> None:
    own = [f"{group}.csv.{fact}" for group in ("source", "targets") for fact in FILE]
    validate(config := composed("source=csv", "targets=csv", *own))  # one file: a supervised score
    config.targets.csv.path = "other.csv"
    with pytest.raises(UserError, match=r"two files under one name.*\+targets\.other\.path="):
        validate(config)


def test_a_hole_is_named_with_what_to_type() -> None:
    with pytest.raises(UserError) as error:
        validate(composed("source=csv", "model=local"))
    assert str(error.value).splitlines() == [
        "model.encoder is not set: type model.encoder=... on the command line.",
        "source.csv.language is not set: type source.csv.language=... on the command line.",
        "source.csv.path is not set: type source.csv.path=... on the command line.",
    ]


def test_a_group_that_was_taken_out_is_named() -> None:
    with pytest.raises(UserError, match="source is not set: type source="):
        validate(composed("~source"))


def test_a_source_that_is_empty_is_refused() -> None:
    config = copy.deepcopy(template())
    with open_dict(config):
        config.source = {}
    with pytest.raises(UserError, match="source is empty: name at least one dataset"):
        validate(config)


@pytest.mark.parametrize(
    ("added", "answer"),
    [
        ("+trainer.max_epoch=3", r"trainer\.max_epoch is not an option\. Did you mean max_epochs\?"),
        ("+source.written_en.limt=3", r"source\.written_en\.limt is not an option\. Did you mean limit\?"),
        ("++model.colour=red", r"model\.colour is not an option\. There are: name, "),
        ("+optimiser.eps=1", r"optimiser is not a group of this configuration\. Did you mean optimizer\?"),
        ("+epochs=3", r"epochs is not a group of this configuration\. There are: seed, model, "),
    ],
)
def test_a_key_added_past_the_schema_is_refused(added: str, answer: str) -> None:
    with pytest.raises(UserError, match=answer):
        validate(composed("experiment=tiny", added))


def test_every_complaint_is_said_at_once() -> None:
    said = complaints({"trainer.max_epochs": 0, "seed": -1, "targets.smsa_id.classes": 7})
    assert len(said.splitlines()) == 4  # seven classes are also not those of the others


def test_what_is_unusual_but_possible_is_allowed() -> None:
    config = copy.deepcopy(template())
    unusual = {"optimizer.warmup_ratio": 0.0, "optimizer.weight_decay": 0.0, "model.dropout": 0.0, "seed": 2**32 - 1}
    for key, value in (unusual | {"trainer.micro_batch_size": 1, "source.amazon_en.limit": 2}).items():
        OmegaConf.update(config, key, value)
    validate(config)


def test_the_nearest_key_is_suggested_and_all_where_none_is_near() -> None:
    assert suggestion("max_epoch", ["max_epochs", "batch_size"]) == " Did you mean max_epochs?"
    assert suggestion("zzz", ["max_epochs", "batch_size"]) == " There are: max_epochs, batch_size."
