"""A pretrained encoder as one finds it on the hub or on disk, made small: config, tokenizer and safetensors."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.tiny import tiny_folder


def pretrained_folder(folder: Path, positions: int = 66) -> Path:
    """A tiny XLM-R with the tokenizer of the written reviews; its weights are without a classification head."""
    import torch
    from transformers import AutoConfig, AutoModel

    tokenizer = learnt_tokenizer()
    tiny_folder(folder, vocab_size=len(tokenizer), max_position_embeddings=positions)
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
