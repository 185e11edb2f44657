"""Optimisers, schedules, losses and layer-wise rates: what each step does."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from tests.helpers.tiny import FAMILIES, random, tiny_folder
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import Adafactor

from sentiment_transfer.config.called import schema_of
from sentiment_transfer.config.objective_options import (
    SHIPPED,
    AdafactorConfig,
    AdamWConfig,
    Called,
    CrossEntropyConfig,
    FocalConfig,
    LinearConfig,
    OptimizerConfig,
    SGDConfig,
    WeightedConfig,
)
from sentiment_transfer.data.batches import pack
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.layer_rates import depth_names, depths
from sentiment_transfer.model.losses import FocalLoss
from sentiment_transfer.model.objective import make_loss, make_schedule, refuse_unusable, state_bytes
from sentiment_transfer.model.vocabulary import trim_vocabulary
from sentiment_transfer.training.trainer import MEANT

pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in (*MEANT, ".*have no `val_dataloader`.*")]
OPTIMIZERS = list(SHIPPED["optimizer"])
CLASSES = ("negative", "positive")


def own(group: str, target: str, **arguments: Any) -> Any:
    values = {"_target_": target} | arguments
    return schema_of(group, values)(**values)


def batch(lengths: tuple[int, ...], seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    texts = [torch.randint(4, 12, (length,), generator=generator).numpy() for length in lengths]
    return pack(texts) | {"labels": torch.arange(len(lengths)) % 2}


def fitted(folder: Path, batches: list[Any], network: Any, **options: Any) -> SentimentClassifier:
    module = SentimentClassifier(network, learning_rate=0.01, weight_decay=0.1, **options)
    if isinstance(module.network.get_input_embeddings().weight, Tensor) and "trained" in vars(network):
        module.trained_token_ids = network.trained
    trainer = pl.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_model_summary=False,
        enable_progress_bar=False, default_root_dir=folder, gradient_clip_val=0.1, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(batches, batch_size=None))
    return module


@pytest.mark.parametrize("option", OPTIMIZERS)
def test_rows_without_a_gradient_do_not_move(option: str, tmp_path: Path) -> None:
    if option == "lion":
        pytest.importorskip("lion_pytorch")
    network = random(tiny_folder(tmp_path / "x"))
    trim_vocabulary(network, torch.arange(40))
    network.trained = torch.arange(4, 12)
    before = network.get_input_embeddings().weight.detach().clone()
    fitted(tmp_path, [batch((5, 3, 4), seed) for seed in range(3)], network, optimizer=SHIPPED["optimizer"][option]())
    after = network.get_input_embeddings().weight.detach()
    moved = (before != after).any(1)
    assert moved[4:12].any() and not moved[12:].any() and not moved[:4].any()


@pytest.mark.parametrize("option", OPTIMIZERS)
def test_gradients_are_clipped_as_torch_clips_them(option: str, tmp_path: Path) -> None:
    if option == "lion":
        pytest.importorskip("lion_pytorch")
    config: Any = SHIPPED["optimizer"][option]()
    network = random(tiny_folder(tmp_path / "x"), dropout=0.0)
    twin = SentimentClassifier(random(tiny_folder(tmp_path / "x"), dropout=0.0), learning_rate=0.01, weight_decay=0.1)
    module = fitted(tmp_path, [batch((5, 3, 4))], network, optimizer=config, warmup_ratio=0.0)
    from sentiment_transfer.model.objective import make_optimizer

    optimizer = make_optimizer(config, twin._parameter_groups(), 0.01)
    twin.in_mode(training=True)
    cross_entropy(twin.logits(batch((5, 3, 4))), batch((5, 3, 4))["labels"]).backward()
    torch.nn.utils.clip_grad_norm_(twin.network.parameters(), 0.1)
    optimizer.step()
    # A sign and a square root turn the last bits of a gradient that is 0 in truth (of a key's bias) into whole steps.
    pairs = [
        (a.detach(), b.detach())
        for (name, a), b in zip(module.network.named_parameters(), twin.network.parameters(), strict=True)
        if "key.bias" not in name
    ]
    assert max(float((a - b).abs().max()) for a, b in pairs) < 2e-5


@pytest.mark.parametrize("option", OPTIMIZERS)
def test_the_state_is_measured(option: str) -> None:
    if option == "lion":
        pytest.importorskip("lion_pytorch")
    config: Any = SHIPPED["optimizer"][option]()
    assert state_bytes(config) == pytest.approx({"adamw": 8, "sgd": 4, "lion": 4, "adafactor": 0}[option])
    assert state_bytes(own("optimizer", "torch.optim.RMSprop")) == pytest.approx(4)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_rates_fall_from_the_head_to_the_embeddings(model_type: str, tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path, model_type))
    module = SentimentClassifier(network, learning_rate=1.0, layer_decay=0.5, packed=False)
    names = {id(p): name for name, p in network.named_parameters()}
    rates = {names[id(p)]: group["lr"] for group in module._parameter_groups() for p in group["params"]}
    assert rates.keys() == set(names.values())
    assert depth_names(network) == ["head", "layer 2", "layer 1", "embeddings"]
    assert set(rates.values()) == {1.0, 0.5, 0.25, 0.125}
    for name, rate in rates.items():
        if "embeddings" in name:
            assert rate == 0.125, name
        elif ".0." in name and "layer" in name and "classifier" not in name:
            assert rate == 0.25, name
        elif ".1." in name and "layer" in name:
            assert rate == 0.5, name
        elif name.startswith(("classifier", "head")) or "pooler" in name:
            assert rate == 1.0, name
    assert len({group["name"] for group in module._parameter_groups()}) == len(module._parameter_groups())
    assert set(depths(network).values()) == {0, 1, 2, 3}


def losses() -> list[Called]:
    given = {"negative": 3, "positive": 1}
    return [
        CrossEntropyConfig(label_smoothing=0.1),
        WeightedConfig(),
        WeightedConfig(class_weights=given),
        FocalConfig(),
    ]


@pytest.mark.parametrize("config", losses(), ids=lambda config: type(config).__name__)
@pytest.mark.parametrize("cuts", [(0, 8), (0, 4, 8), (0, 2, 4, 6, 7, 8)])
def test_the_loss_of_a_step_is_that_of_the_whole_batch(config: Any, cuts: tuple[int, ...]) -> None:
    loss = make_loss(config, CLASSES, [30, 10])
    logits = torch.randn(8, 2, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 1, 1, 1, 0, 0, 0, 1])
    parts = [(b - a) / 8 * loss(logits[a:b], labels[a:b]) for a, b in itertools.pairwise(cuts)]
    assert float(sum(parts)) == pytest.approx(float(loss(logits, labels)), rel=1e-6)


def test_weights_are_inverse_to_frequencies_and_1_in_the_mean() -> None:
    loss: Any = make_loss(WeightedConfig(), CLASSES, [30, 10])
    assert loss.weight.tolist() == pytest.approx([40 / 60, 40 / 20])
    given: Any = make_loss(WeightedConfig(class_weights={"negative": 2, "positive": 6}), CLASSES, [30, 10])
    assert given.weight.tolist() == pytest.approx([2 / 3, 2.0])
    with pytest.raises(UserError, match=r"the classes are negative, positive: type 'loss.class_weights=\{negative: 1"):
        make_loss(WeightedConfig(class_weights={"bad": 1}), CLASSES, [1, 1])


def test_the_focal_loss_without_focus_is_the_cross_entropy() -> None:
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    assert torch.allclose(FocalLoss(0.0)(logits, labels), cross_entropy(logits, labels))
    each = cross_entropy(logits, labels, reduction="none")
    assert torch.allclose(FocalLoss(2.0)(logits, labels), ((1 - torch.exp(-each)) ** 2 * each).mean(), atol=1e-6)
    sure = torch.tensor([[100.0, -100.0]], requires_grad=True)
    FocalLoss(0.5)(sure, torch.tensor([0])).backward()
    assert sure.grad is not None and sure.grad.isfinite().all()


@pytest.mark.parametrize("option", SHIPPED["schedule"])
def test_a_schedule_warms_up_to_its_peak(option: str) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    config: Any = SHIPPED["schedule"][option]()
    factor = make_schedule(config, optimizer, 10, 100).lr_lambdas[0]  # type: ignore[attr-defined]
    assert [factor(0), factor(5), factor(10)] == [0.0, 0.5, 1.0]
    assert [round(factor(55), 6), round(factor(100), 6)] == ([1.0, 1.0] if option == "constant" else [0.5, 0.0])


REFUSED = [
    ({"optimizer": own("optimizer", "nowhere.X")}, "there is no module nowhere. Put nowhere.py beside train.py"),
    ({"optimizer": own("optimizer", "torch.optim.AdmW")}, "no class or function AdmW in torch.optim. Did you mean"),
    ({"optimizer": own("optimizer", "torch.nn.Linear")}, "is not a subclass of torch.optim.Optimizer"),
    ({"optimizer": own("optimizer", "torch.optim.Adam", momentun=1)}, "unexpected keyword argument 'momentun'"),
    ({"optimizer": own("optimizer", "torch.optim.LBFGS")}, "takes no weight_decay: type optimizer.weight_decay=0."),
    ({"schedule": own("schedule", "torch.optim.lr_scheduler.StepLR", step_size=2)}, "type optimizer.warmup_ratio=0."),
    ({"loss": own("loss", "torch.nn.functional.softmax", dim=1)}, "loss._target_=torch.nn.functional.softmax failed"),
    ({"loss": own("loss", "torch.nn.CrossEntropyLoss", reduction="sum"), "cut": True}, "is not a mean over reviews"),
    ({"optimizer": AdafactorConfig(), "fsdp": True}, "optimizer=adafactor is invalid with trainer.strategy=fsdp"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_what_cannot_be_used_is_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    usual: dict[str, Any] = {"optimizer": AdamWConfig(), "schedule": LinearConfig(), "loss": CrossEntropyConfig()}
    usual |= {"precision": "32-true", "fsdp": False, "cut": False}
    refuse_unusable(**usual)
    with pytest.raises(UserError) as refused:
        refuse_unusable(**(usual | changes))
    assert sentence in str(refused.value) and "\n" not in str(refused.value)


def test_adafactor_is_transformers_own_with_the_rate_as_given() -> None:
    arguments = AdafactorConfig().arguments()
    assert arguments["scale_parameter"] is False and arguments["relative_step"] is False
    Adafactor([torch.nn.Parameter(torch.ones(2, 2))], lr=0.1, **arguments)
    assert isinstance(SGDConfig(), OptimizerConfig)
