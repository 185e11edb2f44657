"""The speed benchmark in miniature: every contestant takes its turns and reports them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import contestants
from benchmarks.job.__main__ import timed
from benchmarks.job.recipe import Job, write_recipe
from benchmarks.workload import BATCH, Workload, workload
from tests.helpers.encoders import pretrained_folder

TURNS = 2


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretrained_folder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch, real_data: Path, tmp_path: Path) -> list[dict[str, Any]]:
    """What a contestant says in its turns, over 96 reviews of SmSA."""

    def small(encoder: str, *overrides: str) -> Workload:
        few = ("source.smsa_id.limit=96", "targets.indolem_id.limit=96", "data.max_length=64")
        paths = (f"paths.data_dir={real_data}", f"paths.cache_dir={tmp_path}")
        return workload(encoder, *few, *paths, "trainer.precision=32-true", *overrides)

    turns = iter(TURNS * [True])
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(contestants, "workload", small)
    monkeypatch.setattr(contestants, "asked", lambda: next(turns, False))
    monkeypatch.setattr(contestants, "say", lambda **what: said.append(what))
    return said


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore")  # of the peers' own making
@pytest.mark.parametrize("task", ["train", "score"])
@pytest.mark.parametrize("name", ["packed", "padded", "trainer", "tuned"])
def test_every_contestant_takes_its_turns(name: str, task: str, encoder: Path, reported: list[dict[str, Any]]) -> None:
    contestants.TASKS[task][name](str(encoder))
    ready, *turns = reported
    assert ready == {"ready": True}
    assert len(turns) == TURNS
    for turn in turns:
        assert turn["seconds"] > 0 and turn["peak"] > 0
        assert turn["tokens"] > turn["reviews"] == (BATCH if task == "train" else contestants.PART)


@pytest.mark.real_data
@pytest.mark.parametrize("flags", [[], ["--tuned"]])
def test_a_peer_does_the_whole_job_on_the_same_splits(
    flags: list[str], encoder: Path, real_data: Path, tmp_path: Path
) -> None:
    overrides = (
        "model=local",
        f"model.encoder={encoder}",
        "source=uci_en",
        "targets=[smsa_id]",
        "trainer.max_epochs=1",
    )
    more = (f"paths.data_dir={real_data}", f"paths.cache_dir={tmp_path}/cache", "data.limit=40", "data.max_length=32")
    recipe = write_recipe(Job("little", overrides), tmp_path, more)
    assert recipe["rows"] == {"train": 40, "dev": 40, "test_uci_en": 40, "test_smsa_id": 40}
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe | {"seed": 0}))
    command = [sys.executable, "-m", "benchmarks.job.trainer", str(path), *flags]
    turn = timed(command, tmp_path)
    assert turn["wall"] > 0 and turn["cpu"] > 0 and turn["peak"] > 0
    account = json.loads(turn["output"])
    assert set(account["errors"]) == {"uci_en", "smsa_id"}
    assert all(0 <= error <= 1 for error in account["errors"].values())
    assert sum(account["parts"].values()) <= turn["wall"]
