"""Hub loading against a small hub on 127.0.0.1, in processes of their own: the endpoint is fixed at import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MTEB = "datasets/mteb/AmazonReviewsClassification"
SETFIT = "datasets/SetFit/amazon_reviews_multi_ja"

SCENARIOS = """
    import json, os, sys, time
    from pathlib import Path

    sys.path.insert(0, sys.argv[1])
    root, home = Path(sys.argv[2]), Path(sys.argv[3])
    from tests.helpers.hub_server import TinyHub

    time.sleep = lambda seconds: None  # the hub's client waits up to 23 s between its retries
    said = {}
    with TinyHub(root) as hub:
        os.environ |= hub.environment(home)
        from sentiment_transfer.data.hub import load_table
        from sentiment_transfer.errors import UserError

        def mteb(split):
            table = load_table(
                "mteb/AmazonReviewsClassification", split, ["text", "label"], config="en",
                revision="6b5d328eaae8ef408dd7d775040245cf86f92e9d", instead="Or put it into data/.",
            )
            return table.to_pydict()

        def setfit(split, column):
            return load_table("SetFit/amazon_reviews_multi_ja", split, [column], instead="Or so.").to_pydict()

        def attempt(name, act):
            try:
                said[name] = act()
            except UserError as error:
                said[name] = str(error)

        for fault, files in (("404", "*"), ("500", "*"), ("404", "*.jsonl"), ("500", "*.jsonl"), ("half", "*.jsonl")):
            hub.fault, hub.fault_on = fault, files
            attempt(f"{fault} {files}", lambda: mteb("train"))
        hub.fault = None
        attempt("columns", lambda: setfit("test", "stars"))
        attempt("split", lambda: setfit("dev", "text"))
        said |= {"mteb train": mteb("train"), "mteb validation": mteb("validation"), "setfit": setfit("test", "text")}
        asked = len(hub.requests)
        mteb("train")
        said["files fetched again"] = sum(line.endswith("jsonl") and line[:3] == "GET" for line in hub.requests[asked:])
    print(json.dumps(said))
"""

UNREACHABLE = """
    import sys, time

    time.sleep = lambda seconds: None
    from sentiment_transfer.data.hub import load_table
    from sentiment_transfer.errors import UserError

    try:
        load_table("mteb/AmazonReviewsClassification", "test", ["text"], config="en", instead="Or put it into data/.")
    except UserError as error:
        print(error)
"""


def run(code: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=os.environ | {"NO_PROXY": "127.0.0.1"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_split(folder: Path, split: str, each: int, what: str) -> None:
    rows = [
        {"id": f"{split}_{row}", "text": f"{what} {split} {row}", "label": row // each, "label_text": str(row // each)}
        for row in range(5 * each)
    ]
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the loader said or returned in each scenario."""
    root = tmp_path_factory.mktemp("hub")
    card = "---\nconfigs:\n"
    for language in ("en", "ja"):
        (root / MTEB / language).mkdir(parents=True)
        card += f"- config_name: {language}\n  data_files:\n"
        for split, each in (("train", 4), ("validation", 2), ("test", 2)):
            write_split(root / MTEB / language, split, each, f"title and body {language}")
            card += f"  - {{split: {split}, path: {language}/{split}.jsonl}}\n"
    (root / MTEB / "README.md").write_text(card + "---\n")
    (root / SETFIT).mkdir(parents=True)
    for split, each in (("train", 4), ("validation", 2), ("test", 2)):
        write_split(root / SETFIT, split, each, "body ja")
    home = tmp_path_factory.mktemp("home")
    found: dict[str, Any] = json.loads(run(SCENARIOS, str(ROOT), str(root), str(home)).splitlines()[-1])
    return found


@pytest.mark.parametrize(("split", "each"), [("train", 4), ("validation", 2)])
def test_a_split_of_a_configuration_is_loaded_in_order(said: dict[str, Any], split: str, each: int) -> None:
    expected = [f"title and body en {split} {row}" for row in range(5 * each)]
    assert said[f"mteb {split}"] == {"text": expected, "label": [row // each for row in range(5 * each)]}


def test_a_repository_without_configurations_is_loaded(said: dict[str, Any]) -> None:
    assert said["setfit"] == {"text": [f"body ja test {row}" for row in range(10)]}


def test_a_second_load_comes_from_the_cache(said: dict[str, Any]) -> None:
    assert said["files fetched again"] == 0


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("404 *", "the hub has no such repository"),
        ("404 *.jsonl", "the hub has no such repository"),
        ("500 *", "the hub answered 500"),
        ("500 *.jsonl", "the hub answered 500"),
        ("half *.jsonl", "the download broke off"),
    ],
)
def test_a_failing_hub_is_a_sentence_with_the_way_out(said: dict[str, Any], scenario: str, reason: str) -> None:
    assert said[scenario].startswith("The dataset mteb/AmazonReviewsClassification could not be loaded")
    assert reason in said[scenario]
    assert "Or put it into data/." in said[scenario]


def test_a_missing_column_is_named_with_those_that_exist(said: dict[str, Any]) -> None:
    assert "has no column 'stars'; it has id, text, label, label_text. Or so." in said["columns"]


def test_a_missing_split_is_named(said: dict[str, Any]) -> None:
    assert 'Unknown split "dev"' in said["split"]


def test_no_network_is_a_sentence(tmp_path: Path) -> None:
    sentence = run(UNREACHABLE, HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path), HF_HUB_OFFLINE="0")
    assert "could not be loaded" in sentence
    assert "the hub cannot be reached; check the network. Or put it into data/." in sentence


def test_offline_mode_is_named(tmp_path: Path) -> None:
    sentence = run(UNREACHABLE, HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set and it is not in the local Hugging Face cache" in sentence
