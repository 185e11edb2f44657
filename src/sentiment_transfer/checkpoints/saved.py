"""A classifier written by ``save_pretrained``, in a folder or on the hub: an export of this project or any other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.checkpoints.model import ORIGIN_KEY, Origin, TrainedModel
from sentiment_transfer.checkpoints.stored_weights import refuse_pickle, shards
from sentiment_transfer.commands import command
from sentiment_transfer.data.label_words import NAMES
from sentiment_transfer.data.labels import STARS, canonical, checked_labels
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.configuration import read_config
from sentiment_transfer.model.hub import no_safetensors, read_classifier
from sentiment_transfer.model.network import longest_input, refuse_larger_vocabulary
from sentiment_transfer.model.pooling import pool
from sentiment_transfer.model.tokenizer import load_tokenizer, saved_tokenizer, vocabulary_size

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.configuration_utils import PreTrainedConfig

INSTEAD = "checkpoint=/path/to/folder"
DEFAULT_MAX_LENGTH = 512  # tokens, if neither the network nor the tokenizer has a limit
REQUIRED_CLASSES = ("negative", "positive")


def open_saved(
    checkpoint: str, labels: Mapping[str, str | None] | None, revision: str | None, cache_dir: Path
) -> TrainedModel:
    """The classifier in a folder or hub repository; ``labels`` as in ``classes_of_logits``.

    Raises UserError if it is not a single-label classifier or cannot be read.
    """
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        refuse_other_weights(folder)
    config = read_config(checkpoint, revision, INSTEAD)
    outputs = classes_of_logits(label_names(config, checkpoint), labels, checkpoint)
    local, origin = folder.is_dir(), getattr(config, ORIGIN_KEY, None) or {}
    tokenizer = saved_tokenizer(folder) if local and origin else load_tokenizer(checkpoint, revision=revision)
    network = _load_classifier(checkpoint, config, revision)
    refuse_larger_vocabulary(vocabulary_size(tokenizer), network, checkpoint, "Download or export the model again.")
    return TrainedModel(
        network=network,
        tokenizer=tokenizer,
        classes=tuple(dict.fromkeys(name for name in outputs if name is not None)),
        outputs=outputs,
        max_length=longest_text(network, tokenizer),
        origin=Origin(
            kind="folder" if local else "hub",
            path=str(folder.resolve()) if local else checkpoint,
            revision=None if local else (getattr(config, "_commit_hash", None) or revision),
        ),
        caveats=tuple(map(str, origin.get("caveats", ()))),
        cache_dir=cache_dir,
    )


def refuse_other_weights(folder: Path) -> None:
    """Raises UserError if a folder has no safetensors weights, or a pickle under that name."""
    remedy = "Copy or download the folder again."
    for path in (files := shards(folder)):
        refuse_pickle(path, remedy)
    if not files and (folder / "onnx").is_dir():
        raise UserError(
            f"{folder} holds an ONNX version and no *.safetensors weights: it was exported without, because "
            "transformers cannot pool as it does. Run it with ONNX Runtime as its README.md shows, or name the run's "
            "own directory."
        )
    if not files:
        raise no_safetensors(folder, remedy)


def label_names(config: PreTrainedConfig, checkpoint: str) -> list[str]:
    """The label name of each logit. Raises UserError if the model is not a single-label classifier."""
    names: dict[Any, Any] = config.id2label or {}
    if getattr(config, "problem_type", None) in ("regression", "multi_label_classification") or len(names) < 2:
        raise UserError(
            f"{checkpoint} is not a single-label classifier (its config.json has problem_type {config.problem_type} "
            f"and {len(names)} label{'s' * (len(names) != 1)}): name a sequence classifier."
        )
    return [str(names[index]) for index in sorted(names)]


def classes_of_logits(
    names: Sequence[str], labels: Mapping[str, str | None] | None, checkpoint: str
) -> tuple[str | None, ...]:
    """The class of each of the classifier's label ``names``, in the order of its logits; None for an ignored one.

    ``labels`` maps every name to ``negative``, ``neutral``, ``positive`` or None. Without it, unambiguous names are
    mapped automatically (those of ``data/labels.py``, and ``1 star`` to ``5 stars``). Raises UserError if names are
    missing, unknown or ambiguous, or if none is negative or none positive.
    """
    mapping = _explicit_classes(names, labels, checkpoint) if labels else _classes_by_name(names, checkpoint)
    outputs = tuple(mapping[canonical(name)] for name in names)
    if absent := [name for name in REQUIRED_CLASSES if name not in outputs]:
        raise UserError(
            f"None of the labels of {checkpoint} ({', '.join(names)}) is {' or '.join(absent)}: a sentiment classifier "
            f"has both. {_labels_example(names)}"
        )
    return outputs


def _explicit_classes(
    names: Sequence[str], labels: Mapping[str, str | None], checkpoint: str
) -> Mapping[str, str | None]:
    mapping = checked_labels(labels, checkpoint)
    known = {canonical(name) for name in names}
    if missing := [name for name in names if canonical(name) not in mapping]:
        raise UserError(
            f"labels= gives no class for {', '.join(missing)} of {checkpoint}: name every label, with null for one "
            f"that is ignored. {_labels_example(names)}"
        )
    if unknown := [name for name in mapping if name not in known]:
        raise UserError(
            f"labels= names {', '.join(unknown)}, but the labels of {checkpoint} are {', '.join(names)}. "
            f"{_labels_example(names)}"
        )
    return mapping


def _classes_by_name(names: Sequence[str], checkpoint: str) -> Mapping[str, str | None]:
    keys = {canonical(name) for name in names}
    if keys <= NAMES.keys():
        return dict(NAMES)
    stars = {key: re.sub(r" ?stars?$", "", key) for key in keys}
    if set(stars.values()) == STARS.keys() and all("star" in key for key in keys):
        return {key: STARS[number] for key, number in stars.items()}
    raise UserError(
        f"The labels of {checkpoint} are {', '.join(names)}, whose classes are ambiguous. {_labels_example(names)}"
    )


def _labels_example(names: Sequence[str]) -> str:
    mapping = ", ".join(f"{name}: <class>" for name in names)
    return f"Type 'labels={{{mapping}}}', with negative, positive, neutral or null (ignored) for <class>."


def _load_classifier(checkpoint: str, config: PreTrainedConfig, revision: str | None) -> PreTrainedModel:
    network, missing, mismatched = read_classifier(checkpoint, config, revision, INSTEAD)
    if wrong := sorted([*missing, *mismatched]):
        raise UserError(
            f"{checkpoint} is not a trained classifier: its weights lack {len(wrong)} tensors that its config.json "
            f"({config.model_type}) asks for, e.g. {wrong[0]}. Train an encoder first: "
            + command("train", "model=local", f"model.encoder={checkpoint}")
        )
    pool(network, checkpoint)
    return network.eval()


def longest_text(network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """The longest input in tokens that both the network and its tokenizer accept."""
    limits = [longest_input(network), tokenizer.model_max_length]
    # transformers' "none" is 1e30; a text of two special tokens is empty.
    known = [int(limit) for limit in limits if limit is not None and 3 <= limit < 1_000_000]
    return min(known, default=DEFAULT_MAX_LENGTH)
