from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.model.network import load_network
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.training.trainer import MEANT

pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in MEANT]
STEPS = 10


class Watch(Callback):
    """Which groups of layers each epoch changed, and the rates of every step."""

    def __init__(self) -> None:
        self.changed: list[list[bool]] = []
        self.rates: list[list[float]] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        self.before = copies(pl_module)

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        self.rates.append([group["lr"] for group in trainer.optimizers[0].param_groups])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        after = copies(pl_module)
        self.changed.append([not torch.equal(*pair) for pair in zip(self.before, after, strict=True)])


def copies(module: UlmfitClassifier) -> list[Tensor]:
    return [torch.cat([p.detach().flatten() for p in group.parameters()]) for group in module.ulmfit.groups()]


def module() -> UlmfitClassifier:
    network = load_network(
        "builtin:ulmfit", classes=BINARY, vocabulary=60, seed=0, sizes={"embedding_size": 8, "hidden_size": 12}
    )
    return UlmfitClassifier(network, classes=BINARY, learning_rate=0.01, betas=(0.7, 0.99))


def fitted(folder: Path, epochs: int) -> Watch:
    torch.manual_seed(0)
    batches = [
        {"input_ids": torch.randint(4, 60, (6, 9)), "attention_mask": torch.ones(6, 9).long(),
         "labels": torch.randint(0, 2, (6,))}
        for _ in range(STEPS)
    ]  # fmt: skip
    watch = Watch()
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=[watch],
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
    )  # fmt: skip
    trainer.fit(module(), DataLoader(batches, batch_size=None), DataLoader(batches[:1], batch_size=None))
    return watch


def test_each_epoch_trains_one_more_group_from_the_top_and_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    watch = fitted(tmp_path, 6)
    assert watch.changed == [[group >= 4 - epoch for group in range(5)] for epoch in range(6)]


def test_rates_are_discriminative_and_follow_the_triangles(tmp_path: Path) -> None:
    watch = fitted(tmp_path, 6)
    rates = torch.tensor(watch.rates)  # (steps, groups with and without decay)
    peaks = sorted(set(rates.amax(0).tolist()))
    assert [above / below for below, above in pairwise(peaks)] == pytest.approx(4 * [2.6])
    assert peaks[-1] == pytest.approx(0.01)
    head = rates[:, -1] / 0.01
    assert head[[0, STEPS, 3 * STEPS]].tolist() == pytest.approx(3 * [1 / 32])
    assert head[[1, STEPS + 1, 4 * STEPS + 2]].tolist() == pytest.approx(3 * [1.0])


def test_the_penalty_is_trained_on_and_not_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = module()
    monkeypatch.setattr(classifier, "log", lambda *_, **__: None)
    batch = {"input_ids": torch.randint(4, 60, (6, 9)), "attention_mask": torch.ones(6, 9).long(),
             "labels": torch.randint(0, 2, (6,))}  # fmt: skip
    loss = classifier.training_step(batch, 0)
    reported = classifier.train_metrics["loss"].compute()
    assert classifier.ulmfit.penalty is not None
    torch.testing.assert_close(loss, reported + classifier.ulmfit.penalty)
    assert loss > reported


def test_only_matrices_decay() -> None:
    decays = {p.ndim >= 2: group["weight_decay"] for group in module()._parameter_groups() for p in group["params"]}
    assert decays == {True: 0.01, False: 0.0}
