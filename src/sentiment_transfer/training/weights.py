"""A network's weights as files: one for each epoch that a selection needs, and the running mean of all."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.files.checksums import KEY, PENDING, seal_weights, verify_checkpoint, verify_weights
from sentiment_transfer.files.hub_errors import first_line
from sentiment_transfer.model.finite import refuse_non_finite
from sentiment_transfer.model.lora import kept_state, match_ranks, mean_of_adapters
from sentiment_transfer.model.sharding import load_whole, whole
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.selection import SavedWeights, mean_of_epochs


def save_weights(network: PreTrainedModel, path: Path, ranks: Ranks = ALONE) -> None:
    """Write a network's weights (without optimiser state) as safetensors, atomically. All processes of a run must ask,
    for its weights may be shared among them; the first writes."""
    state = whole_state(network, ranks)
    if ranks.is_main:
        write_state(state, path)


def whole_state(network: PreTrainedModel, ranks: Ranks) -> dict[str, torch.Tensor]:
    """The kept tensors of the network, on the CPU, in the main process; empty in others. A collective call."""
    state = ((name, whole(tensor.detach())) for name, tensor in kept_state(network).items())
    return {name: tensor.cpu() for name, tensor in state if ranks.is_main}


def write_state(state: dict[str, torch.Tensor], path: Path, facts: Mapping[str, str] | None = None) -> None:
    """Write tensors, and ``facts`` as the file's metadata, as safetensors with a checksum, atomically."""
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    # Tied tensors (input and output embeddings) share memory, which the format does not have.
    unique = {name: tensor.clone() if _shared(tensor, tensors) else tensor for name, tensor in tensors.items()}

    def write(temporary: Path) -> None:
        save_file(unique, temporary, metadata={"format": "pt", **(facts or {}), KEY: PENDING})
        seal_weights(temporary)

    write_atomically(path, write)


def save_checkpoint(state: Mapping[str, Any], path: Path) -> None:
    """Write a training's state as ``torch.save`` does, atomically."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:  # torch's own files report a full disk as "iostream error" and no more
            torch.save(state, file)

    write_atomically(path, write)


def load_checkpoint(path: Path, device: torch.device) -> Any:
    """The state that ``save_checkpoint`` wrote, as tensors and plain values; nothing in the file is executed.

    Raises ValueError where it is damaged; ``unreadable`` words what else torch raises.
    """
    verify_checkpoint(path)
    return torch.load(path, map_location=device, weights_only=True)


def unreadable(error: BaseException) -> str:
    """Why a checkpoint cannot be read, without torch's advice to turn ``weights_only`` off: that would run its code."""
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):
        return "it holds other things than tensors and plain values"
    return first_line(error)


def save_average(network: PreTrainedModel, folder: Path, epochs: int, ranks: Ranks = ALONE) -> None:
    """Write the mean of the first ``epochs`` epochs' weights: of the network's, which are the last epoch's, and of the
    mean before it, which a stopped run finds on disk. See ``mean_with``. All processes of a run must ask; the first
    writes. Raises UserError where the mean before it is missing or damaged."""
    state = whole_state(network, ranks)
    if not ranks.is_main:
        return
    if epochs > 1:
        with opened_weights(mean_of_epochs(epochs - 1).path(folder), train_again(folder)) as before:
            state = mean_with({name: before.get_tensor(name) for name in state}, state, epochs)
    write_state(state, mean_of_epochs(epochs).path(folder))


def mean_with(
    before: Mapping[str, torch.Tensor], new: Mapping[str, torch.Tensor], count: int
) -> dict[str, torch.Tensor]:
    """The mean of ``count`` networks' tensors by name: ``before`` is that of all but ``new``. In fp32; counts and maps
    are those of ``new``. Of adapters it is the mean of what they add to the weights, in factors of a higher rank."""
    adapters = mean_of_adapters(before, new, count)
    return {
        name: adapters[name] if name in adapters else running_mean(before[name], tensor, count)
        for name, tensor in new.items()
    }


def running_mean(before: torch.Tensor, new: torch.Tensor, count: int) -> torch.Tensor:
    """The mean of ``count`` tensors of any shape: ``before`` is that of all but ``new``. In fp32 where they are of a
    floating type, else ``new``."""
    new = new.detach().cpu()
    return before.float().lerp(new.float(), 1 / count) if new.is_floating_point() else new


def load_weights(network: PreTrainedModel, path: Path) -> None:
    """Read weights written by ``save_weights`` into ``network``. Raises UserError where they do not fit."""
    try:
        verify_weights(path)
        state = load_file(path)
        if state.keys() != (wanted := kept_state(network)).keys():
            other = sorted(state.keys() ^ wanted.keys())
            raise ValueError(f"{len(other)} tensors are in one alone, e.g. {other[0]}")
        match_ranks(network, state)
        refuse_non_finite(state.items(), str(path), "Delete the run's folder to train it again.")
        load_whole(network, state)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"The weights {path} cannot be read into this network ({first_line(error)}). Delete the run's "
            "folder to train it again."
        ) from error


@contextmanager
def opened_weights(path: Path, remedy: str) -> Iterator[Any]:
    """A safetensors file, open for reading tensor by tensor after a look at its checksum. ``remedy`` is the sentence
    that tells the user how to get an intact one. Raises UserError where it is missing or damaged."""
    try:
        verify_weights(path)
        opened = safe_open(path, "pt")
    except Exception as error:  # SafetensorError, and what else its Rust core raises over damaged headers
        raise UserError(f"The weights {path} cannot be read ({first_line(error)}). {remedy}") from error
    with opened as file:
        yield file


def train_again(folder: Path) -> str:
    return f"Delete {folder} and run its command again."


def remove_other_weights(folder: Path, kept: set[SavedWeights]) -> None:
    """Remove all weights but these from a run's directory."""
    paths = {weights.path(folder) for weights in kept}
    for path in folder.glob("weights/*.safetensors"):
        if path not in paths:
            path.unlink()


def _shared(tensor: torch.Tensor, tensors: dict[str, torch.Tensor]) -> bool:
    return sum(other.data_ptr() == tensor.data_ptr() for other in tensors.values()) > 1
