"""A run whose encoder and dataset come from a hub, and what it says where the hub does not deliver.

In a process of its own, since the hub's address is read when its client is imported; one process for all, since
importing it takes seconds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.encoders import pretrained_folder
from tests.helpers.programs import said_by

DATASET = "datasets/mteb/AmazonReviewsClassification"

PROGRAM = """
    import json, os, sys, time
    from pathlib import Path

    checkout, root, home = map(Path, sys.argv[1:])
    sys.path.insert(0, str(checkout))
    from tests.helpers.hub_server import TinyHub

    time.sleep = lambda seconds: None  # the hub's client waits up to 23 s between its retries
    with TinyHub(root) as hub:
        os.environ |= hub.environment(home)
        from tests.helpers.runs import SMALL, trained
        from sentiment_transfer.data.amazon import AmazonReviewsDataModule
        from sentiment_transfer.errors import UserError
        from sentiment_transfer.results.record import is_finished

        AmazonReviewsDataModule.rows_per_star = dict.fromkeys(("train", "dev", "test"), 4)
        said = {}

        def attempt(name, *overrides, fault=None, on="*", folder=None):
            hub.fault, hub.fault_on, asked = fault, on, len(hub.requests)
            folder = home / (folder or name)
            try:
                result = trained(folder, *SMALL, "logger=none", *overrides)
                said[name] = {key: result[key] for key in ("scores", "unavailable", "model")}
            except UserError as error:
                said[name] = {"error": str(error), "finished": is_finished(folder)}
            said[name]["files"] = [line for line in hub.requests[asked:] if line.startswith("GET /tiny/")]

        def encoder(name):
            return ["model=base", f"model.encoder=tiny/{name}"]

        amazon = ["source=amazon_en", "targets=amazon_ja", "data.max_length=64"]
        SMALL = [override for override in SMALL if not override.startswith(("source.", "targets."))]
        attempt("dataset 404", *amazon, fault="404")
        attempt("dataset 500", *amazon, fault="500")
        attempt("dataset half", *amazon, fault="half", on="en/*.jsonl")
        written = ["source=written_en", "source.written_en.limit=32"]
        attempt("target 500", *written, "targets=amazon_ja", fault="500", on="ja/*.jsonl")
        attempt("model 404", *encoder("none-of-it"), fault="404")
        attempt("model 500", *encoder("broken"), fault="500")
        attempt("model half", *encoder("whole"), fault="half", on="*.safetensors", folder="whole")
        attempt("whole", *encoder("whole"), *amazon)
        attempt("again", *encoder("whole"), *amazon, "seed=1")
    print(json.dumps(said))
"""


def write_dataset(folder: Path) -> None:
    card = "---\nconfigs:\n"
    for language in ("en", "ja"):
        (folder / language).mkdir(parents=True)
        card += f"- config_name: {language}\n  data_files:\n"
        for split in ("train", "validation", "test"):
            rows = [
                {"id": f"{split}_{row}", "text": f"{language} {split} {row}", "label": row // 4} for row in range(20)
            ]
            (folder / language / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            card += f"  - {{split: {split}, path: {language}/{split}.jsonl}}\n"
    (folder / "README.md").write_text(card + "---\n")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every attempt gave: scores or an error."""
    root, home = tmp_path_factory.mktemp("hub"), tmp_path_factory.mktemp("home")
    write_dataset(root / DATASET)
    for name in ("whole", "broken"):
        pretrained_folder(root / "models" / "tiny" / name)
    return said_by(PROGRAM, root, home)


def test_encoder_and_dataset_of_a_hub_are_trained_and_scored(said: dict[str, Any]) -> None:
    whole = said["whole"]
    assert {name: entry["n"] for name, entry in whole["scores"].items()} == {"amazon_en": 16, "amazon_ja": 16}
    assert whole["unavailable"] == {}
    assert (whole["model"]["encoder"], whole["model"]["weights"]) == ("tiny/whole", "pretrained")


def test_a_broken_download_is_continued_by_the_same_command(said: dict[str, Any]) -> None:
    assert any("model.safetensors" in line for line in said["model half"]["files"])
    assert "scores" in said["whole"]


def test_a_second_run_downloads_nothing(said: dict[str, Any]) -> None:
    assert "scores" in said["again"]
    assert said["again"]["files"] == []


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        ("dataset 404", "the hub has no such repository"),
        ("dataset 500", "the hub answered 500"),
        ("dataset half", "the download broke off"),
        ("model 404", "the hub has no such repository"),
        ("model 500", "the hub answered 500"),
        ("model half", "the download broke off"),
    ],
)
def test_a_hub_that_does_not_deliver_is_a_sentence(said: dict[str, Any], attempt: str, reason: str) -> None:
    assert reason in said[attempt]["error"]
    assert not said[attempt]["finished"]


def test_a_target_that_the_hub_does_not_deliver_is_left_out(said: dict[str, Any]) -> None:
    assert set(said["target 500"]["scores"]) == {"written_en"}
    assert "the hub answered 500" in said["target 500"]["unavailable"]["amazon_ja"]
    assert "dataset_ja_test.json" in said["target 500"]["unavailable"]["amazon_ja"]
