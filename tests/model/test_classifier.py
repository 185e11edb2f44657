from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from tests.helpers.learnt import learnt_tokenizer
from tests.helpers.memory import MemoryDataModule, some
from tests.helpers.tiny import FAMILIES, VOCABULARY, tiny_folder
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, get_linear_schedule_with_warmup

from sentiment_transfer.data.batches import BatchOptions
from sentiment_transfer.data.reviews import BINARY, THREE_CLASS
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import LinearWithWarmup, SentimentClassifier
from sentiment_transfer.model.network import load_network
from sentiment_transfer.training.trainer import MEANT

pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in MEANT]


def small(seed: int = 0, **options: Any) -> PreTrainedModel:
    return load_network(
        "builtin:scratch", **({"classes": BINARY, "vocabulary": len(learnt_tokenizer()), "seed": seed} | options)
    )


def trainer(folder: Path, **options: Any) -> pl.Trainer:
    defaults = {"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    quiet = {"enable_model_summary": False, "enable_progress_bar": False, "default_root_dir": folder}
    return pl.Trainer(**(defaults | quiet | options))


def transfer(folder: Path, rows: int = 20, **options: Any) -> TransferDataModule:
    source = {"mine": MemoryDataModule("mine", train=some("a", rows), dev=some("b", 7), test=some("c", 5))}
    return TransferDataModule(source, tokenizer=learnt_tokenizer(), cache_dir=folder, **({"batch_size": 8} | options))


def weights(module: SentimentClassifier) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.network.parameters()])


def test_a_decoder_is_no_encoder() -> None:
    network = small()
    network.config.is_decoder = True
    with pytest.raises(UserError, match="is_decoder=true"):
        SentimentClassifier(network)


@pytest.mark.parametrize("steps", [1, 2, 7, 10, 100, 1237])
@pytest.mark.parametrize("warmup_ratio", [0.0, 0.06, 0.1, 0.5, 0.99])
def test_the_schedule_is_transformers_linear_schedule_with_warmup(steps: int, warmup_ratio: float) -> None:
    ours = LinearWithWarmup(steps, warmup_ratio)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = get_linear_schedule_with_warmup(optimizer, round(steps * warmup_ratio), steps).lr_lambdas[0]
    assert [ours(step) for step in range(steps + 2)] == [theirs(step) for step in range(steps + 2)]


def test_the_rate_rises_from_0_to_its_peak_and_falls_to_0_at_the_last_step() -> None:
    schedule = LinearWithWarmup(100, 0.1)
    assert (schedule(0), schedule(5), schedule(10), schedule(55), schedule(100)) == (0.0, 0.5, 1.0, 0.5, 0.0)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_biases_and_norms_have_no_weight_decay(model_type: str, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, model_type)
    network = load_network(str(folder), classes=BINARY, vocabulary=VOCABULARY, seed=0, random_weights=True)
    decayed, plain = SentimentClassifier(network, weight_decay=0.3)._parameter_groups()
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.3, 0.0)
    names = {id(p): name for name, p in network.named_parameters()}
    decayed_names = {names[id(p)] for p in decayed["params"]}
    plain_names = {names[id(p)] for p in plain["params"]}
    assert decayed_names | plain_names == set(names.values()) and not decayed_names & plain_names
    assert {name for name in names.values() if name.endswith("bias") or "norm" in name.lower()} == plain_names
    assert all(name.endswith("weight") for name in decayed_names)


def test_what_is_frozen_is_not_optimised() -> None:
    network = small(freeze_embeddings=True)
    groups = SentimentClassifier(network)._parameter_groups()
    optimised = {id(p) for group in groups for p in group["params"]}
    assert id(network.get_input_embeddings().weight) not in optimised
    assert len(optimised) == sum(p.requires_grad for p in network.parameters())


def test_one_step_serves_training_and_development() -> None:
    module = SentimentClassifier(small(), classes=BINARY).eval()
    ids = torch.tensor([[0, 9, 10, 2], [0, 11, 2, 1]])
    batch = {"input_ids": ids, "attention_mask": (ids != 1).long(), "labels": torch.tensor([1, 0])}
    loss = module.step(batch, module.train_metrics)
    module.validation_step(batch, 0)
    logits = module(batch["input_ids"], batch["attention_mask"])
    assert logits.shape == (2, 2)
    assert loss.item() == pytest.approx(torch.nn.functional.cross_entropy(logits, batch["labels"]).item())
    train, dev = module.train_metrics.compute(), module._dev()[0].compute()
    assert {name: value.item() for name, value in train.items()} == {name: value.item() for name, value in dev.items()}
    assert train["accuracy"].item() == (logits.argmax(1) == batch["labels"]).float().mean().item()


def test_metrics_weigh_reviews_and_not_batches() -> None:
    module = SentimentClassifier(small(), classes=BINARY).eval()
    ids = torch.tensor([[0, 9, 10, 2]]).repeat(4, 1)
    right = module(ids, torch.ones_like(ids)).argmax(1)
    labels = torch.cat([right[:3], 1 - right[3:]])
    for rows in (slice(0, 3), slice(3, 4), slice(0, 4)):
        batch = {"input_ids": ids[rows], "attention_mask": torch.ones_like(ids[rows]), "labels": labels[rows]}
        module.step(batch, module._dev()[0] if rows == slice(0, 4) else module.train_metrics)
    parts, whole = module.train_metrics.compute(), module._dev()[0].compute()
    assert parts["accuracy"].item() == 0.75
    for metric in ("loss", "accuracy", "f1"):
        assert parts[metric].item() == pytest.approx(whole[metric].item(), rel=1e-5)


