"""``open_model``: load a trained classifier by the path or name that the user gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.checkpoints.run import open_run
from sentiment_transfer.checkpoints.saved import open_saved
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.names import is_path, no_such_path
from sentiment_transfer.files.text import cache_folder
from sentiment_transfer.results.record import RESULT_FILE

UNFINISHED_RUN_FOLDERS = (".hydra", "checkpoints", "weights")  # a run writes these before its result
MAX_LISTED_RUNS = 12  # in an error message
EXPECTED = "a run's directory, an exported folder, or the name or folder of a Hugging Face sequence classifier"


def open_model(
    checkpoint: str,
    *,
    selection: str | None = None,
    labels: Mapping[str, str | None] | None = None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
) -> TrainedModel:
    """Load a run's directory, an exported folder, or a Hugging Face sequence classifier by name or folder.

    Args:
        checkpoint: a path, or a repository on the hub (``owner/name``).
        selection: for a run: the weights to load; by default ``source_dev`` if the run has it, else ``last``.
        labels: for a classifier of another project: its label names -> negative, positive, neutral, or None
            (ignored). Several may map to one class. Names such as ``neg`` and ``POSITIVE`` are mapped automatically.
        revision: for a hub model: branch, tag or commit.
        cache_dir: cache for compiled kernels and tokens.

    Returns the classifier in eval mode, in fp32 on the CPU. Weights are read from safetensors files only, and no code
    of a repository is run. Raises UserError if the checkpoint cannot be loaded.
    """
    folder = Path(checkpoint).expanduser()
    cache = cache_folder(cache_dir)
    if folder.is_file():
        raise UserError(f"{checkpoint} is a file. Name the folder that contains it: {EXPECTED}.")
    if (folder / RESULT_FILE).is_file() and not (folder / "config.json").is_file():
        if labels or revision:
            raise UserError(f"{checkpoint} is a run, whose classes are known: leave out labels= and revision=.")
        return open_run(folder.resolve(), selection, cache)
    if selection is not None:
        raise UserError(f"selection={selection} is invalid: {checkpoint} is not a run's directory. Leave it out.")
    if folder.is_dir():
        refuse_folder_without_model(folder)
    elif is_path(checkpoint, in_folder=True):
        raise UserError(no_such_path(checkpoint, checkpoint))
    return open_saved(checkpoint, labels, revision, cache)


def refuse_folder_without_model(folder: Path) -> None:
    """Raises UserError for a folder without a saved model, naming what it holds instead if that is recognised."""
    if (folder / "config.json").is_file():
        return
    runs = sorted(path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{RESULT_FILE}"))
    if runs:
        listed = "".join(f"\n  checkpoint={path}" for path in runs[:MAX_LISTED_RUNS])
        more = f"\n  and {len(runs) - MAX_LISTED_RUNS} more" if len(runs) > MAX_LISTED_RUNS else ""
        raise UserError(f"{folder} contains {len(runs)} finished run{'s' * (len(runs) > 1)}: name one.{listed}{more}")
    if any((folder / name).is_dir() for name in UNFINISHED_RUN_FOLDERS):
        raise UserError(
            f"The run in {folder} has not finished: it has no {RESULT_FILE}. Run its command again to resume it."
            f"{_finished_siblings(folder)}"
        )
    raise UserError(f"{folder} contains no model that can be loaded: name {EXPECTED}.")


def _finished_siblings(folder: Path) -> str:
    finished = sorted(path.parent for path in folder.resolve().parent.glob(f"*/{RESULT_FILE}"))
    if not finished:
        return ""
    return f" Finished runs in the same directory: {', '.join(map(str, finished[:MAX_LISTED_RUNS]))}."
