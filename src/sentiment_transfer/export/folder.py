"""The exported folder: written whole or not at all, and never over anything that is not an export."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentiment_transfer.checkpoints.model import ORIGIN_KEY, TrainedModel
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import permit, sentence_of, sync, system_error
from sentiment_transfer.model.tokenizer import load_tokenizer

INSTEAD = "Name another folder with output=..."


def refuse_output(output: Path, checkpoint: Path, *, overwrite: bool) -> None:
    """Raises UserError where ``output`` may not be written: before anything is computed."""
    inside = checkpoint.resolve().is_relative_to(output.resolve())
    if inside or output.resolve().is_relative_to(checkpoint.resolve()):
        raise UserError(f"output={output} lies in, or holds, the run's own directory {checkpoint}. {INSTEAD}")
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise UserError(f"output={output} is no folder but a file or a link. {INSTEAD}")
    if output.is_dir() and any(output.iterdir()):
        if not is_export(output):
            raise UserError(
                f"output={output} holds other things than an export ({next(output.iterdir()).name}, ...), which is "
                f"never overwritten. {INSTEAD}"
            )
        if not overwrite:
            raise UserError(f"output={output} exists: type overwrite=true to replace it, or name another folder.")


def is_export(folder: Path) -> bool:
    try:
        return ORIGIN_KEY in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


@contextmanager
def whole_folder(output: Path) -> Iterator[Path]:
    """A temporary folder beside ``output`` that takes its place at the end.

    Whatever is raised inside, ``output`` stays as it was and the temporary folder is removed. Raises UserError where
    the disk is full or the place cannot be written.
    """
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for path in sorted(temporary.rglob("*")):
            if path.is_file():
                permit(path)
            sync(path)
        _swap(temporary, output)
    except UserError:
        raise
    except Exception as error:
        # Also what Rust and C++ libraries make of a full disk; see results/atomic.py.
        if (refused := system_error(error)) is None:
            raise
        sentence = sentence_of(refused, output).replace("paths.output_dir=...", "output=...")
        raise UserError(sentence) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(temporary: Path, output: Path) -> None:
    if not output.exists():
        temporary.rename(output)
        return
    earlier = temporary.with_suffix(".earlier")
    output.rename(earlier)
    try:
        temporary.rename(output)
    except OSError:
        earlier.rename(output)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def write_model(model: TrainedModel, folder: Path) -> None:
    """Weights (safetensors), config.json with the label names, and the tokenizer, as ``transformers`` reads them.

    The tokenizer cuts where the run did: its ``model_max_length`` is the run's ``data.max_length``.
    """
    result = model.origin.result
    assert result is not None
    model.network.config.id2label = dict(enumerate(model.classes))
    model.network.config.label2id = {name: place for place, name in enumerate(model.classes)}
    origin = {"run_id": result["run_id"], "selection": model.origin.selection, "caveats": list(model.caveats)}
    setattr(model.network.config, ORIGIN_KEY, origin)
    model.network.save_pretrained(folder)
    tokenizer = load_tokenizer(str(Path(model.origin.path) / "model"))
    tokenizer.model_max_length = model.max_length
    tokenizer.save_pretrained(folder)
