"""Concat pooling (arXiv 1801.06146, section 3.3): the last output of a review, its maximum and its mean over tokens."""

from __future__ import annotations

import torch
from torch import Tensor


class ConcatPool:
    """Pools reviews of ``lengths`` (n,) int64, longest first, whose outputs come in parts. Padding counts for nothing.

    ``add`` takes the next part, (m, tokens, width), of the m reviews that have not ended before it.
    """

    def __init__(self, lengths: Tensor) -> None:
        self.lengths, self.start = lengths, 0
        self._last: list[Tensor] = []  # of the reviews that ended in each part, the latest part first
        self._maximum = self._sum = lengths.new_empty(0, 0)

    def add(self, outputs: Tensor) -> Tensor:
        """Returns which of the outputs are no padding, (m, tokens) bool."""
        outputs = outputs.float()
        count, tokens, _ = outputs.shape
        left = self.lengths[:count] - self.start
        valid = torch.arange(tokens, device=left.device) < left[:, None]
        summed = torch.where(valid[..., None], outputs, 0.0).sum(1)
        maximum = torch.where(valid[..., None], outputs, -torch.inf).amax(1)
        if self.start:
            summed = torch.cat([self._sum[:count] + summed, self._sum[count:]])
            maximum = torch.cat([torch.maximum(self._maximum[:count], maximum), self._maximum[count:]])
        self._sum, self._maximum = summed, maximum
        ended = int((left > tokens).sum())  # the reviews before this one go on
        self._last.insert(0, outputs[torch.arange(ended, count, device=left.device), left[ended:] - 1])
        self.start += tokens
        return valid

    def pooled(self) -> Tensor:  # (n, 3 x width) float32
        return torch.cat([torch.cat(self._last), self._maximum, self._sum / self.lengths[:, None]], dim=1)
