"""The notebook runs from the first cell to the last in a fresh kernel, and shows what its text says."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.runs import ROOT

NOTEBOOK = ROOT / "notebooks" / "from_reviews_to_figure.ipynb"
TOLD = """
import json

print(json.dumps({
    "errors": {name: each["error"] for name, each in scores.items()},
    "floors": {name: each["floor"]["error"] for name, each in scores.items()},
    "labels": [prediction.label for prediction in predictions],
}))
"""
nbformat = pytest.importorskip("nbformat", reason="nbclient and ipykernel come with the extra dev")


def test_it_is_kept_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert len(cells) > 5
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after a run in an empty folder, with no more than this package to find."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient and ipykernel come with the extra dev")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(TOLD))
    place: Path = tmp_path_factory.mktemp("notebook")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of jupyter_client and zmq among themselves
        nbclient.NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(place)}}
        ).execute()
    return notebook


def test_every_cell_gives_something_to_look_at(executed: Any) -> None:
    code = [cell for cell in executed.cells if cell.cell_type == "code"][:-1]
    assert all(cell.outputs for cell in code)
    assert any("image/png" in output.get("data", {}) for output in code[-1].outputs)


def test_an_encoder_from_nothing_stays_near_the_floor_as_the_text_says(executed: Any) -> None:
    found = json.loads(executed.cells[-1].outputs[0].text)
    errors = found["errors"]
    assert list(errors) == ["written_en", "written_ja", "written_id"]
    assert all(abs(error - found["floors"][name]) < 0.15 for name, error in errors.items())
    assert len(found["labels"]) == 3 and set(found["labels"]) <= {"positive", "negative"}
