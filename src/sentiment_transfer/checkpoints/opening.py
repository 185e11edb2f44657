"""``open_model``: from what the user names to a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sentiment_transfer.checkpoints.model import TrainedModel
from sentiment_transfer.checkpoints.run import open_run
from sentiment_transfer.checkpoints.saved import open_saved
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import RESULT_FILE

STARTED = (".hydra", "checkpoints", "weights")  # what a run makes before it is finished
LISTED = 12  # runs that a sentence names
WANTED = "a run's directory, an exported folder, or the name or folder of a Hugging Face sequence classifier"


def open_model(
    checkpoint: str,
    *,
    selection: str | None = None,
    labels: Mapping[str, str | None] | None = None,
    revision: str | None = None,
    cache_dir: str | Path = "~/.cache/sentiment-transfer",
) -> TrainedModel:
    """Open a run's directory, an exported folder, or a Hugging Face sequence classifier by name or folder.

    Args:
        checkpoint: a path, or a name on the hub (``owner/name``).
        selection: of a run: which weights; default ``source_dev`` where the run has it, else ``last``.
        labels: of a foreign classifier: its label names -> negative, positive, neutral, or None (left out). Several
            may be one class. Names such as ``neg`` and ``POSITIVE`` are understood without.
        revision: of a hub model: branch, tag or commit.
        cache_dir: where compiled kernels are kept.

    Raises UserError, in a sentence, for whatever cannot be opened. Weights are read from safetensors files only, and no
    code of a repository is run.
    """
    folder = Path(checkpoint).expanduser()
    cache = Path(cache_dir).expanduser()
    if folder.is_file():
        raise UserError(f"{checkpoint} is a file. Name the folder that it lies in: {WANTED}.")
    if (folder / RESULT_FILE).is_file() and not (folder / "config.json").is_file():
        if labels or revision:
            raise UserError(f"{checkpoint} is a run, whose classes are known: leave labels= and revision= out.")
        return open_run(folder.resolve(), selection, cache)
    if selection is not None:
        raise UserError(f"{checkpoint} is no run's directory, so selection={selection} cannot be: leave it out.")
    if folder.is_dir():
        refuse_no_model(folder)
    elif looks_like_a_path(checkpoint):
        raise UserError(f"{checkpoint} does not exist. Relative paths start at {Path.cwd()}.")
    return open_saved(checkpoint, labels, revision, cache)


def looks_like_a_path(checkpoint: str) -> bool:
    """A hub's name has one slash at most, begins with neither dot, slash nor tilde, and with no folder that is here."""
    here = "/" in checkpoint and Path(checkpoint).parent.is_dir()
    return here or checkpoint.startswith(("/", ".", "~")) or checkpoint.count("/") > 1 or checkpoint.endswith("/")


def refuse_no_model(folder: Path) -> None:
    """Raises UserError for a folder that holds no model, saying what it is where that can be told."""
    if (folder / "config.json").is_file():
        return
    runs = sorted(path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{RESULT_FILE}"))
    if runs:
        listed = "".join(f"\n  checkpoint={path}" for path in runs[:LISTED])
        more = f"\n  and {len(runs) - LISTED} more" if len(runs) > LISTED else ""
        raise UserError(f"{folder} holds {len(runs)} finished run{'s' * (len(runs) > 1)}: name one.{listed}{more}")
    if any((folder / started).is_dir() for started in STARTED):
        raise UserError(
            f"The run in {folder} has not finished: it has no {RESULT_FILE}. Run its command again, which goes on from "
            f"where it was saved.{_finished_beside(folder)}"
        )
    raise UserError(f"{folder} holds no model that this program knows: name {WANTED}.")


def _finished_beside(folder: Path) -> str:
    finished = sorted(path.parent for path in folder.resolve().parent.glob(f"*/{RESULT_FILE}"))
    if not finished:
        return ""
    return f" Finished beside it: {', '.join(map(str, finished[:LISTED]))}."
