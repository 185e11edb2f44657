"""Load the classifier of a run's directory, with its full vocabulary.

A run saves the embedding rows of the tokens that occur in its texts (``model/vocabulary.py``) and, with adapters, only
those (``model/lora.py``). Training changed nothing else: the rest is read from the encoder that the run started from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from sentiment_transfer.checkpoints.embedding import kept_embedding, refuse_other_embedding
from sentiment_transfer.checkpoints.model import Origin, TrainedModel
from sentiment_transfer.checkpoints.saved import label_names
from sentiment_transfer.checkpoints.stored_weights import encoder_network, encoder_tensor, read_tensors
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.hub_errors import first_line
from sentiment_transfer.model.configuration import read_config
from sentiment_transfer.model.digests import adapted_digest
from sentiment_transfer.model.finite import refuse_non_finite
from sentiment_transfer.model.hub import quiet_loading
from sentiment_transfer.model.lora import match_ranks, merge_adapters
from sentiment_transfer.model.memory import refuse_larger_than_memory
from sentiment_transfer.model.network import refuse_larger_vocabulary
from sentiment_transfer.model.pooling import pool
from sentiment_transfer.model.tokenizer import BUILTIN, saved_tokenizer, vocabulary_size
from sentiment_transfer.results.inputs import model_files
from sentiment_transfer.results.record import RESULT_FILE, RunResult, is_size_caveat, read_result
from sentiment_transfer.training.selection import SavedWeights, at_epoch, recorded

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.configuration_utils import PreTrainedConfig

DAMAGED = "Its model/ folder is not the one that the run wrote: copy the run's directory again."
TOKEN_IDS = ".kept_token_ids"  # suffix of a trimmed embedding's token ids, (rows,) int64; see model/vocabulary.py


def open_run(folder: Path, selection: str | None, cache_dir: Path) -> TrainedModel:
    """The classifier of a finished run under ``selection`` (by default ``source_dev``, else ``last``).

    Raises UserError if its weights, or the encoder that it started from, are not available.
    """
    result = run_result(folder)
    selection = selection or ("source_dev" if "source_dev" in result["selections"] else "last")
    weights = weights_of(result, selection).path(folder)
    if not weights.is_file() or not (folder / "model" / "config.json").is_file():
        raise UserError(
            f"The run in {folder} has no weights for selection={selection} ({weights.name} or model/ is missing: it "
            "was deleted, or trainer.keep_weights=false). Delete the folder and run its command again with "
            "trainer.keep_weights=true."
        )
    refuse_changed_model(folder, result["inputs"].get("model"))
    state = read_tensors(weights, f"Delete {folder} and run its command again.")
    tokenizer = saved_tokenizer(folder / "model")
    network = restore_network(result, folder, state, tokenizer, cache_dir)
    refuse_non_finite(network.named_parameters(), f"the run in {folder}", f"Delete {folder} and run its command again.")
    refuse_larger_vocabulary(vocabulary_size(tokenizer), network, f"the run in {folder}", DAMAGED)
    classes = tuple(label_names(network.config, str(folder)))
    return TrainedModel(
        network=network,
        tokenizer=tokenizer,
        classes=classes,
        outputs=classes,
        max_length=result["config"]["data"]["max_length"],
        origin=Origin("run", str(folder), selection=selection, result=result),
        caveats=tuple(caveat for caveat in result["caveats"] if not is_size_caveat(caveat, "test")),
        cache_dir=cache_dir,
    )


def refuse_changed_model(folder: Path, written: Mapping[str, str] | None) -> None:
    """Raise UserError if a file of the run's ``model/`` is not as it was ``written``, by name and hash."""
    now = model_files(folder)
    changed = [name for name, digest in (written or {}).items() if now.get(name) != digest]
    if changed:
        raise UserError(
            f"{folder / 'model' / changed[0]} is damaged or was changed since the run wrote it, and the run would "
            f"answer otherwise than it was scored. Restore the file, or delete {folder} and run its command again."
        )


def run_result(folder: Path) -> RunResult:
    """The record of the run in ``folder``. Raises UserError if it is damaged or was written by another program."""
    try:
        return read_result(folder)
    except UserError as error:
        raise UserError(
            f"{folder / RESULT_FILE} is not a record that this version can read: it is damaged, or was written by "
            f"another program. ({error})"
        ) from error


