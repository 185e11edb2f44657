"""The record of a small run on a CPU, field by field.

The expected record is changed (GOLDEN_RENEW=1) on purpose only, in a commit of its own that says why.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from tests.golden.pinned import differences, pinned_json

from sentiment_transfer import cli

CONF = Path(__file__).parents[2] / "conf"
THINGS = ("room", "food", "screen", "film", "story", "price", "staff", "music", "view", "sound", "taste", "plot")
WORDS = {"positive": ("good", "lovely", "great", "fine"), "negative": ("bad", "awful", "poor", "dull")}
FRAMES = {"reviews.csv": ("the {} was {}", "{} so {}"), "others.csv": ("a {} {}",)}
OPTIONS = (
    *("experiment=tiny", "source=csv", "source.csv.path=reviews.csv", "source.csv.language=en"),
    *("source.csv.dev_fraction=0.25", "source.csv.test_fraction=0.25"),
    *("targets=none", "+dataset@targets.other=csv", "targets.other.path=others.csv", "targets.other.language=id"),
    *("targets.other.test_fraction=1.0", "targets.other.limit=60"),
    *("trainer.max_epochs=3", "trainer.batch_size=16", "trainer.threads=1", "model.dropout=0.1"),
    *("optimizer.learning_rate=3e-3", "logger=none", "logger.progress_bar=false"),
)
# Of other times, places and machines: these are there and of their type, and that is all that is compared.
VOLATILE = {"created": str, "packages": dict, "device": dict, "performance": dict, "command": list, "inputs": dict}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("golden-run")
    for name, frames in FRAMES.items():
        rows = (
            f"{frame.format(thing, word)},{label}"
            for frame, thing in itertools.product(frames, THINGS)
            for label, words in WORDS.items()
            for word in words
        )
        (folder / name).write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose("config", overrides=list(OPTIONS))
    (folder / "run").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # the files' paths are part of the run's name
        cli.train(config, str(folder / "run"))
    return json.loads((folder / "run" / "result.json").read_text(encoding="utf-8"))


def test_the_record_holds_what_it_held(record: dict[str, Any]) -> None:
    left = {key: value for key, value in record.items() if key not in (*VOLATILE, "git")}
    left["config"] = {key: value for key, value in left["config"].items() if key != "paths"}
    expected = pinned_json("run_record", left)
    found = list(differences(left, expected, relative=1e-4, absolute=1e-6))
    assert not found, "\n".join(found)


def test_what_is_of_the_machine_is_there_and_of_its_type(record: dict[str, Any]) -> None:
    for key, kind in VOLATILE.items():
        assert type(record[key]) is kind, key
    assert record["git"] is None or {key: type(value) for key, value in record["git"].items()} == {
        "revision": str,
        "dirty": bool,
    }
    assert set(record["config"]["paths"]) == {"data_dir", "cache_dir", "output_dir", "sweep_dir"}
    types = {
        key: {name: type(value).__name__ for name, value in record[key].items() if name != "energy_joules"}
        for key in ("packages", "device", "performance")
    }
    assert types == pinned_json("run_record_types", types)


def test_no_answer_is_near_a_tie(record: dict[str, Any]) -> None:
    """Else another processor's rounding would change the confusions."""
    for scored in record["scores"].values():
        assert scored["selections"]["last"]["error"] == 0
