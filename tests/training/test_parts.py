"""What each of several processes gets of a batch, and that together it is the batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.tiny import random, tiny_folder
from torch import Tensor

from sentiment_transfer.data.batches import MicroBatches, ResumableSampler, TokenBatches, scoring_loader, shard
from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier

PAD = 1


def batches(rows: int) -> TokenBatches:
    lengths = 2 + np.arange(rows) * 7 % 11
    tokens = np.random.default_rng(0).integers(5, 50, lengths.sum()).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenBatches([TokenStore(tokens, offsets, lengths.astype(np.int32))], np.arange(rows) % 2, PAD)


@given(
    rows=st.integers(1, 90), world_size=st.integers(1, 4), micro_batches=st.integers(1, 3), part=st.integers(1, 4),
    epoch=st.integers(0, 2),
)  # fmt: skip
def test_processes_take_as_many_parts_and_share_every_batch(
    rows: int, world_size: int, micro_batches: int, part: int, epoch: int
) -> None:
    size = part * micro_batches * world_size
    whole = ResumableSampler(rows, size, seed=3, epoch=epoch)
    orders = [
        ResumableSampler(rows, size, 3, micro_batches=micro_batches, epoch=epoch, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    parts = [list(order) for order in orders]
    assert {len(order) for order in orders} == {len(mine) for mine in parts} == {len(orders[0])}
    for step, (batch, _) in enumerate(whole):
        of_step = [mine[step * micro_batches : (step + 1) * micro_batches] for mine in parts]
        taken = [row for mine in of_step for part_rows, of in mine if of for row in part_rows]
        assert sorted(taken) == sorted(batch), "no review is lost or taken twice"
        assert {of for mine in of_step for _, of in mine} <= {len(batch), 0}


@given(count=st.integers(1, 20), world_size=st.integers(1, 5))
def test_processes_score_as_many_batches_and_every_one_once(count: int, world_size: int) -> None:
    parts = [[2 * i, 2 * i + 1] for i in range(count)]
    mine = [shard(parts, 1, rank, world_size) for rank in range(world_size)]
    assert len({len(batches) for batches in mine}) == 1
    assert sorted(rows for batches in mine for rows, of in batches if of) == parts


def test_a_part_for_each_device_must_be_equal() -> None:
    with pytest.raises(UserError, match="micro_batches=3 on each of 2 devices does not divide batch_size=8"):
        ResumableSampler(30, 8, seed=0, micro_batches=3, world_size=2)


@pytest.fixture
def module(tmp_path: Path) -> SentimentClassifier:
    return SentimentClassifier(random(tiny_folder(tmp_path)), packed=False).eval()  # no dropout


def gradients(module: SentimentClassifier, batches: Iterator[dict[str, Tensor]], weight: float) -> list[Tensor]:
    """Of all batches together, as DDP averages and Lightning accumulates them."""
    module.zero_grad()
    for batch in batches:
        (module.step(batch, module.train_metrics) * batch.get("loss_weight", torch.tensor(1.0)) * weight).backward()
    return [parameter.grad.clone() for parameter in module.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("rows", [8, 6, 5, 1])
@pytest.mark.parametrize(("world_size", "micro_batches"), [(2, 1), (2, 2), (4, 1), (1, 4)])
def test_the_processes_gradients_average_to_the_batchs(
    module: SentimentClassifier, rows: int, world_size: int, micro_batches: int
) -> None:
    data = batches(rows)
    whole = gradients(module, (MicroBatches(data)[item] for item in ResumableSampler(rows, 8, seed=1)), 1.0)
    loss = module.train_metrics["loss"].compute()
    module.train_metrics.reset()
    total = [torch.zeros_like(gradient) for gradient in whole]
    for rank in range(world_size):
        order = ResumableSampler(rows, 8, seed=1, micro_batches=micro_batches, rank=rank, world_size=world_size)
        parts = (MicroBatches(data, micro_batches, world_size)[item] for item in order)
        total = [a + b for a, b in zip(total, gradients(module, parts, 1 / world_size), strict=True)]
    for one, other in zip(total, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)
    assert module.train_metrics["loss"].compute() == pytest.approx(loss.item(), rel=1e-6)


def test_a_padding_batch_counts_in_no_metric(module: SentimentClassifier) -> None:
    for rank in range(2):
        for batch in scoring_loader(batches(5), 1000, rank=rank, world_size=2):
            module.step(batch, module.train_metrics)
    assert module.train_metrics["loss"].weight.item() == 5
    module.step(MicroBatches(batches(5))[[0, 1], 0], module.train_metrics)
    assert module.train_metrics["loss"].weight.item() == 5
