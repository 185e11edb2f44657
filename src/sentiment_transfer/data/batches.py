"""Packed or padded batches from a token store, in an order that is a function of (seed, epoch) and starts anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from sentiment_transfer.data.tokens import TokenStore, token_store
from sentiment_transfer.errors import UserError

if TYPE_CHECKING:
    from sentiment_transfer.data.base import ReviewDataModule, Split

Batch = dict[str, torch.Tensor]


class TokenBatches(Dataset[Batch]):
    """Indexed by a list of rows, gives the batch of those reviews.

    Padded: ``input_ids`` and ``attention_mask`` are (reviews, longest) int64. Packed: ``input_ids`` is (tokens,) int64,
    the reviews one after the other, and ``cu_seqlens`` (reviews + 1,) int64 says where each begins. ``labels`` and
    ``rows`` are (reviews,) int64. Several stores count as one, their rows one after the other; ``labels`` is (rows of
    all stores,).
    """

    def __init__(self, stores: Sequence[TokenStore], labels: np.ndarray, pad_id: int, *, packed: bool = False) -> None:
        self.stores = list(stores)
        self.starts = np.cumsum([0, *(len(store) for store in stores)])
        self.labels = torch.from_numpy(np.array(labels, dtype=np.int64))
        self.pad_id, self.packed = pad_id, packed

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def lengths(self) -> np.ndarray:  # (n,) int64
        return np.concatenate([store.lengths for store in self.stores])

    def _review(self, row: int) -> np.ndarray:
        store = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.stores[store][row - int(self.starts[store])]

    def __getitem__(self, rows: list[int]) -> Batch:
        reviews = [self._review(row) for row in rows]
        index = torch.tensor(rows)
        return (pack(reviews) if self.packed else pad(reviews, self.pad_id)) | {
            "labels": self.labels[index],
            "rows": index,
        }


def pack(reviews: Sequence[np.ndarray]) -> Batch:
    """``input_ids`` (tokens,) and ``cu_seqlens`` (reviews + 1,) int64 of reviews (length,) int32 each."""
    ends = torch.tensor([0, *(len(review) for review in reviews)]).cumsum(0)
    return {"input_ids": torch.from_numpy(np.concatenate(reviews).astype(np.int64)), "cu_seqlens": ends}


def pad(reviews: Sequence[np.ndarray], pad_id: int) -> Batch:
    """``input_ids`` and ``attention_mask`` (reviews, longest) int64 of reviews (length,) int32 each."""
    lengths = torch.tensor([len(review) for review in reviews])
    input_ids = torch.full((len(reviews), int(lengths.max())), pad_id)
    for line, review in zip(input_ids, reviews, strict=True):
        line[: len(review)] = torch.from_numpy(review.astype(np.int64))
    return {"input_ids": input_ids, "attention_mask": (torch.arange(input_ids.shape[1]) < lengths[:, None]).long()}


class MicroBatches(Dataset[Batch]):
    """``TokenBatches`` of which a process takes parts. A part of a training batch also has ``share``, () float32.

    The step's loss is the mean over its reviews, so a part counts by the reviews it has, however they were cut: its
    share of the optimiser step, times the processes, whose gradients are averaged. Whole batches have no share:
    accumulated by a Trainer of the user's own, they count alike. An item of 0 reviews is one that keeps a process busy
    while the others have theirs: it has the key ``spare``, and counts nothing.
    """

    def __init__(self, batches: TokenBatches, accumulate: int = 1, world: int = 1) -> None:
        self.batches, self.accumulate, self.world = batches, accumulate, world

    def __getitem__(self, item: tuple[list[int], int]) -> Batch:
        rows, step_size = item
        batch = self.batches[rows]
        if not step_size:
            return batch | {"share": torch.tensor(0.0), "spare": torch.tensor(True)}
        if self.accumulate * self.world > 1:
            batch["share"] = torch.tensor(self.world * len(rows) / step_size)
        return batch


class TrainingOrder(Sampler[tuple[list[int], int]]):
    """Random batches of ``batch_size`` rows, each cut into ``accumulate`` parts of equal size for each of ``world``
    processes; an item is the rows of one part and the number of rows in its whole batch. Epoch e of seed s is always
    the same order.

    Process ``rank`` gets every world-th part. Where the last batch has too few for all, it gets a spare one instead,
    with 0 for the number of rows: every process takes as many steps.

    ``start`` skips that many parts of ``epoch`` (and of no other), which is how an interrupted epoch goes on.
    ``rows`` are 0 to ``rows``, or the array of them, (n,) int64: what stands in it twice is twice in an epoch.
    Raises UserError where ``accumulate`` times ``world`` does not divide ``batch_size``.
    """

    def __init__(
        self,
        rows: int | np.ndarray,
        batch_size: int,
        seed: int,
        *,
        accumulate: int = 1,
        epoch: int = 0,
        start: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if accumulate < 1 or batch_size % (accumulate * world):
            among = f" for each of {world} devices" if world > 1 else ""
            raise UserError(
                f"accumulate={accumulate}{among} does not divide batch_size={batch_size}: a batch is cut into equal "
                "parts."
            )
        self.rows = np.arange(rows) if isinstance(rows, int) else rows
        self.batch_size, self.seed = batch_size, seed
        self.rank, self.world = rank, world
        self.accumulate, self.part = accumulate, batch_size // (accumulate * world)
        self.go_on(epoch, start)

    def go_on(self, epoch: int, start: int) -> None:
        self.epoch = self.start_epoch = epoch
        self.start = start % len(self)  # a checkpoint at an epoch's end has gone through all of its parts

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        """This process's parts in a whole epoch, whatever ``start`` is: Lightning counts with it."""
        whole, rest = divmod(len(self.rows), self.batch_size)
        return whole * self.accumulate + -(-rest // (self.part * self.world))

    def place_of(self, parts: int, then: TrainingOrder) -> int:
        """Where ``parts`` of an epoch in the order ``then``, which cuts the same batches otherwise, end in this one."""
        if parts == len(then):  # the last batch may be smaller and have fewer parts
            return len(self)
        return parts // then.accumulate * self.accumulate

    def __iter__(self) -> Iterator[tuple[list[int], int]]:
        order = self.rows[np.random.default_rng([self.seed, self.epoch]).permutation(len(self.rows))]
        batches = (order[i : i + self.batch_size].tolist() for i in range(0, len(order), self.batch_size))
        parts = chain.from_iterable(map(self._parts, batches))
        yield from islice(parts, self.start if self.epoch == self.start_epoch else 0, None)

    def _parts(self, batch: list[int]) -> list[tuple[list[int], int]]:
        parts = [batch[i : i + self.part] for i in range(0, len(batch), self.part)]
        return dealt(parts, len(batch), self.rank, self.world)


def dealt(parts: list[list[int]], of: int, rank: int, world: int) -> list[tuple[list[int], int]]:
    """What process ``rank`` gets of ``parts``: every world-th, each with ``of``, and a spare one with 0 where that is
    one fewer than others get."""
    mine = [(part, of) for part in parts[rank::world]]
    spare = [(parts[-1], 0)] * (-(-len(parts) // world) - len(mine))
    return mine + spare


def batches_by_length(lengths: np.ndarray, batch_tokens: int, *, packed: bool = False) -> list[list[int]]:
    """Rows sorted by length, longest first, in batches of at most ``batch_tokens`` tokens; padding, where the batches
    are not ``packed``, included.

    ``lengths`` is (n,) int. The longest come first so that a batch that does not fit memory fails at once.
    """
    batches: list[list[int]] = []
    tokens = 0
    for row in np.argsort(-lengths, kind="stable").tolist():
        longest = int(lengths[batches[-1][0]]) if batches and not packed else int(lengths[row])
        if batches and tokens + longest <= batch_tokens:
            batches[-1].append(row)
            tokens += longest
        else:
            batches.append([row])
            tokens = int(lengths[row])
    return batches


def training_loader(batches: TokenBatches, order: TrainingOrder, num_workers: int = 0) -> DataLoader[Batch]:
    """Lightning calls ``set_epoch`` on ``sampler``: the order is given as one, each of its items a whole batch."""
    parts = MicroBatches(batches, order.accumulate, order.world)
    return DataLoader(parts, batch_size=None, sampler=order, num_workers=num_workers)


def scoring_loader(
    batches: TokenBatches, batch_tokens: int, num_workers: int = 0, *, rank: int = 0, world: int = 1
) -> DataLoader[Batch]:
    """The batches are the same however many processes share them."""
    order = dealt(batches_by_length(batches.lengths, batch_tokens, packed=batches.packed), 1, rank, world)
    return DataLoader(MicroBatches(batches), batch_size=None, sampler=order, num_workers=num_workers)


def review_loader(module: ReviewDataModule, split: Split, *, shuffle: bool) -> DataLoader[Batch]:
    """The loader of one split of a dataset used alone."""
    from transformers import AutoTokenizer

    tokenizer = module.tokenizer
    if isinstance(tokenizer, str):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer, trust_remote_code=False)
    assert tokenizer is not None
    reviews = module.reviews(split)
    tokens = token_store(reviews, tokenizer, module.max_length, module.cache_dir)
    batches = TokenBatches([tokens], reviews.labels, tokenizer.pad_token_id)
    if shuffle:
        return training_loader(batches, TrainingOrder(len(reviews), module.batch_size, module.seed))
    return scoring_loader(batches, module.batch_size * module.max_length)
