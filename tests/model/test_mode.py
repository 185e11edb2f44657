"""Pretrained weights come in eval mode: every one of them must be trained in training mode and scored in eval mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from tests.helpers.pretrained import pretrained, reviews, trainer
from tests.helpers.tiny import FAMILIES, OTHERS
from torch import Tensor
from torch.optim import AdamW
from transformers import AutoModelForSequenceClassification, get_linear_schedule_with_warmup

from sentiment_transfer.config.objective_options import AdamWConfig
from sentiment_transfer.data.batches import pad
from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.network import load_network
from sentiment_transfer.model.packed.network import PACKED
from sentiment_transfer.training.trainer import MEANT

pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in MEANT]

HEADLESS = {"classes": BINARY, "vocabulary": 0, "seed": 0}
RATE = 1e-3


class Seen(pl.Callback):
    """The modes of all parts of the network while each kind of batch is computed, and the losses."""

    def __init__(self) -> None:
        self.modes: dict[str, set[bool]] = {"train": set(), "dev": set(), "predict": set()}
        self.losses: list[float] = []

    def on_train_batch_end(self, fit: Any, module: Any, outputs: Any, *_: Any) -> None:
        self.losses.append(float(outputs["loss"]))
        self.modes["train"].update(part.training for part in module.network.modules())

    def on_validation_batch_end(self, fit: Any, module: Any, *_: Any) -> None:
        self.modes["dev"].update(part.training for part in module.network.modules())

    def on_predict_batch_end(self, fit: Any, module: Any, *_: Any) -> None:
        self.modes["predict"].update(part.training for part in module.network.modules())


def classifier(folder: Path, packed: bool = True, **options: Any) -> SentimentClassifier:
    network = load_network(str(folder), **(HEADLESS | options))
    return SentimentClassifier(network, learning_rate=RATE, packed=packed, cache_dir=folder)


def losses(folder: Path, precision: str = "32-true", packed: bool = True, **options: Any) -> list[float]:
    module, seen = classifier(folder, packed, **options), Seen()
    data = reviews(folder, packed=module.packed is not None)
    trainer(folder, precision=precision, callbacks=[seen]).fit(module, datamodule=data)
    return seen.losses


@pytest.mark.parametrize("model_type", [*FAMILIES, "mpnet"])
@pytest.mark.parametrize("options", [{}, {"random_weights": True}, {"gradient_checkpointing": True}], ids=str)
def test_training_is_in_training_mode_and_scoring_in_eval_mode(
    model_type: str, options: dict[str, Any], tmp_path: Path
) -> None:
    if model_type == "mpnet" and options.get("gradient_checkpointing"):
        pytest.skip("MPNet has no gradient checkpointing")
    module, seen = classifier(pretrained(tmp_path / "encoder", model_type), **options), Seen()
    data = reviews(tmp_path, packed=module.packed is not None)
    fit = trainer(tmp_path, callbacks=[seen], limit_train_batches=2, limit_val_batches=1)
    fit.fit(module, datamodule=data)
    fit.predict(module, data.test_dataloader())
    assert seen.modes == {"train": {True}, "dev": {False}, "predict": {False}}


@pytest.mark.parametrize("options", [{"lora_rank": 2}, {"freeze_embeddings": True}], ids=str)
def test_what_is_frozen_has_dropout_too_and_does_not_move(options: dict[str, Any], tmp_path: Path) -> None:
    module, seen = classifier(pretrained(tmp_path / "encoder"), **options), Seen()
    frozen = {n: p.detach().clone() for n, p in module.network.named_parameters() if not p.requires_grad}
    trainer(tmp_path, callbacks=[seen], max_steps=3).fit(module, datamodule=reviews(tmp_path))
    assert seen.modes["train"] == {True}
    assert frozen
    after = dict(module.network.named_parameters())
    assert all(torch.equal(tensor, after[name]) for name, tensor in frozen.items())


@pytest.mark.parametrize("encoder", ["pretrained", "random", "builtin"])
def test_a_network_comes_in_eval_mode_wherever_its_weights_come_from(encoder: str, tmp_path: Path) -> None:
    if encoder == "builtin":
        network = load_network("builtin:scratch", classes=BINARY, vocabulary=50, seed=0)
    else:
        network = load_network(str(pretrained(tmp_path)), **HEADLESS, random_weights=encoder == "random")
    assert {part.training for part in network.modules()} == {False}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("packed", [True, False])
def test_two_training_passes_differ_and_two_scoring_passes_do_not(precision: str, packed: bool, tmp_path: Path) -> None:
    module = classifier(pretrained(tmp_path / "encoder"), packed)
    data = reviews(tmp_path, packed=packed)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    batch.pop("loss_weight", None)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
        module.in_mode(training=True)
        one, other = module.logits(batch), module.logits(batch)
        first, second = (module.predict_step(batch, 0)["probabilities"] for _ in range(2))
    assert not torch.allclose(one, other, atol=1e-3)
    assert torch.equal(first, second)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("model_type", PACKED)
def test_dropout_changes_the_training_loss_of_pretrained_weights(
    precision: str, model_type: str, tmp_path: Path
) -> None:
    folder = pretrained(tmp_path / "encoder", model_type)
    usual, without = losses(folder, precision), losses(folder, precision, dropout=0.0)
    assert len(usual) == 20 and usual != without
    assert max(abs(one - other) for one, other in zip(usual, without, strict=True)) > 0.01


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("model_type", PACKED)
def test_training_equals_a_plain_loop_of_transformers_and_torch(model_type: str, packed: bool, tmp_path: Path) -> None:
    assert model_type in FAMILIES | OTHERS
    folder = pretrained(tmp_path / "encoder", model_type)
    module = classifier(folder, packed, dropout=0.0)
    data = reviews(tmp_path, packed=packed)
    # With Adam's usual eps a gradient that is 0 but for rounding (a key's bias) moves a weight as any other does.
    module.optimizer_options = AdamWConfig(eps=1e-3)
    trainer(tmp_path, gradient_clip_val=1.0).fit(module, datamodule=data)
    plain = plain_loop(folder, data)
    ours = module.network.state_dict()
    assert ours.keys() == plain.keys()
    for name, tensor in plain.items():
        torch.testing.assert_close(ours[name], tensor, rtol=1e-5, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}")


def plain_loop(folder: Path, data: Any) -> dict[str, Tensor]:
    """The weights after an epoch as anybody would write it: padded batches, AdamW, linear schedule, clipping."""
    torch.manual_seed(0)
    rates = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "classifier_dropout": 0.0}
    network = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2, **rates)
    network.train()
    groups = [
        {"params": [p for p in network.parameters() if p.ndim >= 2], "weight_decay": 0.01},
        {"params": [p for p in network.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = AdamW(groups, lr=RATE, eps=1e-3)
    order = list(data.sampler())
    assert len(order) == 20
    schedule = get_linear_schedule_with_warmup(optimizer, 2, len(order))
    (train,) = data.train_sets
    labels = torch.tensor(train.reviews.labels.copy()).long()
    for rows, _ in order:
        batch = pad([train.tokens[row] for row in rows], data.tokenizer.pad_token_id)
        loss = network(**batch, labels=labels[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return network.state_dict()
