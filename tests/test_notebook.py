"""The notebook is stored with outputs that fit its code, and runs from the first cell to the last in a fresh kernel."""

from __future__ import annotations

import re
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient and ipykernel come with the extra dev")

from tests.helpers.stored_notebook import HASH, NOTEBOOK, code_cells, code_hash, execute  # noqa: E402

# A random encoder of the same sizes in place of the real one, and few reviews.
SMALLER = {
    'experiment="demo"': 'experiment="tiny"',
    "DEPTHS = (2, 4, 8)": "DEPTHS = (1, 2)",
    'OPTIONS = {"logger.progress_bar": False}': (
        'OPTIONS = {"logger.progress_bar": False, "source.written_en.limit": 64, "targets.written_ja.limit": 40, '
        '"targets.written_id.limit": 40, "trainer.average": False}'
    ),
}


@pytest.fixture(scope="module")
def stored() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def executed(stored: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after a run with smaller settings in an empty folder, with no more than this package to find."""
    pytest.importorskip("nbclient", reason="nbclient and ipykernel come with the extra dev")
    notebook = nbformat.from_dict(stored)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    first = code_cells(notebook)[0]
    for written, smaller in SMALLER.items():
        assert written in first.source
        first.source = first.source.replace(written, smaller)
    execute(notebook, tmp_path_factory.mktemp("notebook"), 120)
    return notebook


def kinds(notebook: Any) -> list[set[str]]:
    """What each code cell shows: ``stream``, ``text/html``, ``image/png`` ..."""
    return [
        {kind for output in cell.outputs for kind in output.get("data", {output.output_type: ""})}
        for cell in code_cells(notebook)
    ]


def columns(cell: Any) -> list[str]:
    """Of the DataFrame that a cell shows."""
    html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    return re.findall(r"<th>([^<]*)</th>", html.partition("</thead>")[0])


def test_its_outputs_are_those_of_its_code(stored: Any) -> None:
    cells = code_cells(stored)
    assert stored.metadata.get(HASH) == code_hash(stored), "the code has changed: run make notebook"
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(kinds(stored)) and any("image/png" in kind for kind in kinds(stored))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)


def test_nothing_of_the_machine_is_in_it() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 300_000
    assert not re.search(r"/(home|root|tmp|work|Users|var|usr)/|site-packages|\.venv", text)
    assert '"name": "stderr"' not in text


def test_a_run_is_shown_once(executed: Any) -> None:
    [cell] = [cell for cell in code_cells(executed) if cell.source == "runs[max(DEPTHS)]"]
    assert [output.output_type for output in cell.outputs] == ["execute_result"]


def test_it_runs_and_shows_what_is_stored(stored: Any, executed: Any) -> None:
    assert kinds(executed) == kinds(stored)
    assert [columns(cell) for cell in code_cells(executed)] == [columns(cell) for cell in code_cells(stored)]
