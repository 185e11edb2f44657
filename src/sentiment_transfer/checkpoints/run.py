"""A run's directory as a trained model, its whole vocabulary restored.

A run keeps the embedding rows of the tokens that its texts have (``model/vocabulary.py``) and, with adapters, what they
changed (``model/lora.py``). The rest never changed: it is had from the encoder that the run started from.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from sentiment_transfer.checkpoints.encoder import encoder_network, encoder_tensor
from sentiment_transfer.checkpoints.model import Origin, TrainedModel
from sentiment_transfer.checkpoints.saved import label_names
from sentiment_transfer.checkpoints.tensors import read_tensors
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.hub import quiet_loading
from sentiment_transfer.model.tokenizer import BUILTIN, saved_tokenizer
from sentiment_transfer.results.record import RESULT_FILE, RunResult, read_result
from sentiment_transfer.training.selection import weights_path

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.configuration_utils import PreTrainedConfig

KEPT_TOKEN_IDS = ".kept_token_ids"  # what a trimmed embedding calls its map from rows to tokens


def open_run(folder: Path, selection: str | None, cache_dir: Path) -> TrainedModel:
    """The model of a finished run. Raises UserError where its weights, or what they rest on, cannot be had."""
    result = run_result(folder)
    selection = selection or ("source_dev" if "source_dev" in result["selections"] else "last")
    weights = weights_path(folder, epoch_of(result, selection))
    if not weights.is_file() or not (folder / "model" / "config.json").is_file():
        raise UserError(
            f"The run in {folder} kept no weights for selection={selection} ({weights.name} or model/ is not there: "
            "trainer.keep_weights=false, or removed). Delete its folder and run its command again with "
            "trainer.keep_weights=true."
        )
    state = read_tensors(weights, f"Delete {folder} and run its command again.")
    tokenizer = saved_tokenizer(folder / "model")
    network = network_of_run(result, folder, state, tokenizer, cache_dir)
    classes = tuple(label_names(network.config, str(folder)))
    return TrainedModel(
        network=network,
        tokenizer=tokenizer,
        classes=classes,
        outputs=classes,
        max_length=result["config"]["data"]["max_length"],
        origin=Origin("run", str(folder), selection=selection, result=result),
        labels=tuple(result["caveats"]),
        cache_dir=cache_dir,
    )


def run_result(folder: Path) -> RunResult:
    """The record. Raises UserError where it is damaged, or of another program."""
    try:
        return read_result(folder)
    except UserError as error:
        raise UserError(
            f"{folder / RESULT_FILE} is no record of a finished run that this version can read: it is damaged, or "
            f"another program's. ({error})"
        ) from error


def epoch_of(result: RunResult, selection: str) -> int:
    known = result["selections"]
    if selection not in known:
        raise UserError(f"This run has no selection {selection}. There are: {', '.join(known)}.")
    epoch = known[selection]["epoch"]
    if not isinstance(epoch, dict):
        return int(epoch)
    if len(set(epoch.values())) > 1:  # oracle: each target chose its own
        chosen = ", ".join(f"{name} epoch {number + 1}" for name, number in epoch.items())
        raise UserError(
            f"selection={selection} is another epoch for each target of this run ({chosen}). Use selection=last or "
            "selection=source_dev."
        )
    return int(next(iter(epoch.values())))


def network_of_run(
    result: RunResult, folder: Path, state: dict[str, Tensor], tokenizer: PreTrainedTokenizerBase, cache_dir: Path
) -> PreTrainedModel:
    from transformers import AutoConfig

    settings = result["config"]
    trimmed = next((name.removesuffix(KEPT_TOKEN_IDS) for name in state if name.endswith(KEPT_TOKEN_IDS)), None)
    kept_token_ids = state.pop(trimmed + KEPT_TOKEN_IDS) if trimmed else None
    if settings["model"].get("lora_rank") is not None:
        return adapted_network(settings, state, len(tokenizer), folder, cache_dir)
    if kept_token_ids is not None:
        rows = state[f"{trimmed}.weight"]
        whole = rest_of_vocabulary(settings, f"{trimmed}.weight", len(tokenizer), cache_dir).detach().clone()
        if whole.ndim != 2 or whole.shape[1] != rows.shape[1] or len(whole) <= int(kept_token_ids.max()):
            raise UserError(
                f"The encoder {settings['model']['encoder']} is not the one that the run in {folder} started from: its "
                f"embedding is {tuple(whole.shape)}. Put the right one there."
            )
        whole[kept_token_ids] = rows.to(whole.dtype)
        state[f"{trimmed}.weight"] = whole
    return network_of(AutoConfig.from_pretrained(folder / "model", trust_remote_code=False), state, folder)


def network_of(config: PreTrainedConfig, state: dict[str, Tensor], folder: Path) -> PreTrainedModel:
    """The architecture of ``config`` over the tensors of ``state``, which are not copied."""
    from transformers import AutoModelForSequenceClassification

    architecture: Any = AutoModelForSequenceClassification._model_mapping[type(config)]
    quiet_loading()
    network, report = architecture.from_pretrained(None, config=config, state_dict=state, output_loading_info=True)
    if wrong := [*report["missing_keys"], *report["unexpected_keys"], *report["mismatched_keys"]]:
        raise UserError(
            f"The weights in {folder} do not fit the architecture beside them: {len(wrong)} tensors, e.g. {wrong[0]}. "
            "The folder's files are of two models."
        )
    return network.float().eval()


def rest_of_vocabulary(settings: dict[str, Any], name: str, vocabulary: int, cache_dir: Path) -> Tensor:
    """The whole embedding that training began with: (vocabulary, width)."""
    model = settings["model"]
    if model["encoder"].startswith(BUILTIN) or model["weights"] == "random":
        return encoder_network(settings, vocabulary, cache_dir).get_input_embeddings().weight  # type: ignore[return-value]
    return encoder_tensor(model, name, cache_dir)


def adapted_network(
    settings: dict[str, Any], state: dict[str, Tensor], vocabulary: int, folder: Path, cache_dir: Path
) -> PreTrainedModel:
    """The encoder that the run started from with its adapters merged into it."""
    network: Any = encoder_network(settings, vocabulary, cache_dir)
    unknown = network.load_state_dict(state, strict=False).unexpected_keys
    if unknown:
        raise UserError(
            f"The adapters in {folder} do not fit the encoder {settings['model']['encoder']} ({unknown[0]}): it is "
            "another one than the run started from."
        )
    from peft.tuners.lora import LoraLayer

    for name, layer in list(network.named_modules()):
        if isinstance(layer, LoraLayer):
            layer.merge()
            network.set_submodule(name, layer.get_base_layer())
    return network.float().eval()
