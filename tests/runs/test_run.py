"""What a run leaves behind: a record that its own predictions prove, and the same one every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.helpers.distant import distant
from tests.helpers.runs import SMALL, composed, same_numbers, trained
from tests.helpers.stopping import ORACLE

from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.errors import UserError
from sentiment_transfer.report.command import main as report
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import OPTIONAL, DatasetScores, Performance, RunResult, read_result
from sentiment_transfer.statistics.metrics import Scores, score

OWN = ("experiment=tiny", "source=csv", "targets=none", "source.csv.language=en", "trainer.max_epochs=1", "logger=none")


@pytest.fixture
def result(tiny_run: Path) -> RunResult:
    return read_result(tiny_run)


def reviews_file(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return path


def reviews(count: int, words: tuple[str, ...] = ("bad", "good"), start: int = 0) -> list[tuple[str, str]]:
    labels = ("negative", "neutral", "positive") if len(words) == 3 else ("negative", "positive")
    return [
        (f"number {row} is {words[row % len(words)]}", labels[row % len(words)]) for row in range(start, start + count)
    ]


# The record


def test_every_field_of_the_record_is_there(result: RunResult) -> None:
    assert [*result, *OPTIONAL] == list(RunResult.__annotations__)
    for entry in result["scores"].values():
        assert list(entry) == [name for name in DatasetScores.__annotations__ if name != "zero_shot"]  # of few-shot
        for scores in entry["selections"].values():
            assert set(scores) == set(Scores.__annotations__) - {"folds", "f1_positive_mean_folds"}
    assert list(result["performance"]) == list(Performance.__annotations__)


def test_the_record_says_which_run_it_was(result: RunResult) -> None:
    config = composed(*ORACLE)
    assert result["run_id"] == run_name(config)
    assert result["config"]["trainer"]["max_epochs"] == 2
    assert result["config"]["model"]["learning_rate"] == result["config"]["optimizer"]["learning_rate"]
    assert (result["seed"], result["precision"], result["device"]["kind"]) == (0, "32-true", "cpu")
    assert (result["model"]["name"], result["model"]["weights"]) == ("scratch", "built in")
    assert result["source"] == {"names": ["written_en"], "rows": {"train": 256, "dev": 96}}


def test_the_record_says_what_each_set_is(result: RunResult) -> None:
    facts = {name: (e["role"], e["protocol"], e["language"], e["n"]) for name, e in result["scores"].items()}
    assert facts == {
        "written_en": ("source", "supervised", "en", 240),
        "far_ja": ("target", "zero-shot", "ja", 100),
        "far_id": ("target", "zero-shot", "id", 100),
    }
    metrics = {name: entry["metric"] for name, entry in result["scores"].items()}
    assert metrics == {"written_en": "error", "far_ja": "macro_f1", "far_id": "macro_f1"}


def test_the_record_holds_time_throughput_and_memory(result: RunResult) -> None:
    performance = result["performance"]
    assert set(performance["seconds"]) == {*("prepare", "self_check", "train", "validate", "score", "total")}
    assert 0 < performance["seconds"]["train"] < performance["seconds"]["total"]
    examples = performance["examples_per_second"]["train"] * performance["seconds"]["train"]
    assert examples == pytest.approx(2 * 256, rel=0.01)
    assert performance["tokens_per_second"]["score"] > performance["examples_per_second"]["score"] > 0
    assert performance["peak_memory_bytes"] > 2**26


def test_the_speed_of_scoring_counts_every_review_that_was_scored(tmp_path: Path) -> None:
    performance = trained(tmp_path, *SMALL, "trainer.max_epochs=1", "trainer.average=false")["performance"]
    rows = [pq.read_metadata(path).num_rows for path in tmp_path.glob("predictions/*.parquet")]
    assert len(rows) == 4, "three test sets and a development set"
    scored = performance["examples_per_second"]["score"] * performance["seconds"]["score"]
    assert scored == pytest.approx(sum(rows), rel=0.01)


def test_the_record_holds_the_history_and_the_epoch_of_every_selection(result: RunResult) -> None:
    assert [entry["epoch"] for entry in result["history"]] == [0, 1]
    dev_sets = {"written_en", "far_ja", "far_id"}  # those of the targets for the oracle alone
    assert all(set(entry["dev"]) == dev_sets for entry in result["history"])
    selections = result["selections"]
    assert selections["last"]["epoch"] == 1
    errors = [entry["dev"]["written_en"]["error"] for entry in result["history"]]
    assert selections["source_dev"]["source_dev_error"] == pytest.approx(min(errors))
    for target, epoch in selections["oracle"]["epoch"].items():
        errors = [entry["dev"][target]["error"] for entry in result["history"]]
        assert errors[epoch] == min(errors)


def test_an_oracle_is_chosen_for_targets_alone(result: RunResult) -> None:
    assert set(result["selections"]["oracle"]["epoch"]) == {"far_ja", "far_id"}
    selections = {name: list(entry["selections"]) for name, entry in result["scores"].items()}
    assert selections == {
        "written_en": ["last", "source_dev", "average"],
        "far_ja": ["last", "source_dev", "average", "oracle"],
        "far_id": ["last", "source_dev", "average", "oracle"],
    }


def test_the_predictions_reproduce_every_score(tiny_run: Path, result: RunResult) -> None:
    for name, entry in result["scores"].items():
        predictions = read_predictions(tiny_run, name)
        assert list(predictions.probabilities) == list(entry["selections"])
        for selection, probabilities in predictions.probabilities.items():
            again = score(probabilities, predictions.gold, predictions.classes, predictions.folds)
            assert again == entry["selections"][selection]


def test_the_audit_covers_every_split_that_was_used(result: RunResult) -> None:
    splits = {name: sorted(parts) for name, parts in result["audit"]["splits"].items()}
    assert splits == {
        "written_en": ["dev", "test", "train"],
        "far_ja": ["dev", "test"],
        "far_id": ["dev", "test"],
    }
    train = result["audit"]["splits"]["written_en"]["train"]
    assert train["rows"] == sum(train["labels"].values()) == 256
    assert {"empty", "duplicates", "conflicting", "tokens_p50", "truncated_fraction"} <= set(train)


# The same again


def test_a_second_run_of_one_configuration_gives_the_same_numbers(tiny_run: Path, tmp_path: Path) -> None:
    again = trained(tmp_path, *ORACLE)
    assert same_numbers(again, read_result(tiny_run))
    for name in again["scores"]:
        one, other = (read_predictions(folder, name).probabilities for folder in (tmp_path, tiny_run))
        assert all(np.array_equal(one[selection], other[selection]) for selection in one)


def test_another_seed_gives_other_numbers_on_the_same_rows(tiny_run: Path, tmp_path: Path) -> None:
    trained(tmp_path, *ORACLE, "seed=1")
    one, other = (read_predictions(folder, "far_ja") for folder in (tiny_run, tmp_path))
    assert one.ids == other.ids
    assert not np.array_equal(one.probabilities["last"], other.probabilities["last"])


# What may be trained on and scored


def test_a_mixture_trains_on_both_and_scores_both_as_supervised(tmp_path: Path) -> None:
    result = trained(tmp_path, *SMALL[:1], *distant("ja", "limit=32", group="source"), "source.written_en.limit=64",
                     "targets=written_id", "targets.written_id.limit=40", "trainer.max_epochs=1",
                     "logger=none")  # fmt: skip
    assert result["source"] == {"names": ["written_en", "far_ja"], "rows": {"train": 96, "dev": 96}}
    protocols = {name: entry["protocol"] for name, entry in result["scores"].items()}
    assert protocols == {"written_en": "supervised", "far_ja": "supervised", "written_id": "zero-shot"}
    assert "+" in result["run_id"]


def test_three_classes_are_trained_and_scored(tmp_path: Path) -> None:
    path = reviews_file(tmp_path / "own.csv", reviews(90, ("bad", "so-so", "good")))
    result = trained(tmp_path / "run", *OWN, f"source.csv.path={path}", "source.csv.classes=3", "model=scratch")
    entry = result["scores"]["csv"]
    assert entry["classes"] == ["negative", "neutral", "positive"]
    assert (entry["metric"], entry["n"]) == ("macro_f1", 9)
    assert np.shape(entry["selections"]["last"]["confusion"]) == (3, 3)
    assert read_predictions(tmp_path / "run", "csv").probabilities["last"].shape == (9, 3)
    assert result["caveats"] == ["trained from scratch"]


def leaky(tmp_path: Path, *overrides: str) -> RunResult:
    """Trained on one file, scored on another that shares four of its texts, written a little differently."""
    source = reviews_file(tmp_path / "source.csv", reviews(40))
    shared = [(f"Number {row} is  {text.split()[-1].upper()}!", label) for row, (text, label) in enumerate(reviews(4))]
    target = reviews_file(tmp_path / "target.csv", [*shared, *reviews(20, start=100)])
    return trained(
        tmp_path / "run", *OWN[:2], *OWN[3:], "+dataset@targets.other=csv", "targets=none", *overrides,
        f"source.csv.path={source}", "source.csv.test_fraction=0", "source.csv.dev_fraction=0",
        f"targets.other.path={target}", "targets.other.language=en", "targets.other.test_fraction=1.0",
    )  # fmt: skip


def test_what_the_target_shares_with_training_is_counted_and_kept(tmp_path: Path) -> None:
    result = leaky(tmp_path)
    [overlap] = result["audit"]["overlaps"]
    assert (overlap["train"], overlap["scored"], overlap["shared"], overlap["rows"]) == ("csv", "other", 4, 24)
    assert (result["scores"]["other"]["n"], result["dedup"]) == (24, {})
    assert result["scores"]["other"]["protocol"] == "cross-domain"


def test_dedup_removes_what_the_target_shares_and_says_how_much(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = leaky(tmp_path, "data.dedup=true")
    assert result["dedup"] == {"other": 4}
    assert result["scores"]["other"]["n"] == 20
    assert len(read_predictions(tmp_path / "run", "other").ids) == 20
    assert "removed 4 test rows of other" in " ".join(capsys.readouterr().out.split())


def test_a_source_that_is_also_a_target_is_scored_once_as_supervised(tmp_path: Path) -> None:
    result = trained(tmp_path, *SMALL[:2], "targets=[written_en,written_ja]", "targets.written_ja.limit=20",
                     "trainer.max_epochs=1", "logger=none")  # fmt: skip
    assert {name: entry["protocol"] for name, entry in result["scores"].items()} == {
        "written_en": "supervised",
        "written_ja": "zero-shot",
    }


def test_an_unavailable_target_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = trained(tmp_path, *SMALL[:2], "targets=[written_ja,rakuten_ja]", "targets.written_ja.limit=20",
                     "trainer.max_epochs=1", "logger=none")  # fmt: skip
    assert list(result["unavailable"]) == ["rakuten_ja"]
    assert "Put test.csv.xz" in result["unavailable"]["rakuten_ja"]
    assert set(result["scores"]) == {"written_en", "written_ja"}
    assert "rakuten_ja was not scored: " in " ".join(capsys.readouterr().out.split())


def test_an_unavailable_target_that_is_required_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"The target rakuten_ja is required but unavailable\. .*Put test\.csv\.xz"):
        trained(tmp_path, *SMALL[:2], "targets=rakuten_ja", "data.targets_required=true", "logger=none")


# Honesty


def test_tiny_runs_are_labelled_in_the_record_on_the_terminal_and_in_the_report(
    tiny_run: Path, result: RunResult, capsys: pytest.CaptureFixture[str]
) -> None:
    assert result["caveats"] == ["trained from scratch"]
    trained(tiny_run, *ORACLE)
    assert report([str(tiny_run)]) == 0
    assert report([str(tiny_run), "--markdown"]) == 0
    said = capsys.readouterr().out
    assert said.count("TRAINED FROM SCRATCH") == 3
    assert "oracle: the checkpoint chosen on the target's own development set; not a zero-shot number" in " ".join(
        said.split()
    )


def test_random_weights_are_labelled(tmp_path: Path, tiny_xlm_r: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = trained(tmp_path, *SMALL, "source.written_en.limit=32", "trainer.max_epochs=1", "model=local",
                     f"model.encoder={tiny_xlm_r}", "model.weights=random")  # fmt: skip
    assert result["caveats"] == ["random weights"]
    assert result["model"]["weights"] == "random"
    assert "RANDOM WEIGHTS" in capsys.readouterr().out
