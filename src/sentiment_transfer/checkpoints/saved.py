"""A classifier that ``save_pretrained`` wrote, in a folder or on the hub: an export of ours, or anybody's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sentiment_transfer.checkpoints.labels import outputs_of
from sentiment_transfer.checkpoints.model import ORIGIN_KEY, Origin, TrainedModel
from sentiment_transfer.checkpoints.tensors import refuse_pickle, shards
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.hub import quiet_loading, sentences_for_hub_errors
from sentiment_transfer.model.network import longest_input
from sentiment_transfer.model.tokenizer import load_tokenizer, saved_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.configuration_utils import PreTrainedConfig

INSTEAD = "checkpoint=/path/to/folder"
LONGEST = 512  # tokens, where neither the network nor the tokenizer has a limit


def open_saved(
    checkpoint: str, labels: Mapping[str, str | None] | None, revision: str | None, cache_dir: Path
) -> TrainedModel:
    """The classifier of a folder or a hub name. Raises UserError where it is none, or cannot be read."""
    from transformers import AutoConfig

    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        refuse_other_weights(folder)
    with sentences_for_hub_errors("model", checkpoint, INSTEAD):
        config = AutoConfig.from_pretrained(checkpoint, revision=revision, trust_remote_code=False)
    outputs = outputs_of(label_names(config, checkpoint), labels, checkpoint)
    here, known = folder.is_dir(), getattr(config, ORIGIN_KEY, None) or {}
    tokenizer = saved_tokenizer(folder) if here and known else load_tokenizer(checkpoint, revision=revision)
    network = _network(checkpoint, config, revision)
    return TrainedModel(
        network=network,
        tokenizer=tokenizer,
        classes=tuple(dict.fromkeys(name for name in outputs if name is not None)),
        outputs=outputs,
        max_length=longest_text(network, tokenizer),
        origin=Origin(
            kind="folder" if here else "hub",
            path=str(folder.resolve()) if here else checkpoint,
            revision=None if here else (getattr(config, "_commit_hash", None) or revision),
        ),
        labels=tuple(map(str, known.get("labels", ()))),
        cache_dir=cache_dir,
    )


def refuse_other_weights(folder: Path) -> None:
    """Raises UserError where a folder has no safetensors, or something else under that name."""
    again = "Copy or download the folder again."
    for path in (files := shards(folder)):
        refuse_pickle(path, again)
    if not files:
        pickled = " Pickled *.bin weights are never loaded: convert them." if any(folder.glob("*.bin")) else ""
        raise UserError(f"The folder {folder} has no *.safetensors weights.{pickled} {again}")


def label_names(config: PreTrainedConfig, checkpoint: str) -> list[str]:
    """The label of each logit. Raises UserError for what is no single-label classifier."""
    names: dict[Any, Any] = config.id2label or {}
    if getattr(config, "problem_type", None) in ("regression", "multi_label_classification") or len(names) < 2:
        raise UserError(
            f"{checkpoint} is no classifier with one label for a text (its config.json says {config.problem_type}, "
            f"{len(names)} label{'s' * (len(names) != 1)}): name a sequence classifier."
        )
    return [str(names[place]) for place in sorted(names)]


def _network(checkpoint: str, config: PreTrainedConfig, revision: str | None) -> PreTrainedModel:
    from transformers import AutoModelForSequenceClassification

    quiet_loading()
    # Else a service of the hub is asked to convert pickled weights, and its outcome is loaded; see model/network.py.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    with sentences_for_hub_errors("model", checkpoint, INSTEAD):
        network: Any
        report: dict[str, Any]
        network, report = AutoModelForSequenceClassification.from_pretrained(
            checkpoint,
            config=config,
            revision=revision,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # looked at here, where a sentence can be made of it
        )
    wrong = sorted(
        [*report["missing_keys"], *(key[0] if isinstance(key, tuple) else key for key in report["mismatched_keys"])]
    )
    if wrong:
        raise UserError(
            f"{checkpoint} is no trained classifier: its weights lack {len(wrong)} tensors that its config.json "
            f"({config.model_type}) asks for, e.g. {wrong[0]}. An encoder has to be trained first: python train.py "
            f"model=local model.encoder={checkpoint}"
        )
    return network.eval()


def longest_text(network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens that both the network and its tokenizer are made for."""
    limits = [longest_input(network), tokenizer.model_max_length]
    known = [limit for limit in limits if limit is not None and limit < 1_000_000]  # transformers' "none" is 1e30
    return min(known, default=LONGEST)
