"""The notebook with its outputs: executed in a fresh kernel, and stored with a hash of the code that gave them.

``python -m tests.helpers.stored_notebook`` (``make notebook``) renews it with the real encoder, in a few minutes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import nbformat

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "from_reviews_to_figure.ipynb"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
HASH = "code_hash"  # in the metadata


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_hash(notebook: Any) -> str:
    return hashlib.sha256("\n\n".join(cell.source for cell in code_cells(notebook)).encode()).hexdigest()[:16]


def execute(notebook: Any, place: Path, timeout: float) -> None:
    """Every cell in a fresh kernel, in the folder ``place``; the outputs are put into ``notebook``."""
    import nbclient

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of jupyter_client and zmq among themselves
        nbclient.NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(place)}},
        ).execute()


def store() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    os.environ["COLUMNS"] = "100"
    with tempfile.TemporaryDirectory() as place:
        execute(notebook, Path(place), 1_200)
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, HASH: code_hash(notebook)}
    notebook.metadata = nbformat.from_dict(metadata)
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    store()
