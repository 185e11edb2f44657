"""The model card says what the record says, warns where it has to, and lets no text from outside become markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData
from tests.helpers.runs import ROOT
from tests.helpers.written_runs import answers, write_run

from sentiment_transfer.export.card.contents import dataset_of_settings, encoder_licence
from sentiment_transfer.export.card.render import model_card
from sentiment_transfer.export.card.scores import INT8, Conversion
from sentiment_transfer.results.predictions import predictions_path
from sentiment_transfer.results.record import RunResult

DATA = {"max_length": 128, "dedup": False}
TRAINER = {"max_epochs": 3, "batch_size": 32}
OPTIMIZER = {"learning_rate": 2e-5, "warmup_ratio": 0.1, "weight_decay": 0.01}


def written(folder: Path, *, config: dict[str, Any] | None = None, **of_run: Any) -> tuple[RunResult, Path]:
    """A record as of XLM-R base on MARC (unless told otherwise), with predictions, and its folder."""
    settings = {"data": DATA, "trainer": TRAINER, "optimizer": OPTIMIZER, **(config or {})}
    options = {"model": "base", "encoder": "FacebookAI/xlm-roberta-base", "sources": ("amazon_en",), "caveats": ()}
    result = write_run(
        folder,
        {name: answers(0.1 + 0.1 * place, rows=place) for place, name in enumerate(("amazon_en", "smsa_id"))},
        config=settings,
        **(options | of_run),
    )
    result["config"]["source"] = {name: {"kind": "amazon", "language": "en"} for name in result["source"]["names"]}
    result["config"]["targets"] = {"smsa_id": {"kind": "smsa", "classes": 2}}
    return result, folder / result["run_id"]


def card_of(result: RunResult, folder: Path, **options: Any) -> ModelCard:
    return ModelCard(model_card(result, folder, **({"selection": "last", "place": "me/my-model"} | options)))


def test_front_matter_is_what_the_hub_sorts_by(tmp_path: Path) -> None:
    data = card_of(*written(tmp_path)).data
    assert isinstance(data, ModelCardData)
    assert data.language == ["en", "id"]
    assert (data.pipeline_tag, data.library_name) == ("text-classification", "transformers")
    assert data.base_model == "FacebookAI/xlm-roberta-base"
    assert data.datasets == ["mteb/AmazonReviewsClassification"]
    assert (data.license, data["license_name"]) == ("other", "see-the-model-card")


def test_the_model_index_holds_the_scores(tmp_path: Path) -> None:
    result, folder = written(tmp_path)
    evaluated = card_of(result, folder).data.eval_results
    assert evaluated is not None
    found = {(each.dataset_type, each.metric_name): each.metric_value for each in evaluated}
    scores = result["scores"]["smsa_id"]["selections"]["last"]
    assert found["smsa_id", "Accuracy"] == round(scores["accuracy"], 4)
    assert found["smsa_id", "Macro F1"] == round(scores["macro_f1"], 4)
    assert ("mteb/AmazonReviewsClassification", "Accuracy") in found


def test_numbers_that_mean_nothing_stay_out_of_leaderboards_and_are_warned_of(tmp_path: Path) -> None:
    card = card_of(*written(tmp_path, caveats=("random weights",)))
    assert card.data.eval_results is None
    assert "random-weights" in (card.data.tags or [])
    top = card.text.partition("## Use it")[0]
    assert "Read this first" in top and "nothing" in top


def test_a_collapsed_run_is_warned_of(tmp_path: Path) -> None:
    card = card_of(*written(tmp_path, status="degenerate"))
    assert "one and the same answer to every review" in card.text.partition("## Use it")[0]


def score_row(card: ModelCard, dataset: str) -> list[str]:
    table = card.text.partition("## Scores")[2]
    return next([c.strip() for c in line.split("|")[1:-1]] for line in table.splitlines() if f"| {dataset} |" in line)


def test_scores_have_intervals_of_their_predictions_and_the_floor(tmp_path: Path) -> None:
    result, folder = written(tmp_path)
    row = score_row(card_of(result, folder), "smsa_id")
    scores = result["scores"]["smsa_id"]["selections"]["last"]
    value, _, interval = row[5].partition(" ")
    low, high = (float(end) for end in interval.strip("[]").split(", "))
    assert value == f"{100 * scores['macro_f1']:.1f}"
    assert low < float(value) < high and 4 < high - low < 9  # 600 answers, 20 % wrong: +- 3.2 points
    assert row[6] == f"{100 * scores['floor']['macro_f1']:.1f}"


def test_without_predictions_there_is_no_interval(tmp_path: Path) -> None:
    result, folder = written(tmp_path)
    predictions_path(folder, "smsa_id").unlink()
    other, _ = written(tmp_path / "other", seed=1)
    card = card_of(result, folder)
    assert "[" not in score_row(card, "smsa_id")[5] and "[" in score_row(card, "amazon_en")[5]
    other["scores"]["amazon_en"]["selections"]["last"]["confusion"][0][0] += 1  # no longer what the predictions say
    assert "[" not in score_row(card_of(other, tmp_path / "other" / other["run_id"]), "amazon_en")[5]


def test_leakage_and_repeats_are_told(tmp_path: Path) -> None:
    result, folder = written(tmp_path)
    facts = {
        "rows": 600,
        "shares": {"positive": 0.5},
        "empty": 0,
        "duplicates": 7,
        "conflicting": 2,
        "dropped": {},
        "tokens_p50": 20.0,
        "tokens_p99": 90.0,
        "truncated_fraction": 0.01,
    }
    shared = {"train": "amazon_en", "scored": "smsa_id", "split": "test", "rows": 600, "shared": 14, "share": 14 / 600}
    result["audit"] = {
        "splits": {"amazon_en": {"train": facts}, "smsa_id": {"test": facts}},
        "overlaps": [{**shared, "other_label": 3}],
        "dedup": False,
        "removed": {},
    }
    text = card_of(result, folder).text
    assert "14 of 600 test rows of smsa_id (2.3%) are also in the training set of amazon_en, 3 of them with" in text
    assert "| smsa_id | test | 600 | 50.0% | – | 7 | 2 | 20 | 90 | 1.0% |" in text


def test_licences_of_data_and_encoder_are_named(tmp_path: Path) -> None:
    text = card_of(*written(tmp_path)).text
    assert "academic research only, not to be redistributed" in text
    assert "CC BY-SA 4.0 according to the SEACrowd catalogue" in text
    assert "The encoder's licence: mit." in text


@pytest.mark.parametrize("path", sorted((ROOT / "conf" / "model").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_encoder_of_the_configuration_has_its_licence_looked_up(path: Path) -> None:
    settings = yaml.safe_load(path.read_text())
    encoder = settings.get("model", settings)["encoder"]
    if encoder != "???":
        assert encoder_licence(encoder) != "not known to the program that wrote this card"


def test_a_users_file_does_not_inherit_the_licence_of_its_name() -> None:
    assert dataset_of_settings({"kind": "csv", "path": "mine.csv"}).licence.startswith("not known")
    assert dataset_of_settings({"kind": "csv", "path": "mine.csv"}).title == "a file of the user's"


def test_places_on_the_trainers_machine_are_not_passed_on(tmp_path: Path) -> None:
    result, folder = written(tmp_path, encoder="/home/someone/secret/my-encoder")
    result["config"]["paths"] = {"data_dir": "/home/someone/data"}
    result["config"]["model"]["encoder"] = "/home/someone/secret/my-encoder"
    result["config"]["targets"]["smsa_id"] = {"kind": "csv", "path": "/home/someone/customers.csv"}
    content = model_card(result, folder, selection="last", place="my-model")
    assert "someone" not in content
    assert "my-encoder" in content and "customers.csv" in content
    assert ModelCard(content).data.base_model is None


def test_text_from_outside_stays_text(tmp_path: Path) -> None:
    result, folder = written(tmp_path)
    result["unavailable"] = {"a|b\n\n# Heading <script>alert(1)</script> [x](http://y) `code`": "no such file"}
    result["config"]["model"]["name"] = "```\n# out of the fence"
    text = card_of(result, folder).text
    assert "<script>" not in text and "\n# Heading" not in text and "[x](" not in text
    assert text.count("\n# ") == 1, "the title is the only heading of its level outside of code"


def test_converted_versions_are_shown_with_what_they_lose(tmp_path: Path) -> None:
    lost = Conversion(INT8, "smsa_id", 412, 412, 0.21, 0.985, "macro_f1", 0.912, 0.904, -0.02, 0.004)
    text = card_of(*written(tmp_path), conversions=[lost]).text
    row = "| onnx/model_quantized.onnx | smsa_id | 412 | 2.1e-01 | 98.50 % | macro-F1 % | 91.20 | 90.40 |"
    assert f"{row} -0.80 [-2.00, +0.40] |" in text
    assert "InferenceSession(" in text and "measure it on yours" in text
