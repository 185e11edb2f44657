"""The predefined sweeps: how many runs they are, and that each of them is a run that could begin."""

from __future__ import annotations

import itertools

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from tests.helpers.runs import ROOT, composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.cost import run_cost
from sentiment_transfer.config.run_name import run_name

RUNS = {
    **{"paper": 9, "scaling": 60, "epochs": 18, "folds": 15, "few_shot": 60},
    **{"baselines_zero_shot": 6, "baselines_indolem": 30, "baselines_smsa": 18},
    **{"baselines_ulmfit_smsa": 6, "baselines_ulmfit_indolem": 15},
}


def with_hydra(*overrides: str) -> DictConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return compose("config", overrides=list(overrides), return_hydra_config=True)


@pytest.mark.parametrize("experiment", RUNS)
def test_a_sweep_is_so_many_runs_and_each_is_valid(experiment: str) -> None:
    params = with_hydra(f"experiment={experiment}").hydra.sweeper.params
    overrides = OverridesParser.create().parse_overrides([f"{key}={value}" for key, value in params.items()])
    [jobs] = BasicSweeper.split_arguments(overrides, None)
    assert len(jobs) == len(set(map(tuple, jobs))) == RUNS[experiment]
    values = [dict(pair.split("=") for pair in job) for job in (jobs[0], jobs[-1])]
    assert all(values[0][key] != values[1][key] for key in values[0])
    configs = [composed(f"experiment={experiment}", *job) for job in (jobs[0], jobs[-1])]
    for config in configs:
        validate(config)
    assert run_name(configs[0]) != run_name(configs[1])


def test_sweeps_need_no_option_to_be_run_with_the_launcher() -> None:
    launcher = with_hydra("experiment=tiny").hydra.launcher
    assert launcher._target_ == "hydra_plugins.slots_launcher.launcher.SlotsLauncher"
    assert launcher.cost > 0
    assert launcher.out_of_memory_halves == ["trainer.micro_batch_size", "trainer.batch_size"]


def test_a_larger_model_more_epochs_and_more_reviews_cost_more() -> None:
    sizes = [run_cost(composed("targets=none", f"model={m}")) for m in ("scratch", "base", "large", "xl")]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)
    base = run_cost(composed("targets=none"))
    assert run_cost(composed("targets=none", "trainer.max_epochs=8")) == 2 * base
    assert run_cost(composed("targets=none", "source=amazon_enja", "trainer.max_epochs=4")) == 2 * base
    assert run_cost(composed("targets=none", "source.amazon_en.limit=16000")) == pytest.approx(base / 10)
    assert run_cost(OmegaConf.create({})) == 0


def test_few_labels_cost_little_and_come_last() -> None:
    def cost_of(*overrides: str) -> float:
        return run_cost(composed("targets=smsa_id", *overrides))

    few = [cost_of(f"protocol={name}", "protocol.shots=16") for name in ("few_shot", "supervised")]
    zero, full, joint = (cost_of(f"protocol={name}") for name in ("zero_shot", "supervised", "joint"))
    assert few[0] == few[1] < full < zero < joint


def test_a_micro_batch_size_is_the_same_run() -> None:
    whole, parts = composed("experiment=tiny"), composed("experiment=tiny", "trainer.micro_batch_size=4")
    assert run_name(whole) == run_name(parts)
    assert parts.trainer.micro_batch_size == 4


def test_the_wandb_search_sweeps_options_that_there_are() -> None:
    search = yaml.safe_load((ROOT / "conf" / "wandb_search.yaml").read_text())
    assert search["metric"]["name"].startswith("dev/amazon_en/")  # never a target
    values = {key: space["min"] if "min" in space else space["value"] for key, space in search["parameters"].items()}
    config = composed(*(f"{key}={value}" for key, value in values.items()))
    validate(config)
    assert config.optimizer.learning_rate == values["optimizer.learning_rate"]
    assert len(list(itertools.chain(search["parameters"]))) >= 2
