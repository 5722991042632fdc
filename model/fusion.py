"""Three views of a candidate (user, item, language) become one vector, in one of three ways."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Weighted(nn.Module):
    """One learned weight a view, the same for every candidate."""

    def __init__(self, views: int, width: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(views))

    def forward(self, views: Tensor) -> Tensor:
        """[..., views, width] -> [..., width]."""
        fused: Tensor = (views * self.weights.softmax(0).unsqueeze(-1)).sum(-2)
        return fused


class Concat(nn.Module):
    """All views side by side, through one linear layer."""

    def __init__(self, views: int, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(views * width, width)

    def forward(self, views: Tensor) -> Tensor:
        """[..., views, width] -> [..., width]."""
        mixed: Tensor = self.mix(views.flatten(-2))
        return mixed


class Attention(nn.Module):
    """A weight a view and candidate, from the view itself (additive attention, Bahdanau et al., 2015)."""

    def __init__(self, views: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(views, 1))

    def forward(self, views: Tensor) -> Tensor:
        """[..., views, width] -> [..., width]."""
        weights = (self.query(torch.tanh(self.hidden(views))) + self.bias).softmax(-2)
        fused: Tensor = (views * weights).sum(-2)
        return fused


KINDS: dict[str, type[Weighted] | type[Concat] | type[Attention]] = {
    "weighted": Weighted,
    "concat": Concat,
    "attention": Attention,
}
