"""What a run started from, fetched again: all of it, or one tensor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from sentiment_transfer.checkpoints.tensors import INDEX, read_tensor, shards
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.hub import sentences_for_hub_errors
from sentiment_transfer.model.location import encoder_location
from sentiment_transfer.model.network import load_network

if TYPE_CHECKING:
    from transformers import PreTrainedModel

INSTEAD = "checkpoint= and the folder of an export, which holds everything"


def encoder_network(settings: dict[str, Any], vocabulary: int, cache_dir: Path) -> PreTrainedModel:
    """The network of a run's configuration as it was before training. Raises UserError where it cannot be had."""
    model = settings["model"]
    source = next(iter(settings["source"].values()))
    three = source.get("classes", 2) == 3
    try:
        return load_network(
            encoder_location(model, cache_dir),
            classes=("negative", "neutral", "positive") if three else ("negative", "positive"),
            vocabulary=vocabulary,
            seed=settings["seed"],
            revision=model["revision"],
            random_weights=model["weights"] == "random",
            lora_rank=model.get("lora_rank"),  # an earlier version's record has none
            layers=model.get("layers"),
        )
    except UserError as error:
        raise UserError(_needed(model["encoder"], str(error))) from error


def encoder_tensor(model: dict[str, Any], name: str, cache_dir: Path) -> Tensor:
    """One tensor of a pretrained encoder's safetensors files, of which no other byte is read.

    ``model`` is that group of a run's configuration, ``name`` what a classifier over the encoder calls the tensor.
    Raises UserError where it cannot be had.
    """
    encoder = model["encoder"]
    try:
        files = _files(encoder_location(model, cache_dir), model["revision"])
        again = "Copy or download the encoder again."
        # A checkpoint for another task may have another prefix, or none: roberta., model., ...
        tensor = read_tensor(files, name, again) if files else None
        if tensor is None and files and "." in name:
            tensor = read_tensor(files, name.partition(".")[2], again)
    except UserError as error:
        raise UserError(_needed(encoder, str(error))) from error
    if tensor is None:
        raise UserError(_needed(encoder, f"It has no safetensors file with a tensor {name}."))
    return tensor


def _files(encoder: str, revision: str | None) -> list[Path]:
    folder = Path(encoder).expanduser()
    if folder.is_dir():
        return shards(folder)
    from transformers.utils import cached_file

    with sentences_for_hub_errors("model", encoder, INSTEAD):
        index = cached_file(encoder, INDEX, revision=revision, _raise_exceptions_for_missing_entries=False)
        if index is None:
            return [Path(str(cached_file(encoder, "model.safetensors", revision=revision)))]
        listed = shards(Path(index).parent)
        return [Path(str(cached_file(encoder, path.name, revision=revision))) for path in listed]


def _needed(encoder: str, reason: str) -> str:
    return (
        f"The run keeps what training changed, and the rest is read from the encoder that it started from, {encoder}. "
        f"{reason} Make it available under that name again, or export the run where it is."
    )
