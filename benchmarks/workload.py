"""The workload of every contestant of the speed benchmark: real texts, the real tokenizer, the same batches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.registration import register
from sentiment_transfer.config.schema import Config
from sentiment_transfer.data.batches import ResumableSampler
from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.runs.build import make_data
from sentiment_transfer.runs.classifier import make_tokenizer

ROOT = Path(__file__).parents[1]
BATCH = 32


@dataclass(frozen=True)
class Workload:
    """Reviews as token ids: for training, in batch order, and for scoring, in file order."""

    config: Config
    data: TransferDataModule
    pad_id: int
    train: list[tuple[np.ndarray, int]]  # (token ids, label); each 32 are a batch
    score: list[tuple[np.ndarray, int]]

    @property
    def vocabulary(self) -> int:
        return 250_002  # XLM-R's, regardless of the tokenizer's added tokens


def configured(*overrides: str) -> Config:
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return validate(compose("config", overrides=list(overrides)))


def workload(encoder: str, *overrides: str, train_rows: int = 3_200) -> Workload:
    """SmSA's training reviews and the test reviews of SmSA and IndoLEM, truncated at 256 tokens; weights are random."""
    config = configured(
        "model=base",
        f"model.encoder={encoder}",
        "model.weights=random",
        "source=smsa_id",
        "targets=[indolem_id]",
        "logger=none",
        *overrides,
    )
    data = make_data(config)
    data.read()
    tokenizer = make_tokenizer(config, data)
    data.tokenise(tokenizer)
    train = data.train_sets[0]
    assert train.tokens is not None and tokenizer.pad_token_id is not None
    order = ResumableSampler(len(train.reviews), BATCH, config.seed)
    rows = [row for batch, _ in order for row in batch][:train_rows]
    labels = train.reviews.labels
    scored = [
        (np.asarray(store[row]), int(label))
        for s in data.test_sets
        for store in [_tokens(s.tokens)]
        for row, label in enumerate(s.reviews.labels)
    ]
    return Workload(
        config,
        data,
        tokenizer.pad_token_id,
        [(np.asarray(train.tokens[row]), int(labels[row])) for row in rows],
        scored,
    )


def _tokens(store: TokenStore | None) -> TokenStore:
    assert store is not None
    return store
