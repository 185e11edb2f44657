"""``config.json`` of a model, checked before anything is built from it: a file from outside decides on sizes, on depth
and on which code computes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.hub import sentences_for_hub_errors

if TYPE_CHECKING:
    from transformers.configuration_utils import PreTrainedConfig

NAME = "config.json"
LARGEST_FILE = 2**22  # bytes
DEEPEST = 20  # levels of nesting; published ones have five
MOST = 1_000  # layers, labels and so on: each costs time before its memory can be counted
LOCAL_ATTENTION = ("eager", "sdpa")  # any other is a package, or a kernel that transformers downloads and runs
COMMIT = re.compile(r"[0-9a-f]{40}")
COUNT = re.compile(r"layer|block|label|depth|group|stage|expert|head")
NO_COUNT = re.compile(r"(size|dim|width|channels|eps|scale|scaling|init|ids?)$")
BERT_LIKE = ("xlm-roberta", "roberta", "camembert", "xlm-roberta-xl", "bert", "electra")


def read_config(name: str, revision: str | None, instead: str, **changes: Any) -> PreTrainedConfig:
    """The configuration of a folder or hub model, with ``changes``; ``instead`` as in ``sentences_for_hub_errors``.

    Raises UserError where it is missing or not to be built: beyond all sizes, quantised, of an attention that is
    downloaded, or a decoder's.
    """
    from transformers import AutoConfig

    with sentences_for_hub_errors("model", name, instead):
        path, revision = _located(name, revision)
        if path is None:
            raise OSError(f"it has no {NAME}")
        entries = checked_entries(path, name)
        config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False, **changes)
        config._commit_hash = getattr(revision, "resolved", None)
    refuse_decoder(config, name)
    position = entries.get("position_embedding_type")
    if config.model_type in BERT_LIKE and position not in (None, "absolute"):
        raise UserError(
            f"The model {name} has position_embedding_type {position} in its {NAME}, but transformers computes "
            f"absolute positions for {config.model_type}: its answers would be wrong. Name another model."
        )
    return config


def check_config(name: str, revision: str | None) -> str | None:
    """Check the configuration beside a tokenizer, which transformers reads as well; returns the revision to read, with
    its commit. Raises UserError as ``read_config`` does, but not where there is none."""
    path, revision = _located(name, revision, _raise_exceptions_for_connection_errors=False)
    if path is not None:
        checked_entries(path, name)
    return revision


def checked_entries(path: Path, name: str) -> dict[str, Any]:
    """The entries of the file. Raises UserError, with the first that is refused."""
    if path.stat().st_size > LARGEST_FILE:
        raise UserError(f"The {NAME} of {name} has more than {LARGEST_FILE:,} bytes: it is no model's.")
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise _nested(name) from None
    if not isinstance(entries, dict):
        raise UserError(f"The {NAME} of {name} holds no settings: it is damaged, or no model's.")
    for where, key, value in _walk(entries, name):
        if isinstance(value, list | dict) and len(value) > MOST:
            raise UserError(f"The {NAME} of {name} is refused: {where} has {len(value):,} items, more than {MOST:,}.")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and value > MOST and COUNT.search(key) and not NO_COUNT.search(key):
            raise UserError(f"The {NAME} of {name} is refused: {where}={value} is more than {MOST:,}.")
        if number and value < 1 and key == "num_hidden_layers":
            raise UserError(f"The {NAME} of {name} is refused: {where}={value}, and a model has a layer or more.")
        if key.endswith("_implementation") and not set(_texts(value)) <= {*LOCAL_ATTENTION}:
            raise UserError(
                f"The {NAME} of {name} is refused: {where}={value} names code that would be downloaded and run, which "
                f"never happens here. Remove that entry, or set it to {' or '.join(LOCAL_ATTENTION)}."
            )
        if key == "quantization_config" and value is not None:
            raise UserError(
                f"The {NAME} of {name} is refused: it has a {where}, and quantised weights are not read. Name the "
                "model in 32 or 16 bits."
            )
    return entries


def refuse_decoder(config: PreTrainedConfig, name: str) -> None:
    """Raises UserError for a BERT that is set up as a decoder: the head reads the first token, which sees no other."""
    if getattr(config, "is_decoder", False) and not getattr(config, "is_encoder_decoder", False):
        raise UserError(
            f"The model {name} has is_decoder=true in its {NAME}: each token sees only those before it, and a "
            "classifier here reads the first token, for which it must see all. Name an encoder; if the weights are an "
            "encoder's, set is_decoder to false."
        )


def checked_revision(revision: str | None) -> None:
    """Raises UserError for a revision that is none in git, and would lead out of the cache."""
    if revision is not None and (".." in revision or revision.startswith("/") or "\\" in revision):
        raise UserError(f"The revision {revision} is refused: give a branch, a tag or a commit of the model.")


def _located(name: str, revision: str | None, **options: bool) -> tuple[Path | None, str | None]:
    """The file on this machine, downloaded if necessary; and ``revision``, from now on of one commit, so that the file
    that was checked is the one that is read."""
    from transformers.utils import cached_file
    from transformers.utils.hub import resolve_revision

    checked_revision(revision)
    revision = resolve_revision(name, revision)
    commit = getattr(revision, "resolved", None)
    if commit is not None and not COMMIT.fullmatch(commit):
        raise OSError(f"the server names {str(commit)[:60]!r} as a commit, which is none")
    found = cached_file(name, NAME, revision=revision, **options)
    return None if found is None else Path(str(found)), revision


def _walk(value: Any, name: str, where: str = "", key: str = "", depth: int = 0) -> Iterator[tuple[str, str, Any]]:
    """Place, key and value of everything in the file."""
    if depth > DEEPEST:
        raise _nested(name)
    if where:
        yield where, key, value
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _walk(item, name, f"{where}.{inner}".removeprefix("."), inner, depth + 1)
    elif isinstance(value, list):
        for item in value[: MOST + 1]:
            yield from _walk(item, name, where, key, depth + 1)


def _nested(name: str) -> UserError:
    return UserError(f"The {NAME} of {name} is nested more than {DEEPEST} levels deep: it is no model's.")


def _texts(value: Any) -> Iterator[str]:
    """The texts in an entry, which may have one for each part of the model."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif value is not None:
        yield str(value)
