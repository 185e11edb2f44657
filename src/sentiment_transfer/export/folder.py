"""The exported folder: written whole or not at all, never over anything that is not an export; and its upload."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentiment_transfer.checkpoints.model import ORIGIN_KEY, TrainedModel
from sentiment_transfer.errors import UserError, without_credentials
from sentiment_transfer.files.atomic import permit, sentence_of, sync, system_error
from sentiment_transfer.files.hub_errors import hub_reason
from sentiment_transfer.model.pooling import needs_this_package
from sentiment_transfer.model.tokenizer import load_tokenizer

NO_LOGIN = (
    "push= needs a login: type `hf auth login` (or set HF_TOKEN), or leave push= out and upload the folder later."
)
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
        # Also what Rust and C++ libraries make of a full disk; see files/atomic.py.
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
    """Weights (safetensors), config.json with the label names, and the tokenizer, as ``transformers`` reads them; no
    weights where it would compute something else from them (export/pooling.py).

    The tokenizer cuts where the run did: its ``model_max_length`` is the run's ``data.max_length``.
    """
    result = model.origin.result
    assert result is not None
    model.network.config.id2label = dict(enumerate(model.classes))
    model.network.config.label2id = {name: place for place, name in enumerate(model.classes)}
    origin = {"run_id": result["run_id"], "selection": model.origin.selection, "caveats": list(model.caveats)}
    setattr(model.network.config, ORIGIN_KEY, origin)
    if needs_this_package(model.network.config.to_dict()):
        model.network.config.save_pretrained(folder)
    else:
        model.network.save_pretrained(folder)
    tokenizer = load_tokenizer(str(Path(model.origin.path) / "model"))
    tokenizer.model_max_length = model.max_length
    tokenizer.save_pretrained(folder)


def refuse_push(repository: str, *, overwrite: bool) -> None:
    """Raises UserError where nobody is logged in, the name is none, or the repository is there: before any work."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    from sentiment_transfer.files.hub_client import limit_the_hub

    limit_the_hub()
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UserError(f"push={repository} is no name of a repository: give user/name ({error}).") from error
    if "/" not in repository:
        raise UserError(f"push={repository} is no name of a repository: give user/name.")
    if get_token() is None:
        raise UserError(NO_LOGIN)
    try:
        exists = HfApi().repo_exists(repository)
        HfApi().whoami()
    except Exception as error:  # network and hub errors of a dozen classes, none of them this program's bug
        raise UserError(f"push={repository}: the hub refuses or cannot be reached ({hub_reason(error)}).") from error
    if exists and not overwrite:
        raise UserError(f"push={repository} exists: type overwrite=true to add a commit that replaces its files.")


def push(folder: Path, repository: str, *, private: bool) -> str:
    """Upload ``folder`` as one commit and return its address. Raises UserError where the hub does not take it."""
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message="Export from sentiment-transfer", delete_patterns="*"
        )
    except Exception as error:
        raise UserError(
            f"The upload to {repository} failed ({hub_reason(error)}). The export is whole, in {folder}; upload it "
            f"with: hf upload {repository} {folder}"
        ) from error
    return without_credentials(str(commit.commit_url))
