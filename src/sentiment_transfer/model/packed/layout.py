"""Where the reviews of a packed batch lie, and how they are attended to in plain torch: in groups of similar length.

Inside a group reviews are padded to its longest, for the attention alone; all other layers see no padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

# A group pads its reviews by at most a fifth, or by this many tokens: smaller groups cost more calls than they save.
GROUP_SHARE = 0.8
GROUP_TOKENS = 16


@dataclass(frozen=True)
class Group:
    """``reviews`` reviews that are attended to together, each padded to the longest."""

    rows: Tensor  # (reviews * longest,) int64: the packed row of each place; padding repeats row 0
    mask: Tensor | None  # (reviews, 1, 1, longest) bool, False on padding; None where there is none
    reviews: int
    longest: int


class Packing:
    """Reviews of ``lengths`` tokens, one after the other in a row of T tokens."""

    def __init__(self, cu_seqlens: Tensor) -> None:
        """``cu_seqlens`` (reviews + 1,): review i is the tokens ``cu_seqlens[i]`` up to ``cu_seqlens[i + 1]``."""
        self.cu_seqlens = cu_seqlens
        self.first = cu_seqlens[:-1]  # (reviews,), where each review's first token is

    @cached_property
    def lengths(self) -> np.ndarray:  # (reviews,) int64
        return np.diff(self.cu_seqlens.cpu().numpy()).astype(np.int64)

    @cached_property
    def positions(self) -> Tensor:  # (T,) int64, counted from 0 in every review
        starts = torch.repeat_interleave(self.first, torch.diff(self.cu_seqlens))
        return torch.arange(len(starts), device=starts.device) - starts

    @cached_property
    def groups(self) -> list[Group]:
        order = np.argsort(-self.lengths, kind="stable")
        starts = np.cumsum(self.lengths) - self.lengths
        groups = []
        begin = 0
        while begin < len(order):
            longest = int(self.lengths[order[begin]])
            least = min(longest * GROUP_SHARE, longest - GROUP_TOKENS)
            end = begin + int(np.count_nonzero(self.lengths[order[begin:]] >= least))
            members = order[begin:end]
            columns = np.arange(longest)
            real = columns < self.lengths[members][:, None]
            rows = np.where(real, starts[members][:, None] + columns, 0)
            mask = None if real.all() else self._tensor(real)[:, None, None]
            groups.append(Group(self._tensor(rows.ravel()), mask, len(members), longest))
            begin = end
        return groups

    @cached_property
    def back(self) -> Tensor:
        """(T,) int64: the place of each packed row among those of all groups, one group after the other."""
        places = np.empty(int(self.lengths.sum()), dtype=np.int64)
        start = 0
        for group in self.groups:
            rows = group.rows.cpu().numpy()
            real = np.ones(len(rows), bool)
            if group.mask is not None:
                real = group.mask.cpu().numpy().ravel()
            places[rows[real]] = start + np.flatnonzero(real)
            start += len(rows)
        return self._tensor(places)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.cu_seqlens.device)