def test_padding_changes_no_logit() -> None:
    module = SentimentClassifier(small()).eval()
    ids = torch.tensor([[0, 9, 10, 2]])
    padded = torch.nn.functional.pad(ids, (0, 20), value=1)
    torch.testing.assert_close(module(ids, torch.ones_like(ids)), module(padded, (padded != 1).long()))


def test_three_classes_have_three_logits_and_a_macro_f1_of_all() -> None:
    module = SentimentClassifier(small(classes=THREE_CLASS), classes=THREE_CLASS).eval()
    ids = torch.tensor([[0, 9, 2]] * 3)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.tensor([0, 1, 2])}
    module.step(batch, module.train_metrics)
    computed = module.train_metrics.compute()
    assert computed["accuracy"].item() == pytest.approx(1 / 3)
    assert computed["f1"].item() == pytest.approx(1 / 6)  # one class predicted: its F1 is 1/2, the others' are 0


def test_an_encoder_may_be_given_by_its_folder(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "config")
    options = {"classes": THREE_CLASS, "vocabulary": 0, "seed": 3}
    load_network(str(folder), random_weights=True, **options).save_pretrained(tmp_path / "saved")
    module = SentimentClassifier(str(tmp_path / "saved"), classes=THREE_CLASS, seed=3)
    loaded = load_network(str(tmp_path / "saved"), **options)
    assert weights(module).equal(torch.cat([p.detach().flatten() for p in loaded.parameters()]))


def fitted(folder: Path, data: pl.LightningDataModule, *, seed: int = 0, **options: Any) -> SentimentClassifier:
    network = small(seed, dropout=options.pop("dropout", 0.1))
    module = SentimentClassifier(network, seed=seed, learning_rate=1e-2, eps=options.pop("eps", 1e-8))
    torch.manual_seed(options.pop("before", 0))
    trainer(folder, **options).fit(module, datamodule=data)
    return module


def test_two_runs_of_one_seed_give_identical_weights_whatever_ran_before(tmp_path: Path) -> None:
    one, again = (fitted(tmp_path, transfer(tmp_path), before=before) for before in (1, 2))
    assert weights(one).equal(weights(again))
    assert not weights(one).equal(weights(fitted(tmp_path, transfer(tmp_path, seed=1), seed=1)))


@pytest.mark.parametrize("accumulate", [2, 4, 8])
def test_a_batch_in_parts_trains_like_the_whole_batch(accumulate: int, tmp_path: Path) -> None:
    """20 rows: two whole batches of 8 and a last one of 4, whose parts are fewer."""
    # With Adam's usual eps, a gradient that is zero but for rounding (a key's bias) moves a weight as any other does.
    options = {"dropout": 0.0, "eps": 1e-2, "gradient_clip_val": 1.0}
    whole = fitted(tmp_path, transfer(tmp_path), **options)
    parts = fitted(
        tmp_path,
        transfer(tmp_path, batch_options=BatchOptions(micro_batches=accumulate)),
        accumulate_grad_batches=accumulate,
        **options,
    )
    untrained = weights(SentimentClassifier(small(dropout=0.0)))
    assert (weights(whole) - untrained).abs().max() > 1e-3
    torch.testing.assert_close(weights(parts), weights(whole), atol=1e-6, rtol=0)


def test_batches_that_a_trainer_accumulates_count_as_their_mean(tmp_path: Path) -> None:
    """In a notebook: batches of 4, two to a step, give the gradient of one batch of 8."""

    class Gradients(pl.Callback):
        def on_before_optimizer_step(self, fit: pl.Trainer, module: Any, optimizer: Any) -> None:
            self.norm = module.network.classifier.out_proj.weight.grad.norm().item()

    def norm(batch_size: int, accumulate: int) -> float:
        seen = Gradients()
        options = {"accumulate_grad_batches": accumulate, "max_steps": 1, "callbacks": [seen]}
        fitted(tmp_path, transfer(tmp_path, rows=8, batch_size=batch_size), dropout=0.0, **options)
        return seen.norm

    assert norm(4, 2) == pytest.approx(norm(8, 1), rel=1e-4)


def test_every_development_set_has_its_own_figures(tmp_path: Path) -> None:
    data = transfer(tmp_path)
    data.setup()
    (loader,) = data.val_dataloader()
    module = SentimentClassifier(small(), dev_names=("one", "two"))
    fit = trainer(tmp_path, num_sanity_val_steps=0)
    fit.fit(module, data.train_dataloader(), [loader, DataLoader([next(iter(loader))], batch_size=None)])
    figures = {f"dev/{name}/{metric}" for name in ("one", "two") for metric in ("loss", "accuracy", "f1")}
    assert figures | {"train/loss", "train/accuracy", "train/f1"} <= fit.callback_metrics.keys()
    assert fit.callback_metrics["dev/one/loss"] == fit.callback_metrics["dev/two/loss"]


def test_predictions_are_probabilities_of_the_rows(tmp_path: Path) -> None:
    data = transfer(tmp_path, batch_options=BatchOptions(score_batch_tokens=24))
    data.setup()
    module = SentimentClassifier(small())
    outputs = trainer(tmp_path).predict(module, data.test_dataloader())
    assert outputs is not None and len(outputs) > 1
    rows = torch.cat([batch["rows"] for batch in outputs])
    assert sorted(rows.tolist()) == list(range(5))
    probabilities = torch.cat([batch["probabilities"] for batch in outputs])
    assert probabilities.dtype == torch.float32
    torch.testing.assert_close(probabilities.sum(1), torch.ones(5))


def test_training_says_nothing_that_is_not_meant(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for message in MEANT:
            warnings.filterwarnings("ignore", message)
        fitted(tmp_path, transfer(tmp_path))
