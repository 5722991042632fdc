"""Makes one vector of three views of a candidate (user, item, language), in one of three ways."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Weighted(nn.Module):
    """One learned weight a view, the same for every candidate."""

    def __init__(self, views: int, width: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(views))

    def forward(self, views: Sequence[Tensor]) -> Tensor:
        """Views [..., width] -> [..., width]."""
        return _mix(views, self.weights.softmax(0)[:, None])


class Concat(nn.Module):
    """All views side by side, through one linear layer."""

    def __init__(self, views: int, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(views * width, width)

    def forward(self, views: Sequence[Tensor]) -> Tensor:
        """Views [..., width] -> [..., width]."""
        mixed: Tensor = self.mix(torch.cat([*views], -1))
        return mixed


class Attention(nn.Module):
    """A weight a view and candidate, from the view itself (additive attention, Bahdanau et al., 2015)."""

    def __init__(self, views: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(views, 1))

    def logit(self, view: Tensor, place: int) -> Tensor:
        """The logit of one view's weight, [..., width] -> [..., 1]; `place`: which of the views it is."""
        found: Tensor = self.query(torch.tanh(self.hidden(view))) + self.bias[place]
        return found

    def forward(self, views: Sequence[Tensor]) -> Tensor:
        """Views [..., width] -> [..., width]."""
        # Views first: copies and sums work on one piece of memory, and the exported model is faster.
        hidden = torch.tanh(self.hidden(torch.stack([*views])))  # [views, ..., width]
        logits = self.query(hidden) + self.bias.reshape(-1, *[1] * views[0].dim())
        shares = (logits - logits.amax(0)).exp()
        return _mix(views, shares / shares.sum(0))


def _mix(views: Sequence[Tensor], weights: Tensor) -> Tensor:
    """The sum of views [..., width], each times its part of weights [views, ..., 1]; one by one, which takes
    the exported model half of the time of a product with all and a sum over them.
    """
    mixed = views[0] * weights[0]
    for view, weight in zip(views[1:], weights[1:], strict=True):
        mixed = mixed + view * weight
    return mixed


KINDS: dict[str, type[Weighted] | type[Concat] | type[Attention]] = {
    "weighted": Weighted,
    "concat": Concat,
    "attention": Attention,
}
