"""Runs by every protocol: what each trains on, what it goes on from, and that nothing is done twice."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.helpers.distant import distant
from tests.helpers.encoders import pretrained_folder
from tests.helpers.runs import composed, trained
from tests.helpers.stopping import Steps, Whole, differences, send, stopped, undisturbed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import RunResult, read_result
from sentiment_transfer.runs import source_model as stage
from sentiment_transfer.training.selection import at_epoch

ENCODER = Path(os.environ["SENTIMENT_CACHE_DIR"]) / "tiny-encoder"  # knows tokens that only the targets have
TINY = (
    "experiment=tiny",
    "model=local",
    f"model.encoder={ENCODER}",
    "model.learning_rate=1e-3",
    "model.dropout=0.1",
    "source.written_en.limit=38",
    "trainer.batch_size=8",
    "trainer.max_epochs=2",
    "logger=none",
)
TARGET = ("targets=none", *distant("ja", "limit=60"))
FEW = (*TINY, *TARGET, "protocol=few_shot", "protocol.shots=2", "protocol.steps=6")
OF_SOURCE = 10  # steps of the source run: five an epoch
OF_FEW = 6  # three an epoch, 24 rows


@pytest.fixture(scope="module", autouse=True)
def encoder() -> None:
    pretrained_folder(ENCODER)


def place(parent: Path, *overrides: str) -> Path:
    """The directory that ``train.py`` would run in."""
    return parent / run_name(composed(*overrides))


def run_in(parent: Path, *overrides: str) -> tuple[Path, RunResult]:
    outputs = f"paths.output_dir={parent}"
    folder = place(parent, *overrides)
    return folder, trained(folder, *overrides, outputs, f"paths.sweep_dir={parent}")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A few-shot run and, beside it, the source run that it made; and the rows of all training parts."""
    parent = tmp_path_factory.mktemp("few")
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        folder, _ = run_in(parent, *FEW)
    return folder, steps.rows


def test_few_shot_trains_the_source_first_as_a_run_of_its_own(few: tuple[Path, list[Any]]) -> None:
    folder, rows = few
    result = read_result(folder)
    source = folder.parent / result["source"]["started_from"]
    assert source == place(folder.parent, *TINY, *TARGET)
    before = read_result(source)["scores"]["far_ja"]
    assert before["protocol"] == "zero-shot"
    assert result["scores"]["far_ja"]["zero_shot"] == before["selections"]["last"][before["metric"]]  # type: ignore[literal-required]
    assert "zero_shot" not in result["scores"]["written_en"]
    assert len(rows) == OF_SOURCE + OF_FEW
    assert {row for part in rows[OF_SOURCE:] for row in part} == {38, 39, 40, 41}  # the target's: no source row again


def test_the_label_budget_is_in_the_record(few: tuple[Path, list[Any]]) -> None:
    result = read_result(few[0])
    target, source = result["scores"]["far_ja"], result["scores"]["written_en"]
    assert (target["role"], target["protocol"]) == ("target", "few-shot")
    assert target["label_budget"] == {"total": 4, "label_use": "sequential", "per_class": 2, "sample_seed": 0}
    assert source["label_budget"]["total"] == 38
    assert result["audit"]["splits"]["far_ja"]["train"]["rows"] == 4
    overlaps = [o for o in result["audit"]["overlaps"] if (o["train"], o["scored"]) == ("far_ja", "far_ja")]
    assert [(o["split"], o["shared"]) for o in overlaps] == [("test", 0)]
    assert list(result["history"][-1]["dev"]) == ["written_en"]  # no development set of the target


def test_another_few_shot_run_goes_on_from_the_same_model(
    few: tuple[Path, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch)
    other = ("targets=none", *distant("id", "limit=50"), "protocol=few_shot", "protocol.shots=1", "protocol.steps=6")
    _, result = run_in(few[0].parent, *TINY, *other)
    assert result["source"]["started_from"] == read_result(few[0])["source"]["started_from"]
    assert len(steps.rows) == OF_FEW


def test_another_recipe_or_seed_is_another_source_model(few: tuple[Path, list[Any]]) -> None:
    parent = few[0].parent
    wanted = stage.source_run(validate(composed(*FEW)))
    assert list(stage.finished_runs(wanted, parent))
    for change in ("seed=1", "optimizer.learning_rate=1e-4", "source.written_en.limit=40", "trainer.max_epochs=1"):
        assert not list(stage.finished_runs(stage.source_run(validate(composed(*FEW, change))), parent)), change
    for change in ("trainer.oracle=true", "data.dedup=true", "protocol.shots=8", "trainer.keep_weights=false"):
        assert list(stage.finished_runs(stage.source_run(validate(composed(*FEW, change))), parent)), change


def test_few_shot_starts_from_the_source_weights(tmp_path: Path, few: tuple[Path, list[Any]]) -> None:
    """With hardly a rate it answers as the source model does, and the tokens that only the target has are there."""
    source = few[0].parent / read_result(few[0])["source"]["started_from"]
    (tmp_path / source.name).symlink_to(source)
    folder, _ = run_in(tmp_path, *FEW, "protocol.learning_rate=1e-9")
    before, after = (read_predictions(run, "far_ja").probabilities["last"] for run in (source, folder))
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert np.abs(read_predictions(few[0], "far_ja").probabilities["last"] - before).max() > 1e-4


def test_a_source_run_that_kept_no_weights_is_named(tmp_path: Path, few: tuple[Path, list[Any]]) -> None:
    folder, _ = run_in(tmp_path, *FEW)
    source = tmp_path / read_result(folder)["source"]["started_from"]
    epoch = read_result(source)["selections"]["last"]["epoch"]
    at_epoch(epoch).path(source).unlink()
    with pytest.raises(UserError, match=r"its weights are missing\. Delete that folder to train it again"):
        run_in(tmp_path, *FEW, "protocol.sample_seed=1")


def test_a_source_run_with_damaged_weights_is_named(tmp_path: Path, few: tuple[Path, list[Any]]) -> None:
    source = few[0].parent / read_result(few[0])["source"]["started_from"]
    copied = Path(shutil.copytree(source, tmp_path / source.name))
    path = at_epoch(read_result(source)["selections"]["last"]["epoch"]).path(copied)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=rf"does not match its checksum.*Delete {copied} to train it again"):
        run_in(tmp_path, *FEW)


