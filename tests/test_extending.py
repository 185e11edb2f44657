"""docs/extending.md: its module and its commands, from a folder outside the package."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT, SMALL

from sentiment_transfer.data.written_reviews import written_rows
from sentiment_transfer.results.record import read_result

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
STARS = {"negative": (1, 3), "positive": (4, 5)}


def block(language: str) -> str:
    [text] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


def commands() -> list[list[str]]:
    return [line.split()[2:] for line in block("bash").splitlines() if line.startswith("python train.py")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's module, and its dataset: Indonesian reviews as lines of stars and text."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "hotel_reviews.py").write_text(block("python"), encoding="utf-8")
    (folder / "data" / "hotel_id").mkdir(parents=True)
    rows = list(written_rows("id"))
    for split, part in {"train": rows[:96], "dev": rows[96:144], "test": rows[144:]}.items():
        lines = [f"{STARS[row.label][number % 2]}\t{row.text}\n" for number, row in enumerate(part)]
        (folder / "data" / "hotel_id" / f"{split}.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def train(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SENTIMENT_DATASETS": "hotel_reviews", "PYTHONPATH": f"{ROOT / 'src'}:{folder}"}
    return subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *arguments, f"paths.data_dir={folder / 'data'}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(("command", "name"), list(zip(commands(), ("target", "source"), strict=True)))
def test_the_pages_commands_run(folder: Path, command: list[str], name: str) -> None:
    limits = [each for each in SMALL[1:] if each.split(".")[1] in " ".join(command)] if name == "source" else []
    done = train(folder, *command, *limits, "trainer.max_epochs=1", f"hydra.run.dir={folder / name}")
    assert done.returncode == 0, done.stderr
    result = read_result(folder / name)
    entry = result["scores"]["hotel_id"]
    assert (entry["metric"], entry["language"], entry["domain"], entry["n"]) == ("macro_f1", "id", "hotel reviews", 96)
    lines = (folder / "data" / "hotel_id" / "test.tsv").read_text(encoding="utf-8").splitlines()
    min_stars = 3 if name == "target" else 4
    negative = sum(int(line[0]) < min_stars for line in lines)
    assert 0 < negative < len(lines)
    assert sum(entry["selections"]["last"]["confusion"][0]) == negative
    assert result["config"]["targets" if name == "target" else "source"]["hotel_id"]["min_stars"] == min_stars


def test_its_options_are_checked_and_listed_as_all_others_are(folder: Path) -> None:
    refused = train(folder, "experiment=tiny", "targets=hotel_id_strict", "targets.hotel_id_strict.min_stars=2")
    sentence = "targets.hotel_id_strict.min_stars=2 is invalid: it must be an integer in [3, 5]."
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (1, f"error: {sentence}")
    options = train(folder, "--help").stdout
    assert re.search(r"^  hotel_id, hotel_id_strict", options, re.MULTILINE)


def test_a_module_that_is_not_found_is_a_sentence(folder: Path) -> None:
    environment = os.environ | {"SENTIMENT_DATASETS": "hotel_revews", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "--help"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "SENTIMENT_DATASETS names the module hotel_revews, which was not found" in done.stderr
    assert "Traceback" not in done.stderr
