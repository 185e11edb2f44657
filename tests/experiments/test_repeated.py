"""``from_run=<folder>``: the configuration of a run again, as it was, or with options that are typed beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from tests.helpers.example_result import example_result
from tests.helpers.runs import ROOT, composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.config.typed import plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.experiments.repeated import recorded
from sentiment_transfer.results.record import write_result

TYPED = ("experiment=demo", "seed=3", "targets=[smsa_id,written_ja]", "optimizer=sgd", "optimizer.momentum=0.5")


def run(folder: Path, *overrides: str, hydra: bool = True, record: bool = True) -> DictConfig:
    """What a run of these options leaves in ``folder``; returns its configuration."""
    config = composed(*overrides)
    folder.mkdir(parents=True, exist_ok=True)
    if hydra:
        (folder / ".hydra").mkdir()
        OmegaConf.save(config, folder / ".hydra" / "config.yaml")
    if record:
        write_result(folder, example_result(config=plain(validate(config))))
    return config


@pytest.fixture(autouse=True)
def hydras_job_kept() -> Iterator[None]:
    """``directory`` says which job this is, as ``hydra.main`` does: the tests that come after are none."""
    before = HydraConfig.instance().cfg
    yield
    HydraConfig.instance().cfg = before


def directory(*overrides: str) -> str:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        config = compose("config", list(overrides), return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        return str(config.hydra.run.dir)


@pytest.mark.parametrize(("hydra", "record"), [(True, True), (True, False), (False, True)])
def test_the_same_run(tmp_path: Path, hydra: bool, record: bool) -> None:
    before = run(tmp_path / "kept elsewhere", *TYPED, hydra=hydra, record=record)
    typed = f"from_run='{tmp_path / 'kept elsewhere'}'"
    assert plain(validate(composed(typed))) == plain(validate(before))
    assert directory(typed) == str(tmp_path / "kept elsewhere")
    before.seed = 4
    assert directory(typed, "seed=4") == f"outputs/{run_name(before)}"


def test_a_typed_option_replaces_the_runs(tmp_path: Path) -> None:
    run(tmp_path / "run", *TYPED)
    typed = f"from_run={tmp_path / 'run'}"
    varied = ("model=large", "trainer.max_epochs=2", "targets=indolem_id", "source=smsa_id", "loss=focal")
    assert run_name(composed(typed, *varied)) == run_name(composed(*TYPED, *varied))
    # The rate of the other optimiser is its model's, as where no run is repeated.
    assert composed(typed, "model.learning_rate=1e-3", "optimizer=adamw").optimizer.learning_rate == 1e-3
    assert composed(typed, "experiment=tiny").model.name == "scratch"


def test_what_the_run_computed_follows(tmp_path: Path) -> None:
    run(tmp_path / "run", "model=base")
    large = composed(f"from_run={tmp_path / 'run'}", "model=large")
    assert large.optimizer.learning_rate == composed("model=large").optimizer.learning_rate


def test_files_that_have_changed_since_are_not_read(tmp_path: Path) -> None:
    texts = {
        "model": "name: scratch\nencoder: builtin:scratch\nweights: random\nlearning_rate: 0.5\n",
        "experiment": "# @package _global_\ndefaults:\n  - override /model: mine\nseed: 5\n",
    }
    for group, text in texts.items():
        (tmp_path / group).mkdir()
        (tmp_path / group / "mine.yaml").write_text(text)
    path = f"hydra.searchpath=[file://{tmp_path}]"
    before = run(tmp_path / "run", path, "experiment=mine")
    (tmp_path / "model" / "mine.yaml").write_text("name: scratch\nlearning_rate: 0.1\n")
    (tmp_path / "experiment" / "mine.yaml").unlink()
    assert plain(validate(composed(f"from_run={tmp_path / 'run'}"))) == plain(validate(before))


def test_an_unfinished_run_with_an_optimiser_of_ones_own(tmp_path: Path) -> None:
    before = run(tmp_path, "optimizer._target_=torch.optim.RAdam", "+optimizer.foreach=true", record=False)
    assert run_name(composed(f"from_run={tmp_path}")) == run_name(before)


def test_a_run_of_the_previous_version(tmp_path: Path) -> None:
    """It recorded no schedule, loss or callbacks: they have their defaults."""
    config = plain(validate(composed("seed=2")))
    for later in ("schedule", "loss", "callbacks"):
        config.pop(later, None)
    write_result(tmp_path, example_result(config=config))
    assert run_name(composed(f"from_run={tmp_path}")) == run_name(composed("seed=2"))
    write_result(tmp_path, example_result(config=config | {"data": config["data"] | {"shuffled": True}}))
    with pytest.raises(UserError, match=r"data\.shuffled in the recorded configuration is not an option of this"):
        recorded(str(tmp_path))


def evaluation(folder: Path) -> None:
    result: Any = example_result()
    write_result(folder, result | {"config": result["config"] | {"evaluated": {"checkpoint": "x"}}})


def mean(folder: Path) -> None:
    result: Any = example_result()
    write_result(folder, result | {"model": result["model"] | {"averaged": ["one", "two"]}})


def written(name: str, text: str) -> Any:
    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    return write


@pytest.mark.parametrize(
    ("prepare", "typed", "sentence"),
    [
        (evaluation, "", r"is an evaluation, not a run of train\.py"),
        (mean, "", r"is the mean of several runs.*: give the folder of one of them, one, two\.$"),
        (written("result.json", "{"), "", "is damaged or incomplete"),
        (written("result.json", "{}"), "/result.json", r"is a file: type from_run=.*/run\.$"),
        (written("config.json", "{}"), "", "is an exported model"),
        (written(".hydra/config.yaml", "a: ["), "", r"config\.yaml is damaged: expected the node content"),
        (written(".hydra/config.yaml", ""), "", r"config\.yaml is damaged: it is empty"),
        (written(".hydra/config.yaml", "seed: 0\n"), "", r"is not the configuration of a run of train\.py"),
        (written("notes.txt", ""), "", r"is no run: it has neither result\.json nor \.hydra/config\.yaml"),
        (written("notes.txt", ""), "n", r"there is no folder of that name\. Did you mean from_run=.*/run\?"),
        (written("one/result.json", "{}"), "", r"Type one of the runs in it, such as from_run=.*/run/one\.$"),
    ],
)
def test_what_is_no_run_is_a_sentence(tmp_path: Path, prepare: Any, typed: str, sentence: str) -> None:
    (tmp_path / "run").mkdir()
    prepare(tmp_path / "run")
    with pytest.raises(UserError, match=sentence):
        composed(f"from_run={tmp_path / 'run'}{typed}")