@pytest.fixture(scope="module")
def whole_few(few: tuple[Path, list[Any]]) -> Whole:
    return few


@pytest.mark.parametrize("part", [3, OF_SOURCE + 2, OF_SOURCE + 4])
def test_a_few_shot_run_that_is_stopped_in_either_stage_reaches_the_same_bits(
    tmp_path: Path, whole_few: Whole, steps: Steps, part: int
) -> None:
    steps.at, steps.then = part, send(signal.SIGTERM)
    folder = place(tmp_path, *FEW)
    stopped(folder, *FEW, f"paths.output_dir={tmp_path}", f"paths.sweep_dir={tmp_path}")
    run_in(tmp_path, *FEW)
    assert steps.rows == whole_few[1]
    assert [name for name in differences(folder, whole_few[0]) if name != "config"] == []
    source = read_result(folder)["source"]["started_from"]
    assert [n for n in differences(tmp_path / source, whole_few[0].parent / source) if n != "config"] == []


def test_supervised_on_few_labels_uses_no_source_and_no_development_set(tmp_path: Path, steps: Steps) -> None:
    _, result = run_in(tmp_path, *TINY, *TARGET, "protocol=supervised", "protocol.shots=2", "protocol.steps=6")
    assert list(result["scores"]) == result["source"]["names"] == ["far_ja"]
    assert result["scores"]["far_ja"]["label_budget"] == {
        "total": 4,
        "label_use": "target_only",
        "per_class": 2,
        "sample_seed": 0,
    }
    assert result["scores"]["far_ja"]["protocol"] == "few-label"
    assert set(result["selections"]) == {"last", "average"}
    assert len(steps.rows) == OF_FEW


def test_few_shot_and_few_label_runs_draw_the_same_examples(tmp_path: Path, few: tuple[Path, list[Any]]) -> None:
    _, alone = run_in(tmp_path, *TINY, *TARGET, "protocol=supervised", "protocol.shots=2", "protocol.steps=1")
    both = (
        alone["audit"]["splits"]["far_ja"]["train"],
        read_result(few[0])["audit"]["splits"]["far_ja"]["train"],
    )
    assert both[0] == both[1]


@pytest.mark.parametrize("how", ["few_shot", "joint"])
def test_joint_protocols_train_on_both_at_once(tmp_path: Path, steps: Steps, how: str) -> None:
    shots = ("protocol.shots=1", "protocol.mode=joint", "protocol.target_fraction=0.25") * (how == "few_shot")
    _, result = run_in(tmp_path, *TINY, *TARGET, f"protocol={how}", *shots)
    counts = np.bincount([row for part in steps.rows for row in part])
    assert counts[:38].tolist() == 38 * [2]  # two epochs
    labels = result["scores"]["far_ja"]["label_budget"]
    if how == "joint":
        assert labels == {"total": 60, "label_use": "joint"}
        assert counts[38:].tolist() == 60 * [2]
    else:
        assert labels == {"total": 2, "label_use": "joint", "per_class": 1, "sample_seed": 0}
        assert counts[38:].tolist() == 2 * [2 * 6]  # 12 of 50 rows of an epoch
    assert "started_from" not in result["source"]
    assert list(result["history"][-1]["dev"]) == ["written_en"]


@pytest.mark.real_data
def test_few_shot_on_a_fold_of_indolem(tmp_path: Path, real_data: Path) -> None:
    """39 to 55 test rows of a fold are in its training split too: none of them is drawn."""
    _, result = run_in(
        tmp_path, *TINY[:-1], "logger=none", "targets=indolem_id", "targets.indolem_id.fold=2",
        "protocol=few_shot", "protocol.shots=400", "protocol.steps=2", "data.max_length=16",
        f"paths.data_dir={real_data}",
    )  # fmt: skip
    assert result["scores"]["indolem_id"]["n"] == 1011
    assert result["scores"]["indolem_id"]["label_budget"]["total"] == 800
    [overlap] = [o for o in result["audit"]["overlaps"] if o["train"] == o["scored"] == "indolem_id"]
    assert overlap["shared"] == 0


def test_more_shots_than_the_target_has_are_refused_before_training(tmp_path: Path, steps: Steps) -> None:
    with pytest.raises(UserError, match=r"protocol\.shots=100 is more than far_ja has"):
        run_in(tmp_path, *TINY, *TARGET, "protocol=supervised", "protocol.shots=100")
    assert steps.rows == []


def test_undisturbed_runs_are_the_same_whoever_made_the_source_model(tmp_path: Path, whole_few: Whole) -> None:
    """A user's own zero-shot run on other targets serves as well, to the last bit of the source's weights."""
    undisturbed(place(tmp_path, *TINY, "targets=written_id"), *TINY, "targets=written_id")
    folder, _ = run_in(tmp_path, *FEW)
    mine, theirs = (read_predictions(run, "far_ja").probabilities["last"] for run in (folder, whole_few[0]))
    np.testing.assert_allclose(mine, theirs, atol=1e-6)