def weights_of(result: RunResult, selection: str) -> SavedWeights:
    """The weights that ``selection`` names. Raises UserError if there are none, or others for each target."""
    selections = result["selections"]
    if selection not in selections:
        raise UserError(f"selection={selection} is invalid: this run has {', '.join(selections)}.")
    if weights := recorded(selections[selection]):
        return weights
    epoch = selections[selection]["epoch"]
    if len(set(epoch.values())) > 1:  # oracle: selected per target
        chosen = ", ".join(f"{name} epoch {number + 1}" for name, number in epoch.items())
        raise UserError(
            f"selection={selection} selects a different epoch for each target of this run ({chosen}). Use "
            "selection=last or selection=source_dev."
        )
    return at_epoch(int(next(iter(epoch.values()))))


def restore_network(
    result: RunResult, folder: Path, state: dict[str, Tensor], tokenizer: PreTrainedTokenizerBase, cache_dir: Path
) -> PreTrainedModel:
    """The trained network: the saved tensors ``state``, completed by those of the encoder that training left unchanged.

    Raises UserError if the encoder is not available or does not match the run.
    """
    settings = result["config"]
    trimmed = next((name.removesuffix(TOKEN_IDS) for name in state if name.endswith(TOKEN_IDS)), None)
    token_ids = state.pop(trimmed + TOKEN_IDS) if trimmed else None
    if settings["model"]["lora_rank"] is not None:
        return with_merged_adapters(result, state, vocabulary_size(tokenizer), folder, cache_dir)
    if token_ids is not None:
        rows = state[f"{trimmed}.weight"]
        own = kept_embedding(folder)
        if own is None:
            own = initial_embedding(settings, f"{trimmed}.weight", vocabulary_size(tokenizer), cache_dir)
        embedding = own.detach()  # nobody else's: mapped privately from its file, so that writing copies pages alone
        if embedding.ndim != 2 or embedding.shape[1] != rows.shape[1] or len(embedding) <= int(token_ids.max()):
            raise UserError(
                f"The encoder {settings['model']['encoder']} is not the one that the run in {folder} started from: its "
                f"embedding has shape {tuple(embedding.shape)}. Restore the original encoder there."
            )
        refuse_other_embedding(embedding, result["inputs"].get("embedding"), settings["model"]["encoder"], folder)
        embedding[token_ids] = rows.to(embedding.dtype)
        state[f"{trimmed}.weight"] = embedding
    config = read_config(str(folder / "model"), None, f"checkpoint={folder}")
    return build_network(config, state, folder)


def build_network(config: PreTrainedConfig, state: dict[str, Tensor], folder: Path) -> PreTrainedModel:
    """The architecture of ``config`` over the tensors of ``state``, which are not copied; fp32, in eval mode.

    Raises UserError if the tensors do not match the architecture.
    """
    from transformers import AutoModelForSequenceClassification

    refuse_larger_than_memory(config, str(folder))
    architecture: Any = AutoModelForSequenceClassification._model_mapping[type(config)]
    quiet_loading()
    network, report = architecture.from_pretrained(None, config=config, state_dict=state, output_loading_info=True)
    if wrong := [*report["missing_keys"], *report["unexpected_keys"], *report["mismatched_keys"]]:
        raise UserError(
            f"The weights in {folder} do not match the architecture in model/config.json: {len(wrong)} tensors, e.g. "
            f"{wrong[0]}. The folder's files belong to two models."
        )
    pool(network, str(folder))
    return network.float().eval()


def initial_embedding(settings: dict[str, Any], name: str, vocabulary: int, cache_dir: Path) -> Tensor:
    """The full embedding that training started from: (vocabulary, hidden size)."""
    model = settings["model"]
    if model["encoder"].startswith(BUILTIN) or model["weights"] == "random":
        return encoder_network(settings, vocabulary, cache_dir).get_input_embeddings().weight  # type: ignore[return-value]
    return encoder_tensor(model, name, cache_dir)


def with_merged_adapters(
    result: RunResult, state: dict[str, Tensor], vocabulary: int, folder: Path, cache_dir: Path
) -> PreTrainedModel:
    """The encoder that the run started from, with the run's LoRA adapters merged into its weights.

    Raises UserError if the adapters do not match the encoder.
    """
    settings, adapted = result["config"], result["inputs"].get("adapted")
    network: Any = encoder_network(settings, vocabulary, cache_dir)
    if adapted is not None and adapted_digest(network) != adapted:
        raise UserError(
            f"The encoder {settings['model']['encoder']} is not the one that the run in {folder} started from: it has "
            "other weights now. Put the former encoder back."
        )
    try:
        match_ranks(network, state)
        unknown = network.load_state_dict(state, strict=False).unexpected_keys
        if unknown:
            raise ValueError(unknown[0])
    except (ValueError, RuntimeError) as error:  # torch's of another shape
        raise UserError(
            f"The adapters in {folder} do not match the encoder {settings['model']['encoder']} ({first_line(error)}): "
            "it is not the one that the run started from."
        ) from error
    merge_adapters(network)
    return network.float().eval()
