"""The mean of runs: of those that began alike, scored as a run of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.helpers.runs import trained

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import read_result, write_result
from sentiment_transfer.runs.average import main
from sentiment_transfer.training.selection import SavedWeights, at_epoch, mean_of_epochs

RUN = (
    "experiment=tiny",
    "model.init_seed=0",
    "source.written_en.limit=64",
    "targets.written_ja.limit=40",
    "targets.written_id.limit=40",
    "trainer.batch_size=16",
    "trainer.max_epochs=2",
    "logger=none",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    parent = tmp_path_factory.mktemp("runs")
    for seed in range(3):
        trained(parent / f"s{seed}", *RUN, f"seed={seed}")
    return [parent / f"s{seed}" for seed in range(3)]


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    return error


def averaged(runs: list[Path], out: Path, *options: str) -> Path:
    assert main([*map(str, runs), "--out", str(out), *options]) == 0
    return out


def test_runs_with_one_head_seed_begin_alike_and_end_apart(runs: list[Path]) -> None:
    weights = [load_file(at_epoch(1).path(run)) for run in runs]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(("selection", "averaged_weights"), [("last", at_epoch(1)), ("average", mean_of_epochs(2))])
def test_the_mean_is_that_of_every_tensor(
    runs: list[Path], tmp_path: Path, selection: str, averaged_weights: SavedWeights
) -> None:
    folder = averaged(runs, tmp_path / "mean", "--selection", selection)
    mean = load_file(SavedWeights("mean_of_runs", 3).path(folder))
    weights = [load_file(averaged_weights.path(run)) for run in runs]
    for name, tensor in mean.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, torch.stack([of[name] for of in weights]).mean(0), rtol=1e-5, atol=1e-7)
        else:
            assert torch.equal(tensor, weights[0][name])


def test_the_mean_is_a_result_of_its_own_on_the_same_reviews(runs: list[Path], tmp_path: Path) -> None:
    folder = averaged(runs, tmp_path / "mean")
    mean, one = read_result(folder), read_result(runs[0])
    assert mean["model"]["name"] == "scratch, mean of 3 runs"
    assert mean["selections"] == {"last": {"mean_of_runs": 3}}
    assert mean["model"]["averaged"] == [read_result(run)["run_id"] for run in runs]
    assert list(mean["scores"]) == list(one["scores"])
    assert mean["scores"]["written_ja"]["protocol"] == "zero-shot"
    assert read_predictions(folder, "written_ja").ids == read_predictions(runs[0], "written_ja").ids
    assert mean["run_id"] != one["run_id"] and mean["caveats"] == one["caveats"]


def test_a_second_time_it_is_shown_and_not_computed(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = averaged(runs, tmp_path / "mean")
    written = (folder / "result.json").stat().st_mtime_ns
    capsys.readouterr()
    averaged(runs, folder)
    assert "Finished before" in capsys.readouterr().out
    assert (folder / "result.json").stat().st_mtime_ns == written


def test_its_place_is_beside_the_runs_whatever_their_order(runs: list[Path], tmp_path: Path) -> None:
    copies = [Path(shutil.copytree(run, tmp_path / run.name)) for run in runs]
    assert main([str(run) for run in copies]) == 0
    assert main([str(run) for run in reversed(copies)]) == 0
    [folder] = tmp_path.glob("scratch-written_en-mean-of-3-*")
    assert (folder / "result.json").is_file()


def changed(run: Path, folder: Path, **config: object) -> Path:
    shutil.copytree(run, folder)
    result = read_result(folder)
    result["run_id"] += "-changed"
    result["config"] = json.loads(json.dumps(result["config"]))
    for key, value in config.items():
        group, _, name = key.partition("__")
        result["config"][group][name] = value
    write_result(folder, result)
    return folder


def test_runs_with_different_heads_are_refused(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = [changed(run, tmp_path / run.name, model__init_seed=None) for run in runs[:2]]
    assert "began with different heads" in said(capsys, *own)


def test_runs_of_another_recipe_are_refused_with_what_differs(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = changed(runs[1], tmp_path / "other", optimizer__weight_decay=0.5)
    assert "optimizer.weight_decay (0.01, 0.5)" in said(capsys, runs[0], other)


def test_what_is_no_set_of_runs_is_refused(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "two different runs or more" in said(capsys, runs[0])
    assert "two different runs or more" in said(capsys, runs[0], runs[0])
    assert "named twice" in said(capsys, *runs[:2], runs[0])
    assert "has not finished" in said(capsys, runs[0], tmp_path)
    bare = changed(runs[1], tmp_path / "bare")
    shutil.rmtree(bare / "weights")
    assert "has not kept its weights" in said(capsys, runs[0], bare)
    mean = averaged(runs, tmp_path / "mean")
    capsys.readouterr()
    assert "is a mean of runs already" in said(capsys, runs[0], mean)


def test_weights_of_other_tokens_are_refused(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(tmp_path / "other", *RUN[:2], "source.written_en.limit=70", *RUN[3:], "seed=1")
    other = changed(tmp_path / "other", tmp_path / "changed")
    result = read_result(other)
    result["config"]["source"]["written_en"]["limit"] = 64
    write_result(other, result)
    assert "the runs' texts had other tokens" in said(capsys, runs[0], other)


def test_damaged_weights_are_named(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = Path(shutil.copytree(runs[1], tmp_path / "damaged"))
    path = at_epoch(1).path(damaged)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    error = said(capsys, runs[0], damaged, "--out", tmp_path / "mean")
    assert f"The weights {path} are damaged or truncated (it does not match its checksum)." in error


@pytest.mark.parametrize("name", ["../..", "/tmp/elsewhere", "..", "a\\b", "a\x00b", "", "x" * 300])
def test_a_records_names_lead_nowhere(
    name: str, runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = tmp_path / "a" / "b"
    copies = [Path(shutil.copytree(run, inner / run.name)) for run in runs[:2]]
    for copy in copies:
        result = read_result(copy)
        result["model"]["name"] = name
        write_result(copy, result)
    before = sorted(tmp_path.rglob("*"))
    assert "is refused: it becomes a part of paths" in said(capsys, *copies)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_datasets_name_in_a_record_leads_nowhere(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = tmp_path / "a" / "b"
    copies = [Path(shutil.copytree(run, inner / run.name)) for run in runs[:2]]
    for copy in copies:
        text = (copy / "result.json").read_text().replace("written_ja", "../../outside")
        (copy / "result.json").write_text(text)
    error = said(capsys, *copies, "--out", inner / "mean")
    assert "The name '../../outside' of a dataset is refused" in error
    assert not list(tmp_path.rglob("outside*"))


def test_a_records_cache_is_not_used(runs: list[Path], tmp_path: Path) -> None:
    """Compiled kernels in it would be loaded."""
    copies = [Path(shutil.copytree(run, tmp_path / run.name)) for run in runs[:2]]
    for copy in copies:
        result = read_result(copy)
        result["config"]["paths"]["cache_dir"] = str(tmp_path / "theirs")
        write_result(copy, result)
    averaged(copies, tmp_path / "mean", "--cache-dir", str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "tokens").is_dir() and not (tmp_path / "theirs").exists()


def test_a_damaged_record_is_a_sentence(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = Path(shutil.copytree(runs[1], tmp_path / "other"))
    result = read_result(other)
    result["model"]["name"] = 5  # type: ignore[typeddict-item]
    write_result(other, result)
    assert "damaged record (model.name: input should be a valid string)" in said(capsys, runs[0], other)


def test_the_mean_of_adapters_is_that_of_the_opened_models(tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="the extra is not installed: pip install 'sentiment-transfer[lora]'")
    lora = ("model.lora_rank=4", "optimizer.learning_rate=0.05", *RUN)
    runs = [tmp_path / f"s{seed}" for seed in range(2)]
    for seed, run in enumerate(runs):
        record = trained(run, *lora, f"seed={seed}")
    for selection in ("last", "average"):
        folder = averaged(runs, tmp_path / f"mean-{selection}", "--selection", selection)
        opened = [open_model(str(run), selection=selection).network.state_dict() for run in runs]
        mean = open_model(str(folder)).network.state_dict()
        moved = 0.0
        for name, tensor in mean.items():
            if tensor.is_floating_point():
                torch.testing.assert_close(tensor, (opened[0][name] + opened[1][name]) / 2, rtol=1e-5, atol=1e-6)
                moved = max(moved, float((opened[0][name] - opened[1][name]).abs().max()))
        assert moved > 0.01  # the runs ended apart
        for counted in ("parameters", "trainable_parameters"):
            assert read_result(folder)["model"][counted] == record["model"][counted]  # type: ignore[literal-required]
