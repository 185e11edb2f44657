"""What the options of model and trainer do to a run: weights kept, batches cut, embeddings frozen, runs gone wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.helpers.runs import SMALL, composed, trained
from tests.helpers.stopping import ORACLE

from sentiment_transfer.config.checks import validate
from sentiment_transfer.data.catalog import make_datasets
from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.network import load_network
from sentiment_transfer.model.vocabulary import trim_like
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import is_finished, read_result

TINY = (
    *SMALL,
    "source.written_en.limit=70",
    "targets.written_ja.limit=20",
    "targets.written_id.limit=20",
    "logger=none",
)
OWN = ("experiment=tiny", "source=csv", "targets=none", "source.csv.language=en", "trainer.max_epochs=1", "logger=none")
EMBEDDINGS = "roberta.embeddings.word_embeddings.weight"


def probabilities(folder: Path, dataset: str = "written_ja") -> np.ndarray:
    return read_predictions(folder, dataset).probabilities["last"]


def last_weights(folder: Path) -> dict[str, torch.Tensor]:
    epoch = read_result(folder)["selections"]["last"]["epoch"]
    return load_file(folder / "weights" / f"epoch-{epoch}.safetensors")


def test_kept_weights_load_again_and_give_the_recorded_probabilities(tiny_run: Path) -> None:
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_run / "model")
    network = AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(tiny_run / "model"))
    trim_like(network, last_weights(tiny_run))
    network.load_state_dict(last_weights(tiny_run), strict=True)
    config = validate(composed(*ORACLE))
    reviews = make_datasets(config.targets, config.paths, config.data.seed)["far_id"].reviews("test")
    inputs = tokenizer(reviews.table["text"].to_pylist(), padding=True, return_tensors="pt")
    with torch.no_grad():
        again = network.eval()(inputs["input_ids"], inputs["attention_mask"]).logits.softmax(-1).numpy()
    recorded = read_predictions(tiny_run, "far_id")
    assert recorded.ids == reviews.ids
    assert np.abs(again - recorded.probabilities["last"]).max() < 1e-6
    assert network.config.id2label == {0: "negative", 1: "positive"}


def test_a_finished_run_keeps_the_selected_weights_and_no_checkpoint(tiny_run: Path) -> None:
    selections = read_result(tiny_run)["selections"]
    epochs = {selections["last"]["epoch"], selections["source_dev"]["epoch"], *selections["oracle"]["epoch"].values()}
    files = {"average-of-2.safetensors", *(f"epoch-{epoch}.safetensors" for epoch in epochs)}
    assert {path.name for path in tiny_run.glob("weights/*")} == files
    assert not (tiny_run / "checkpoints").exists()


def test_no_more_weights_are_kept_on_the_way_than_selections_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    step = SentimentClassifier.validation_step

    def validation_step(module: SentimentClassifier, *arguments: Any) -> None:
        kept.append(len(list(tmp_path.glob("weights/*"))))
        step(module, *arguments)

    monkeypatch.setattr(SentimentClassifier, "validation_step", validation_step)
    trained(tmp_path, *TINY, "source.written_en.limit=16", "trainer.max_epochs=6")
    assert max(kept) <= 3  # last, the best on the source's development set, and the mean


def test_the_mean_of_epochs_can_be_left_out(tmp_path: Path) -> None:
    result = trained(tmp_path, *TINY, "trainer.average=false")
    assert set(result["selections"]) == {"last", "source_dev"}
    assert not list(tmp_path.glob("weights/average*"))


def test_weights_that_nobody_wants_are_not_kept(tmp_path: Path) -> None:
    trained(tmp_path, *TINY, "trainer.max_epochs=1", "trainer.keep_weights=false")
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "mistakes.json", "predictions", "result.json"}


def test_parts_of_a_batch_add_up_to_the_batch(tmp_path: Path) -> None:
    """70 reviews in batches of 32: the last step has 6, in parts of 6, or 4 and 2."""
    losses, answers = [], []
    for parts in (1, 2, 4, 8):
        result = trained(tmp_path / str(parts), *TINY, "model.dropout=0", f"trainer.micro_batch_size={32 // parts}")
        losses.append([entry["train"]["loss"] for entry in result["history"]])
        answers.append(probabilities(tmp_path / str(parts)))
    assert np.ptp(losses, axis=0).max() < 1e-5
    assert np.ptp(answers, axis=0).max() < 1e-4


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_a_run_in_half_precision_trains_and_clips(tmp_path: Path, precision: str) -> None:
    overrides = (*TINY, "optimizer.learning_rate=1e-2", "optimizer.eps=1e-4", f"trainer.precision={precision}")
    free = trained(tmp_path / "free", *overrides, "optimizer.max_grad_norm=1e9")
    clipped = trained(tmp_path / "clipped", *overrides, "optimizer.max_grad_norm=1e-9")
    assert free["precision"] == clipped["precision"] == precision
    assert free["history"][1]["train"]["loss"] != clipped["history"][1]["train"]["loss"]


def test_gradient_checkpointing_changes_no_number(tmp_path: Path) -> None:
    one = trained(tmp_path / "one", *TINY, "model.dropout=0.1")
    other = trained(tmp_path / "other", *TINY, "model.dropout=0.1", "model.gradient_checkpointing=true")
    assert one["history"] == other["history"]
    assert np.array_equal(probabilities(tmp_path / "one"), probabilities(tmp_path / "other"))


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_embeddings_are_left_bit_for_bit(tmp_path: Path, frozen: bool) -> None:
    result = trained(tmp_path, *TINY, f"model.freeze_embeddings={frozen}", "trainer.max_epochs=1")
    network = load_network("builtin:scratch", classes=BINARY, vocabulary=result["model"]["vocabulary"], seed=0)
    before = cast(torch.Tensor, network.get_input_embeddings().weight)
    weights = last_weights(tmp_path)
    kept = weights[EMBEDDINGS.replace("weight", "kept_token_ids")]
    assert torch.equal(weights[EMBEDDINGS], before[kept]) == frozen
    counted = result["model"]["parameters"] - result["model"]["trainable_parameters"]
    assert counted == (before.numel() if frozen else (len(before) - len(kept)) * before.shape[1])


def test_an_untrimmed_run_gives_the_numbers_of_a_trimmed_one(tmp_path: Path) -> None:
    """Trainable embeddings, so that the rows that do not occur could make a difference."""
    overrides = (*TINY, "model.freeze_embeddings=false", "trainer.precision=32-true")
    trimmed = trained(tmp_path / "trimmed", *overrides)
    whole = trained(tmp_path / "whole", *overrides, "model.trim_vocabulary=false")
    assert trimmed["model"]["vocabulary_rows"] < trimmed["model"]["vocabulary"] == whole["model"]["vocabulary_rows"]
    assert trimmed["model"]["parameters"] == whole["model"]["parameters"]
    for one, other in zip(trimmed["history"], whole["history"], strict=True):
        assert one["train"]["loss"] == pytest.approx(other["train"]["loss"], rel=1e-4)
    assert np.abs(probabilities(tmp_path / "trimmed") - probabilities(tmp_path / "whole")).max() < 1e-3


def test_a_source_without_a_development_set_selects_no_epoch_by_it(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("text,label\n" + "so good,pos\nso bad,neg\n" * 20)
    result = trained(tmp_path / "run", *OWN, f"source.csv.path={tmp_path}/own.csv", "source.csv.dev_fraction=0")
    assert list(result["selections"]) == ["last", "average"]
    assert result["history"][0]["dev"] == {}
    assert list(result["scores"]["csv"]["selections"]) == ["last", "average"]


# Runs gone wrong


def test_a_run_that_predicts_one_class_is_marked_as_degenerate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.csv").write_text("text,label\n" + ("fine,pos\n" * 19 + "poor,neg\n") * 10)
    result = trained(tmp_path / "run", *OWN, f"source.csv.path={tmp_path}/own.csv")
    assert result["status"] == "degenerate"
    assert result["scores"]["csv"]["selections"]["last"]["predicted_fraction"] == {"negative": 0.0, "positive": 1.0}
    assert "DEGENERATE: the run collapsed to one class" in capsys.readouterr().out


@pytest.mark.parametrize(
    "overrides",
    [
        ["trainer.max_epochs=2"],
        ["trainer.max_epochs=1", "trainer.batch_size=70", "optimizer.warmup_ratio=0"],  # by its last step of all
    ],
)
def test_a_run_that_diverges_is_a_sentence(tmp_path: Path, overrides: list[str]) -> None:
    with pytest.raises(UserError, match=r"The loss is not a number in epoch 1: the run has diverged\. Lower optimizer"):
        trained(tmp_path, *TINY, "optimizer.learning_rate=1e30", *overrides)
    assert not is_finished(tmp_path)


def test_a_run_that_diverges_where_no_development_set_shows_it_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("text,label\n" + "so good,pos\nso bad,neg\n" * 10)
    with pytest.raises(
        UserError, match=r"probabilities for review .* are not numbers: the run has diverged\. Lower optimizer"
    ):
        trained(
            tmp_path / "run", *OWN, f"source.csv.path={tmp_path}/own.csv", "source.csv.dev_fraction=0",
            "optimizer.learning_rate=1e30", "optimizer.warmup_ratio=0",
        )  # fmt: skip
    assert not is_finished(tmp_path / "run")
