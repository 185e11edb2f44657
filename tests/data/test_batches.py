from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sentiment_transfer.data.batches import (
    MicroBatches,
    ResumableSampler,
    TokenBatches,
    batches_by_length,
    scoring_loader,
    training_loader,
)
from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.errors import UserError

PAD = 1


def store(lengths: list[int], first: int = 10) -> TokenStore:
    """A store whose review i is ``first + i`` repeated."""
    rows = [np.full(length, first + row, dtype=np.int32) for row, length in enumerate(lengths)]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenStore(np.concatenate(rows), offsets, np.array(lengths, dtype=np.int32))


def test_a_batch_is_padded_to_its_longest_review() -> None:
    batches = TokenBatches([store([3, 1, 2])], np.array([1, 0, 1]), PAD)
    batch = batches[[2, 0]]
    assert batch["input_ids"].tolist() == [[12, 12, PAD], [10, 10, 10]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch["labels"].tolist() == [1, 1]
    assert batch["rows"].tolist() == [2, 0]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}
    assert batches[[1]]["input_ids"].tolist() == [[11]]


def test_a_padding_id_inside_a_review_is_no_padding() -> None:
    batch = TokenBatches([store([2, 4], first=PAD)], np.array([0, 1]), PAD)[[0, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]


def test_several_stores_count_as_one() -> None:
    batches = TokenBatches([store([1, 2]), store([3], first=50), store([1, 1], first=70)], np.arange(5), PAD)
    assert len(batches) == 5
    assert batches.lengths.tolist() == [1, 2, 3, 1, 1]
    batch = batches[[4, 0, 2, 1, 3]]
    assert batch["input_ids"][:, 0].tolist() == [71, 10, 50, 11, 70]
    assert batch["labels"].tolist() == [4, 0, 2, 1, 3]


def test_a_part_knows_its_share_of_the_step_and_a_whole_batch_has_none() -> None:
    batches = TokenBatches([store([1] * 6)], np.zeros(6), PAD)
    part = MicroBatches(batches, micro_batches=2)[[0, 3], 6]
    assert part["loss_weight"].item() == pytest.approx(1 / 3)
    assert part["rows"].tolist() == [0, 3]
    assert "loss_weight" not in MicroBatches(batches, micro_batches=1)[[0, 3], 2]


SIZES = [(rows, size, parts) for rows in (1, 2, 7, 8, 9, 31, 64) for size, parts in ((1, 1), (8, 1), (8, 2), (8, 8))]


@pytest.mark.parametrize(("rows", "batch_size", "micro_batches"), SIZES)
def test_an_epoch_has_every_row_once_in_steps_of_the_batch_size(rows: int, batch_size: int, micro_batches: int) -> None:
    parts = list(order := ResumableSampler(rows, batch_size, seed=3, micro_batches=micro_batches))
    assert len(parts) == len(order)
    assert sorted(row for part, _ in parts for row in part) == list(range(rows))
    for step in steps(parts):
        size = sum(len(part) for part, _ in step)
        assert {of for _, of in step} == {size}
        assert size == batch_size or (step is not None and step[-1] == parts[-1]), "only the last step may be smaller"
        assert all(len(part) == batch_size // micro_batches for part, _ in step[:-1])


def steps(parts: list[tuple[list[int], int]]) -> Iterator[list[tuple[list[int], int]]]:
    """The parts of each optimiser step."""
    step: list[tuple[list[int], int]] = []
    for part in parts:
        step.append(part)
        if sum(len(rows) for rows, _ in step) == part[1]:
            yield step
            step = []
    assert not step


@pytest.mark.parametrize("micro_batches", [2, 4, 8])
def test_the_parts_of_a_step_are_the_rows_of_the_whole_batch(micro_batches: int) -> None:
    whole = [rows for rows, _ in ResumableSampler(30, 8, seed=1)]
    cut = [
        [row for rows, _ in step for row in rows]
        for step in steps(list(ResumableSampler(30, 8, 1, micro_batches=micro_batches)))
    ]
    assert cut == whole


def test_every_epoch_and_seed_has_an_order_of_its_own() -> None:
    def rows(seed: int, epoch: int) -> list[int]:
        order = ResumableSampler(50, 8, seed)
        order.set_epoch(epoch)
        return [row for part, _ in order for row in part]

    orders = [rows(seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    assert orders[0] == rows(0, 0)
    assert orders[0] != sorted(orders[0])


@pytest.mark.parametrize(("rows", "micro_batches"), [(30, 1), (30, 4), (32, 2), (1, 1)])
def test_an_epoch_goes_on_from_wherever_it_stopped(rows: int, micro_batches: int) -> None:
    whole = ResumableSampler(rows, 8, seed=5, micro_batches=micro_batches)
    whole.set_epoch(2)
    parts = list(whole)
    for start in range(len(parts)):
        order = ResumableSampler(rows, 8, seed=5, micro_batches=micro_batches, epoch=2, start=start)
        assert list(order) == parts[start:]
        assert len(order) == len(parts), "Lightning counts with the whole epoch"


def test_the_epochs_after_an_interrupted_one_are_whole() -> None:
    order = ResumableSampler(30, 8, seed=5, epoch=2, start=3)
    order.set_epoch(3)
    following = ResumableSampler(30, 8, seed=5, epoch=3)
    assert list(order) == list(following)
    assert sorted(row for part, _ in order for row in part) == list(range(30))


def test_a_checkpoint_at_the_end_of_an_epoch_starts_the_next_from_its_beginning() -> None:
    order = ResumableSampler(30, 8, seed=5, epoch=3, start=4)
    assert list(order) == list(ResumableSampler(30, 8, seed=5, epoch=3))


@pytest.mark.parametrize("micro_batches", [3, 16, 0, -1])
def test_unequal_parts_are_refused(micro_batches: int) -> None:
    with pytest.raises(UserError, match=f"micro_batches={micro_batches} does not divide batch_size=8"):
        ResumableSampler(30, 8, seed=0, micro_batches=micro_batches)


@pytest.mark.parametrize("seed", range(20))
def test_scoring_batches_hold_every_row_once_within_their_tokens(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 200, size=int(rng.integers(1, 400)))
    budget = int(rng.integers(200, 5_000))
    batches = batches_by_length(lengths, budget)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(len(batch) * lengths[batch].max() <= budget for batch in batches)
    in_order = lengths[[row for batch in batches for row in batch]]
    assert np.all(np.diff(in_order) <= 0), "the longest come first"
    full = [len(batch) * lengths[batch[0]] for batch in batches[:-1]]
    assert all(tokens + lengths[batch[0]] > budget for tokens, batch in zip(full, batches, strict=False)), (
        "none is small"
    )


def test_a_review_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert batches_by_length(np.array([5, 100, 5]), 10) == [[1], [0, 2]]


def test_loaders_give_whole_batches() -> None:
    batches = TokenBatches([store([3, 1, 2, 5, 4])], np.array([0, 1, 0, 1, 0]), PAD)
    training = training_loader(batches, ResumableSampler(5, 2, seed=0))
    scoring = scoring_loader(batches, 10)
    assert isinstance(training, DataLoader) and len(training) == 3 and len(scoring) == 2
    seen = [batch["rows"].tolist() for batch in training]
    assert seen == [rows for rows, _ in ResumableSampler(5, 2, seed=0)]
    assert [batch["rows"].tolist() for batch in scoring] == [[3, 4], [0, 2, 1]]
    parts = list(training_loader(batches, ResumableSampler(5, 2, seed=0, micro_batches=2)))
    assert [round(batch["loss_weight"].item(), 1) for batch in parts] == [0.5, 0.5, 0.5, 0.5, 1.0]


def test_a_packed_batch_is_one_row_of_tokens_without_padding() -> None:
    batches = TokenBatches([store([3, 1, 2])], np.array([1, 0, 1]), PAD, packed=True)
    batch = batches[[2, 0]]
    assert batch["input_ids"].tolist() == [12, 12, 10, 10, 10]
    assert batch["cu_seqlens"].tolist() == [0, 2, 5]
    assert batch["labels"].tolist() == [1, 1]
    assert batch["rows"].tolist() == [2, 0]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}


@pytest.mark.parametrize("budget", [1, 7, 20, 1000])
def test_packed_scoring_batches_fill_the_budget_with_real_tokens(budget: int) -> None:
    lengths = np.array([3, 9, 1, 4, 4, 2, 8, 1])
    batches = batches_by_length(lengths, budget, packed=True)
    assert sorted(row for batch in batches for row in batch) == list(range(8))
    tokens = [int(lengths[batch].sum()) for batch in batches]
    assert all(total <= budget or len(batch) == 1 for total, batch in zip(tokens, batches, strict=True))
    flat = [int(lengths[row]) for batch in batches for row in batch]
    assert flat == sorted(flat, reverse=True)
    # No batch had room for the next one's first review.
    for total, following in zip(tokens, batches[1:], strict=False):
        assert total + lengths[following[0]] > budget


def test_packed_training_batches_are_the_padded_ones() -> None:
    padded = TokenBatches([store([3, 1, 2, 5, 4])], np.arange(5), PAD)
    packed = TokenBatches([store([3, 1, 2, 5, 4])], np.arange(5), PAD, packed=True)
    for one, other in zip(
        training_loader(padded, ResumableSampler(5, 2, seed=0)),
        training_loader(packed, ResumableSampler(5, 2, seed=0)),
        strict=True,
    ):
        assert one["rows"].tolist() == other["rows"].tolist()
        assert one["input_ids"][one["attention_mask"].bool()].tolist() == other["input_ids"].tolist()
