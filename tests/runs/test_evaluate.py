"""evaluate.py scores under the contract of a run, and what it leaves stands beside runs in the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from tests.helpers.encoders import pretrained_folder
from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.runs import ROOT, SMALL, trained

from sentiment_transfer import cli
from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.program_options import EvaluateConfig
from sentiment_transfer.config.run_name import evaluation_name
from sentiment_transfer.errors import UserError
from sentiment_transfer.prediction.predictor import Predictor
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.command import main as report
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import RunResult, read_result
from sentiment_transfer.runs.evaluate import evaluate

SMALL_TARGETS = ("targets=[written_ja,written_id]", "targets.written_ja.limit=100", "targets.written_id.limit=100")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def run(outputs: Path) -> Path:
    trained(outputs / "tiny-run", *SMALL, "trainer.precision=32-true")
    return outputs / "tiny-run"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A three-class classifier of unknown origin."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    folder = tmp_path_factory.mktemp("hub") / "sentiment-of-somebody"
    encoder = pretrained_folder(folder.parent / "encoder")
    labels = {0: "positive", 1: "neutral", 2: "negative"}
    config = AutoConfig.from_pretrained(encoder, num_labels=3, id2label=labels)
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    learnt_tokenizer().save_pretrained(folder)
    return folder


def composed(checkpoint: Path, *overrides: str) -> DictConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        config = compose("evaluate", overrides=["checkpoint=x", "precision=32-true", *overrides])
    config.checkpoint = str(checkpoint)
    return config


def evaluated(outputs: Path, checkpoint: Path, *overrides: str) -> RunResult:
    config = composed(checkpoint, *overrides)
    folder = outputs / evaluation_name(config)
    folder.mkdir(exist_ok=True)
    evaluate(validate(config, EvaluateConfig), folder)
    return read_result(folder)


@pytest.fixture(scope="module")
def of_the_run(outputs: Path, run: Path) -> RunResult:
    return evaluated(outputs, run, *SMALL_TARGETS)


@pytest.fixture(scope="module")
def of_the_foreign(outputs: Path, foreign: Path) -> RunResult:
    return evaluated(outputs, foreign, *SMALL_TARGETS)


def test_a_runs_scores_come_out_again(outputs: Path, run: Path, of_the_run: RunResult) -> None:
    before = read_result(run)
    for name in ("written_ja", "written_id"):
        ours_, theirs_ = of_the_run["scores"][name], before["scores"][name]
        assert {k: v for k, v in ours_.items() if k != "selections"} == {
            k: v for k, v in theirs_.items() if k != "selections"
        }
        assert ours_["selections"].keys() == theirs_["selections"].keys()
        for selection, scores in ours_["selections"].items():
            assert scores["confusion"] == theirs_["selections"][selection]["confusion"]
        ours = read_predictions(outputs / of_the_run["run_id"], name)
        theirs = read_predictions(run, name)
        assert ours.ids == theirs.ids and ours.probabilities.keys() == theirs.probabilities.keys()
        for selection, probabilities in ours.probabilities.items():
            assert np.abs(probabilities - theirs.probabilities[selection]).max() < 1e-4
        assert ours.features is not None and theirs.features is not None
        assert 0 < ours_["tokens"]["seen"] < 1  # type: ignore[operator]
        for column, values in ours.features.items():
            np.testing.assert_array_equal(values, theirs.features[column])
        assert {"plain", "irony"} < set(ours.features["tag"]) and set(ours.features["domain"]) >= {"hotel", "film"}
    for key in ("model", "source", "seed", "caveats", "selections"):
        assert of_the_run[key] == before[key]  # type: ignore[literal-required]
    assert of_the_run["audit"]["overlaps"]


def test_a_foreign_model_is_scored_and_its_training_is_not_guessed(outputs: Path, of_the_foreign: RunResult) -> None:
    result = of_the_foreign
    assert result["source"]["names"] == ["unknown"]
    assert {entry["protocol"] for entry in result["scores"].values()} == {"unknown"}
    assert result["model"]["name"] == "sentiment-of-somebody"
    assert "training data unknown" in result["caveats"]
    answers = read_predictions(outputs / result["run_id"], "written_ja")
    assert answers.classes == ("negative", "positive")  # the set's classes in its order; neutral has no share
    assert np.abs(answers.probabilities["last"].sum(1) - 1).max() < 1e-5
    assert result["model"]["parameters"] > 1_000
    tokens = result["scores"]["written_ja"]["tokens"]
    assert tokens["seen"] is None and tokens["per_character"] > 0
    assert answers.features is not None and np.isnan(answers.features["seen"]).all()
    assert set(answers.features["script"]) == {"Jpan"}


def test_the_report_takes_both(outputs: Path, of_the_run: RunResult, of_the_foreign: RunResult, tmp_path: Path) -> None:
    found = collect([outputs])
    assert {of_the_run["run_id"], of_the_foreign["run_id"]} <= set(found.folders)
    assert not found.unreadable
    assert report([str(outputs), "--out", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "sentiment-of-somebody" in page
    assert "evaluate.py" in page


def test_the_report_names_an_evaluation_by_what_it_was_on(outputs: Path, run: Path, of_the_run: RunResult) -> None:
    from sentiment_transfer.report.analysis.entries import group_runs, make_entries

    names = [entry.name for entry, _ in make_entries(group_runs([read_result(run), of_the_run]))]
    assert sorted(names) == ["scratch (evaluated=on written_id+written_ja)", "scratch (evaluated=with the run)"]


def test_a_second_evaluation_is_the_same_directory_and_is_skipped(
    outputs: Path, run: Path, of_the_run: RunResult, capsys: pytest.CaptureFixture[str]
) -> None:
    config = composed(run, *SMALL_TARGETS)
    assert evaluation_name(config) == of_the_run["run_id"]
    assert evaluation_name(composed(run, *SMALL_TARGETS, "batch_tokens=100")) == of_the_run["run_id"]
    assert evaluation_name(composed(run, *SMALL_TARGETS, "data.max_length=32")) != of_the_run["run_id"]
    record = outputs / of_the_run["run_id"] / "result.json"
    before = record.read_bytes()
    cli.evaluate(config, str(record.parent))
    assert "Evaluated before" in capsys.readouterr().out
    assert record.read_bytes() == before


def test_a_target_that_was_trained_on_has_the_sources_test_rows(outputs: Path, run: Path) -> None:
    result = evaluated(outputs, run, "targets=written_en")
    before = read_result(run)["scores"]["written_en"]
    assert result["scores"]["written_en"]["protocol"] == "supervised"
    assert result["scores"]["written_en"]["n"] == before["n"]


def test_training_data_that_is_gone_is_said(outputs: Path, run: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(run, tmp_path / "copy")
    record = json.loads((copy / "result.json").read_text())
    record["config"]["source"] = {
        "mine": {"kind": "csv", "path": "gone.csv", "text": "text", "label": "label", "language": "en"}
    }
    (copy / "result.json").write_text(json.dumps(record))
    result = evaluated(tmp_path, copy, *SMALL_TARGETS)
    assert "cannot be read, so nothing is audited" in result["audit"]["unread"]
    assert result["audit"]["overlaps"] == []
    assert result["scores"]["written_ja"]["protocol"] == "zero-shot"
    assert result["scores"]["written_ja"]["tokens"]["seen"] is None


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("targets=none",), "targets is empty"),
        (("targets=smsa_id",), "There is nothing to score on: no target is available. smsa_id"),
        ((*SMALL_TARGETS, "data.dedup=true"), "needs to know what the model was trained on"),
        ((*SMALL_TARGETS, "data.max_length=2000"), "is more than the 64 tokens"),
        ((*SMALL_TARGETS, "data.max_length=1"), "data.max_length=1 is invalid: it must be an integer >= 4"),
        ((*SMALL_TARGETS, "precision=int3"), "precision=int3 is invalid: it must be one of auto"),
        (("targets=written_ja", "targets.written_ja.limit=1"), "limit=1 is invalid: it must be an integer >= 2"),
    ],
)
def test_what_cannot_be_evaluated(foreign: Path, tmp_path: Path, overrides: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        evaluated(tmp_path, foreign, *overrides)
    assert not list(tmp_path.rglob("result.json"))


def test_an_output_that_is_not_finite_is_refused_with_its_review(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = Predictor._logits
    monkeypatch.setattr(Predictor, "_logits", lambda *arguments: logits(*arguments) * torch.nan)
    with pytest.raises(UserError, match=r"for review \S+ of written_ja \(test\) is not a finite number"):
        evaluated(tmp_path, run, "targets=written_ja", "targets.written_ja.limit=20")
    assert not list(tmp_path.rglob("result.json"))
