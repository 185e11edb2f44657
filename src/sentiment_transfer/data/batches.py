"""Packed or padded batches from a token store, in an order that depends on (seed, epoch) only and can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.errors import UserError

Batch = dict[str, torch.Tensor]


class TokenBatches(Dataset[Batch]):
    """The batch of a list of rows, which is the index.

    Padded: ``input_ids`` and ``attention_mask`` are (reviews, longest) int64. Packed: ``input_ids`` is (tokens,) int64,
    the concatenated reviews, and ``cu_seqlens`` (reviews + 1,) int64 their boundaries. ``labels`` and ``rows`` are
    (reviews,) int64. Several stores are concatenated; ``labels`` is (rows of all stores,).
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


@dataclass(frozen=True)
class BatchOptions:
    """How reviews become batches.

    Attributes:
        micro_batches: equal parts that each process cuts its share of a training batch into.
        packed: one row of tokens without padding, for networks that take it.
        score_batch_tokens: tokens of a scoring batch, padding included.
        rank, world_size: this process and the number of processes that share every batch.
        num_workers: of the DataLoaders.
    """

    micro_batches: int = 1
    packed: bool = False
    score_batch_tokens: int = 16_384
    rank: int = 0
    world_size: int = 1
    num_workers: int = 0


class MicroBatches(Dataset[Batch]):
    """``TokenBatches`` in parts. A part of a training batch also has ``loss_weight``, () float32.

    The loss of a step is the mean over its reviews, so a micro-batch is weighted by its fraction of the step's reviews,
    times the number of processes, whose gradients are averaged. Whole batches have no weight: a Trainer that
    accumulates them counts them equally. An item with a step size of 0 is a padding batch, which keeps a process in
    step with the others: it has the key ``is_padding_batch`` and weight 0.
    """

    def __init__(self, batches: TokenBatches, micro_batches: int = 1, world_size: int = 1) -> None:
        self.batches, self.micro_batches, self.world_size = batches, micro_batches, world_size

    def __getitem__(self, item: tuple[list[int], int]) -> Batch:
        rows, step_size = item
        batch = self.batches[rows]
        if not step_size:
            return batch | {"loss_weight": torch.tensor(0.0), "is_padding_batch": torch.tensor(True)}
        if self.micro_batches * self.world_size > 1:
            batch["loss_weight"] = torch.tensor(self.world_size * len(rows) / step_size)
        return batch


class ResumableSampler(Sampler[tuple[list[int], int]]):
    """Random batches of ``batch_size`` rows, each cut into ``micro_batches`` equal parts for each of ``world_size``
    processes; an item is the rows of one part and the number of rows in its whole batch. The order is a function of
    the seed and the epoch.

    Process ``rank`` gets every world_size-th part. If the last batch has too few for all, it gets a padding batch
    (with 0 for the number of rows), so that every process takes the same number of steps.

    ``start`` skips that many parts of ``epoch`` (and of no other), to resume an interrupted epoch. ``rows`` is their
    number, or an array of them, (n,) int64, which may repeat some.

    Raises UserError if ``micro_batches`` times ``world_size`` does not divide ``batch_size``.
    """

    def __init__(
        self,
        rows: int | np.ndarray,
        batch_size: int,
        seed: int,
        *,
        micro_batches: int = 1,
        epoch: int = 0,
        start: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if micro_batches < 1 or batch_size % (micro_batches * world_size):
            devices = f" on each of {world_size} devices" if world_size > 1 else ""
            raise UserError(
                f"micro_batches={micro_batches}{devices} does not divide batch_size={batch_size}: a batch is cut into "
                "equal parts."
            )
        self.rows = np.arange(rows) if isinstance(rows, int) else rows
        self.batch_size, self.seed = batch_size, seed
        self.rank, self.world_size = rank, world_size
        self.micro_batches, self.micro_batch_size = micro_batches, batch_size // (micro_batches * world_size)
        self.resume(epoch, start)

    def resume(self, epoch: int, start: int) -> None:
        self.epoch = self.start_epoch = epoch
        self.start = start % len(self)  # a checkpoint at the end of an epoch has used all of its parts

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        """This process's parts in a complete epoch, for any ``start``: Lightning counts with it."""
        complete, rest = divmod(len(self.rows), self.batch_size)
        return complete * self.micro_batches + -(-rest // (self.micro_batch_size * self.world_size))

    def remap_position(self, parts: int, saved: ResumableSampler) -> int:
        """This sampler's position after ``parts`` parts of ``saved``, which cuts the same batches differently."""
        if parts == len(saved):  # the last batch may be smaller and have fewer parts
            return len(self)
        return parts // saved.micro_batches * self.micro_batches

    def __iter__(self) -> Iterator[tuple[list[int], int]]:
        order = self.rows[np.random.default_rng([self.seed, self.epoch]).permutation(len(self.rows))]
        batches = (order[i : i + self.batch_size].tolist() for i in range(0, len(order), self.batch_size))
        parts = chain.from_iterable(map(self._parts, batches))
        yield from islice(parts, self.start if self.epoch == self.start_epoch else 0, None)

    def _parts(self, batch: list[int]) -> list[tuple[list[int], int]]:
        size = self.micro_batch_size
        parts = [batch[i : i + size] for i in range(0, len(batch), size)]
        return shard(parts, len(batch), self.rank, self.world_size)


def shard(parts: list[list[int]], step_size: int, rank: int, world_size: int) -> list[tuple[list[int], int]]:
    """The ``parts`` of process ``rank``: every world_size-th, each with ``step_size``, and a padding batch (with 0) if
    that is one fewer than other processes get."""
    own = [(part, step_size) for part in parts[rank::world_size]]
    padding = [(parts[-1], 0)] * (-(-len(parts) // world_size) - len(own))
    return own + padding


def batches_by_length(lengths: np.ndarray, batch_tokens: int, *, packed: bool = False) -> list[list[int]]:
    """Rows sorted by length, longest first, in batches of at most ``batch_tokens`` tokens, including padding unless
    ``packed``.

    ``lengths`` is (n,) int. The longest come first so that a batch that does not fit in memory fails at once.
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


def training_loader(batches: TokenBatches, sampler: ResumableSampler, num_workers: int = 0) -> DataLoader[Batch]:
    """A loader whose ``sampler`` gives whole batches: Lightning calls ``set_epoch`` on that attribute only."""
    parts = MicroBatches(batches, sampler.micro_batches, sampler.world_size)
    return DataLoader(parts, batch_size=None, sampler=sampler, num_workers=num_workers)


def scoring_loader(
    batches: TokenBatches, batch_tokens: int, num_workers: int = 0, *, rank: int = 0, world_size: int = 1
) -> DataLoader[Batch]:
    """Batches by length for process ``rank``; the batches do not depend on the number of processes."""
    order = shard(batches_by_length(batches.lengths, batch_tokens, packed=batches.packed), 1, rank, world_size)
    return DataLoader(MicroBatches(batches), batch_size=None, sampler=order, num_workers=num_workers)
