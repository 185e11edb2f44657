"""``results``: finished runs as one table."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.example_result import example_result

import sentiment_transfer
from sentiment_transfer import UserError, results
from sentiment_transfer.api import overview
from sentiment_transfer.results.record import write_result


def test_one_row_for_each_run_dataset_and_selection(tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        write_result(tmp_path / str(seed), example_result(seed=seed))
    found = results(tmp_path)
    assert len(found) == 2 * 2 * 2 and set(found["seed"]) == {0, 1}
    row = found.query("dataset == 'written_ja' and selection == 'last'").iloc[0]
    assert row["value"] == row["error"] == pytest.approx(0.3) and row["source"] == "written_en"
    (tmp_path / "0" / "result.json").write_text("{")
    with pytest.warns(UserWarning, match="1 of the runs are left out"):
        assert set(results(tmp_path)["seed"]) == {1}
    with pytest.raises(UserError, match="does not exist"):
        results(tmp_path / "nowhere")


def test_importing_is_light_and_shows_its_names() -> None:
    program = "import sys, sentiment_transfer; print(bool({'torch', 'pandas', 'hydra'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
    assert {"train", "evaluate", "load", "results", "Run"} <= set(dir(sentiment_transfer))


def test_help_of_the_room_that_can_be_called_is_the_functions() -> None:
    assert inspect.getdoc(results) == inspect.getdoc(overview.results)
    assert "role, language, domain: what it was scored on" in pydoc.render_doc(results)
    assert "folders" in inspect.signature(results).parameters
