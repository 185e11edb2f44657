"""A pretrained encoder in a folder, as on the hub: config.json, safetensors without a head, and a tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from tests.helpers.memory import MemoryDataModule, Rows, some
from tests.helpers.tiny import tiny_folder
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerBase

from sentiment_transfer.data.batches import BatchOptions
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.model.tokenizer import train_tokenizer

ROWS: Rows = some("the review of a film and a hotel", 160)


def tokenizer() -> PreTrainedTokenizerBase:
    return train_tokenizer([text for text, _ in ROWS])


def pretrained(folder: Path, model_type: str = "xlm-roberta", **changes: Any) -> Path:
    """Weights of spread 0.2, so that the texts matter, and of several layers."""
    vocabulary = len(tokenizer())
    sizes = {"vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3}
    tiny_folder(folder, model_type, **(sizes | {"max_position_embeddings": 66, "initializer_range": 0.2} | changes))
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def reviews(cache: Path, *, packed: bool = True, **options: Any) -> TransferDataModule:
    """20 batches of 8 to train on, a development set and a test set."""
    source = {"mine": MemoryDataModule("mine", train=ROWS, dev=some("dev", 30), test=some("test", 30))}
    settings = {"batch_size": 8, "batch_options": BatchOptions(packed=packed), "cache_dir": cache}
    return TransferDataModule(source, tokenizer=tokenizer(), **(settings | options))


def trainer(folder: Path, **options: Any) -> pl.Trainer:
    defaults = {"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    quiet = {"enable_model_summary": False, "enable_progress_bar": False, "num_sanity_val_steps": 0}
    return pl.Trainer(default_root_dir=folder, **(defaults | quiet | options))
