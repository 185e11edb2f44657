"""Tiny encoders of every architecture among the model options, as a folder that Hugging Face's classes read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.model.network import load_network

VOCABULARY = 60
POSITIONS = 34
SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": POSITIONS,
}
XLM_R = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
BERT = {"pad_token_id": 0}
# As in the published config.json of mDeBERTa-v3 and mmBERT, made small.
DEBERTA = {
    "pad_token_id": 0,
    "relative_attention": True,
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": "p2c|c2p",
    "position_biased_input": False,
    "type_vocab_size": 0,
}
MODERN_BERT = {
    "pad_token_id": 0,
    "bos_token_id": 1,
    "cls_token_id": 1,
    "eos_token_id": 2,
    "sep_token_id": 2,
    "global_attn_every_n_layers": 2,
    "local_attention": 8,
}

# The architectures among the model options, and the tokens that each has positions for.
FAMILIES: dict[str, tuple[dict[str, Any], int]] = {
    "xlm-roberta": (XLM_R, POSITIONS - 2),  # base, large, infoxlm, xlm_t
    "xlm-roberta-xl": (XLM_R, POSITIONS - 2),  # xl, xxl
    "bert": (BERT, POSITIONS),  # mbert, indobert, indobert_large
    "deberta-v2": (DEBERTA, POSITIONS),  # mdeberta
    "modernbert": (MODERN_BERT, POSITIONS),  # mmbert
}
# What else a user may have in a folder.
OTHERS: dict[str, tuple[dict[str, Any], int]] = {
    "camembert": (XLM_R, POSITIONS - 2),
    "roberta": (XLM_R, POSITIONS - 2),
    "mpnet": (XLM_R, POSITIONS - 2),
    "electra": (BERT | {"embedding_size": 16}, POSITIONS),
}


def tiny_folder(folder: Path, model_type: str = "xlm-roberta", **changes: Any) -> Path:
    """A folder with the config.json of a tiny encoder and nothing else."""
    facts, _ = (FAMILIES | OTHERS)[model_type]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(SIZES | facts | changes | {"model_type": model_type}))
    return folder


def load(encoder: str | Path, **options: Any) -> PreTrainedModel:
    return load_network(str(encoder), **({"classes": BINARY, "vocabulary": VOCABULARY, "seed": 0} | options))


def random(encoder: Path, **options: Any) -> PreTrainedModel:
    return load(encoder, random_weights=True, **options)
