"""Puts features on one scale, with constants from the training examples."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CONSTANT = 1e-6  # a feature with a deviation below this is constant


class Standardise(nn.Module):
    """(x - mean) / deviation, cut at 5 deviations.

    A feature that never varied among the training examples is always 0: the network has learned nothing about
    it.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        return ((x - self.mean) * self.scale).clamp(-5.0, 5.0)


class Moments:
    """Mean and deviation of rows that come in parts (Chan et al., 1979); it keeps none of the rows."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean, self.squares = (
            torch.zeros(size, dtype=torch.float64),
            torch.zeros(size, dtype=torch.float64),
        )

    def add(self, rows: Tensor) -> None:
        """rows [n, size]."""
        if not len(rows):
            return
        rows = rows.double()
        self.merge(len(rows), rows.mean(0), rows.var(0, unbiased=False) * len(rows))

    def merge(self, count: int, mean: Tensor, squares: Tensor) -> None:
        """Add `count` rows with this mean and sum of squared distances from it, each [size]."""
        if not count:
            return
        total = self.count + count
        apart = mean - self.mean
        self.mean += apart * (count / total)
        self.squares += squares + apart**2 * (self.count * count / total)
        self.count = total

    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """The arguments of `merge` as tensors: count [], mean and squares [size]."""
        return torch.tensor(self.count), self.mean, self.squares

    def fit(self, module: Standardise, only_constant: bool = False) -> None:
        """Set the constants of `module`; with `only_constant`, only those of features that never varied."""
        if not self.count:
            return
        deviation = (self.squares / self.count).sqrt()
        varied = deviation > CONSTANT
        scale = torch.where(varied, 1.0 / deviation.clamp_min(1e-2), 0.0).float()
        mean, before = module.mean.cpu(), module.scale.cpu()
        chosen = before == 0 if only_constant else torch.ones_like(varied)
        module.mean.copy_(torch.where(chosen, self.mean.float(), mean))
        module.scale.copy_(torch.where(chosen, scale, before))
