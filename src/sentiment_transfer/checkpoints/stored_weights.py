"""Weights on disk: tensors of safetensors files, and the pretrained encoder that a run started from.

Nothing but safetensors is read: a pickle can run any code.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.checksums import verify_weights
from sentiment_transfer.files.hub_errors import first_line
from sentiment_transfer.model.configuration import checked_revision
from sentiment_transfer.model.hub import INDEX, indexed_files, sentences_for_hub_errors
from sentiment_transfer.model.network import encoder_location, load_network

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# The first bytes of files that can hold a pickle: zip archives (torch since 1.6), pickle protocols 2 to 5.
PICKLE_MAGIC = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
ENCODER_INSTEAD = "checkpoint= and the folder of an export, which holds everything"
ENCODER_REMEDY = "Copy or download the encoder again."


def read_tensors(path: Path, remedy: str) -> dict[str, Tensor]:
    """Every tensor of a safetensors file by name, mapped into memory after a look at its checksum, if it has one.

    ``remedy`` is the sentence that tells the user how to get an intact file. Raises UserError for a file that is
    missing, truncated, damaged or a pickle.
    """
    from safetensors.torch import load_file

    refuse_pickle(path, remedy)
    try:
        verify_weights(path)
        return load_file(path)
    except Exception as error:  # SafetensorError, OSError and what else its Rust core raises over damaged headers
        raise UserError(_damaged(path, error, remedy)) from error


def read_tensor(paths: Iterable[Path], suffix: str, remedy: str) -> Tensor | None:
    """The first tensor in ``paths`` whose name is ``suffix`` or ends in ``.suffix``; None if no file has one.

    Raises UserError as ``read_tensors`` does.
    """
    from safetensors import safe_open

    for path in paths:
        refuse_pickle(path, remedy)
        try:
            with safe_open(path, "pt") as file:
                for name in file.keys():  # noqa: SIM118  not a dict
                    if name == suffix or name.endswith("." + suffix):
                        return file.get_tensor(name)
        except Exception as error:
            raise UserError(_damaged(path, error, remedy)) from error
    return None


def shards(folder: Path) -> list[Path]:
    """The safetensors files of a saved model, in the order of its index if it has one.

    Raises UserError if the index is damaged, or names files elsewhere.
    """
    index = folder / INDEX
    if not index.is_file():
        return sorted(folder.glob("*.safetensors"))
    return [folder / name for name in indexed_files(index)]


def refuse_pickle(path: Path, remedy: str) -> None:
    """Raises UserError if ``path`` cannot be opened or is a pickle under the name of a safetensors file."""
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise UserError(f"The weights {path} are no file, but a folder or a device. {remedy}")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UserError(f"The weights {path} cannot be opened: {error.strerror or error}. {remedy}") from error
    if start.startswith(PICKLE_MAGIC):
        raise UserError(
            f"{path} is a pickle or a zip archive under the name of a safetensors file. Pickles can run any code and "
            f"are never loaded. {remedy}"
        )


def encoder_network(settings: dict[str, Any], vocabulary: int, cache_dir: Path) -> PreTrainedModel:
    """The network of a run's configuration as it was before training, with ``vocabulary`` embedding rows.

    Raises UserError if its encoder is not available.
    """
    model = settings["model"]
    source = next(iter(settings["source"].values()))
    ternary = source.get("classes", 2) == 3
    try:
        return load_network(
            encoder_location(model, cache_dir),
            classes=("negative", "neutral", "positive") if ternary else ("negative", "positive"),
            vocabulary=vocabulary,
            seed=settings["seed"] if model.get("init_seed") is None else model["init_seed"],
            revision=model["revision"],
            random_weights=model["weights"] == "random",
            lora_rank=model["lora_rank"],
            layers=model["layers"],
            pooling=model.get("pooling"),
        )
    except UserError as error:
        raise UserError(_encoder_needed(model["encoder"], str(error))) from error


def encoder_tensor(model: dict[str, Any], name: str, cache_dir: Path) -> Tensor:
    """One tensor of a pretrained encoder's safetensors files, of which no other byte is read.

    ``model`` is that group of a run's configuration, ``name`` the tensor's name in a classifier over the encoder.
    Raises UserError if the encoder is not available or has no such tensor.
    """
    encoder = model["encoder"]
    try:
        files = _encoder_files(encoder_location(model, cache_dir), model["revision"])
        # A checkpoint for another task may have another prefix, or none: roberta., model., ...
        tensor = read_tensor(files, name, ENCODER_REMEDY) if files else None
        if tensor is None and files and "." in name:
            tensor = read_tensor(files, name.partition(".")[2], ENCODER_REMEDY)
    except UserError as error:
        raise UserError(_encoder_needed(encoder, str(error))) from error
    if tensor is None:
        raise UserError(_encoder_needed(encoder, f"It has no safetensors file with a tensor {name}."))
    return tensor


def _encoder_files(encoder: str, revision: str | None) -> list[Path]:
    folder = Path(encoder).expanduser()
    if folder.is_dir():
        return shards(folder)
    from transformers.utils import cached_file

    checked_revision(revision)
    with sentences_for_hub_errors("model", encoder, ENCODER_INSTEAD):
        index = cached_file(encoder, INDEX, revision=revision, _raise_exceptions_for_missing_entries=False)
        if index is None:
            return [Path(str(cached_file(encoder, "model.safetensors", revision=revision)))]
        names = [path.name for path in shards(Path(index).parent)]
        return [Path(str(cached_file(encoder, name, revision=revision))) for name in names]


def _encoder_needed(encoder: str, reason: str) -> str:
    return (
        f"The run saved only what training changed; the rest is read from the encoder that it started from, {encoder}. "
        f"{reason} Make it available under that name again, or export the run on the machine where it was trained."
    )


def _damaged(path: Path, error: Exception, remedy: str) -> str:
    return f"The weights {path} are damaged or truncated ({first_line(error)}). {remedy}"
