"""A run's name is a function of everything that can change its numbers, and of nothing else."""

from __future__ import annotations

import copy
import functools
import re
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from tests.helpers.runs import composed

from sentiment_transfer.config.run_name import group_name, identity, run_name

OWN = ("source=csv", "source.csv.path=own.csv", "source.csv.language=en")


@functools.cache
def tiny() -> DictConfig:
    return composed("experiment=tiny")


def changed(key: str, value: Any) -> DictConfig:
    config = copy.deepcopy(tiny())
    OmegaConf.update(config, key, value)
    return config


def test_the_same_configuration_has_the_same_name() -> None:
    assert run_name(composed("experiment=tiny")) == run_name(tiny())
    said = f"trainer.max_epochs={tiny().trainer.max_epochs}"
    assert run_name(composed("experiment=tiny", "model=scratch", said)) == run_name(tiny())


def test_the_name_says_model_source_and_seed() -> None:
    assert re.fullmatch(r"scratch-written_en-s0-[0-9a-f]{8}", run_name(tiny()))
    assert run_name(composed("source=amazon_enja", "seed=7")).startswith("base-amazon_en+amazon_ja-s7-")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("paths.data_dir", "/elsewhere"),
        ("paths.cache_dir", "/elsewhere"),
        ("paths.output_dir", "/elsewhere"),
        ("logger.wandb", None),
        ("logger.log_every", 7),
        ("logger.tags", ["a"]),
        ("trainer.save_every_minutes", 1.0),
        ("data.num_workers", 2),
        ("trainer.devices", 2),
        ("trainer.strategy", "fsdp"),
        ("trainer.micro_batch_size", 1),
    ],
)
def test_what_changes_no_number_changes_no_name(key: str, value: Any) -> None:
    assert run_name(changed(key, value)) == run_name(tiny())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 1),
        ("trainer.max_epochs", 77),
        ("trainer.batch_size", 77),
        ("trainer.oracle", True),
        ("model.name", "other"),
        ("model.encoder", "builtin:other"),
        ("model.dropout", 0.77),
        ("optimizer.learning_rate", 7.7e-4),
        ("data.max_length", 77),
        ("data.dedup", True),
        ("data.seed", 1),
        ("source.written_en.limit", 77),
        ("targets.written_ja.limit", 77),
    ],
)
def test_what_can_change_a_number_changes_the_name(key: str, value: Any) -> None:
    assert run_name(changed(key, value)) != run_name(tiny())


def test_targets_and_the_order_of_the_sources_change_the_name() -> None:
    runs = [
        composed("experiment=tiny"),
        composed("experiment=tiny", "targets=written_ja"),
        composed("experiment=tiny", "source=[written_en,smsa_id]"),
        composed("experiment=tiny", "source=[smsa_id,written_en]"),  # a mixture is shuffled from this order
    ]
    assert len({run_name(run) for run in runs}) == 4


def test_the_order_of_keys_does_not_change_the_name() -> None:
    words = ("{good: positive, bad: negative}", "{bad: negative, good: positive}")
    assert len({run_name(composed(*OWN, f"source.csv.labels={said}")) for said in words}) == 1


def test_label_words_may_be_numbers_beside_words() -> None:
    mapped, other = (
        run_name(composed(*OWN, f"source.csv.labels={{1: {one}, bad: negative, 0.5: null}}"))
        for one in ("positive", "neutral")
    )
    assert re.fullmatch(r"base-csv-s0-[0-9a-f]{8}", mapped)
    assert mapped != other


def test_the_group_is_the_run_without_its_seed() -> None:
    assert group_name(tiny()) == group_name(changed("seed", 5))
    assert re.fullmatch(r"scratch-written_en-[0-9a-f]{8}", group_name(tiny()))
    assert group_name(changed("trainer.max_epochs", 77)) != group_name(tiny())
    assert group_name(changed("data.seed", 1)) != group_name(tiny())


@pytest.mark.parametrize(
    "name", ["owner/model", "C:\\model", "a b'c\"d", "日本語", "é{}()[]=,:;$", "..", "-x", "x" * 300, "\n\0"]
)
def test_a_name_is_a_folder_and_a_value_on_the_command_line(name: str, tmp_path: Path) -> None:
    run = run_name(changed("model.name", name))
    (tmp_path / run).mkdir()
    assert (tmp_path / run).parent == tmp_path
    assert len(run) <= 128
    (override,) = OverridesParser.create().parse_overrides([f"hydra.run.dir=outputs/{run}"])
    assert override.value() == f"outputs/{run}"
    assert run != run_name(changed("model.name", name + "2")), "two models share a name"


def test_the_resolver_names_the_run_directory() -> None:
    config = copy.deepcopy(tiny())
    OmegaConf.set_struct(config, False)
    config.hydra = {"run": {"dir": "${paths.output_dir}/${run_name:}"}}
    assert config.hydra.run.dir == f"outputs/{run_name(tiny())}"


def test_identity_is_plain_and_resolved() -> None:
    plain = identity(tiny())
    assert plain["optimizer"]["learning_rate"] == plain["model"]["learning_rate"] == tiny().model.learning_rate
    assert plain["model"]["weights"] == "random"
    assert not {"paths", "logger", "hydra"} & plain.keys()
