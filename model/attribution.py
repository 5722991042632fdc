"""The parts of a score: integrated gradients over history items, features and views; attention weights.

Integrated gradients (Sundararajan et al., arXiv 1703.01365) divide score - base into parts. The base is the
score with everything unknown: as many history items, but nameless ones; every feature at its mean; no
profile, no words, a candidate without id and content.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.network import FusionNet
from model.schema import F32

STEPS = 64
VIEWS = ("item id", "item content", "user", "profile", "words", "liked", "query")


class Attribution(NamedTuple):
    """Of B scores: history [B, L] the part of each history item (0 for no item), features [B, F] that of each
    candidate feature, views [B, len(VIEWS)] those of the views; score [B], base [B].
    """

    history: F32
    features: F32
    views: F32
    score: F32
    base: F32

    @property
    def gap(self) -> F32:
        """What the parts miss of score - base, [B]: the error of the integral, 0 for an exact one."""
        parts = self.history.sum(1) + self.features.sum(1) + self.views.sum(1)
        return np.asarray(self.score - self.base - parts, np.float32)


def attribute(
    net: FusionNet, inputs: Sequence[Tensor], chosen: NDArray[np.intp], task: int = 0, steps: int = STEPS
) -> Attribution:
    """Integrated gradients of one task's score of candidate `chosen[b]`, by the midpoint rule.

    inputs: RESCORER_INPUTS in order, with candidates [B, K, ...].
    """
    ends = _ends(net, inputs, torch.from_numpy(chosen))
    starts = _starts(net, ends)
    mask = inputs[3]
    batch = len(mask)
    sums = [torch.zeros_like(each) for each in ends]
    for step in range(steps):
        part = (step + 0.5) / steps
        points = [
            (start + part * (end - start)).detach().requires_grad_()
            for start, end in zip(starts, ends, strict=True)
        ]
        score = _score(net, points, mask, task).sum()
        slopes = torch.autograd.grad(score, points)
        sums = [total + slope / steps for total, slope in zip(sums, slopes, strict=True)]
    parts = [(total * (end - start)).detach() for total, start, end in zip(sums, starts, ends, strict=True)]
    vectors, times, actions, user, profile, said, item, features = parts
    history = (vectors.sum(-1) + times.sum(-1) + actions.sum(-1)) * mask
    half = item.shape[-1] // 2
    words = said.reshape(batch, 3, -1).sum(-1)
    views = torch.stack(
        [item[:, 0, :half].sum(-1), item[:, 0, half:].sum(-1), user.sum(-1), profile.sum(-1)], -1
    )
    with torch.no_grad():
        score, base = _score(net, ends, mask, task), _score(net, starts, mask, task)
    return Attribution(
        history.numpy(),
        features[:, 0].numpy(),
        torch.cat([views, words], -1).numpy(),
        score.numpy(),
        base.numpy(),
    )


def attention(net: FusionNet, inputs: Sequence[Tensor], chosen: NDArray[np.intp]) -> F32:
    """How candidate `chosen[b]` attends to each history item, [B, heads, L]; 0 for no item."""
    *user_inputs, vectors, _ = inputs
    with torch.no_grad():
        seen = net.view(*user_inputs)
        candidates = vectors[torch.arange(len(vectors)), torch.from_numpy(chosen)][:, None]
        weights = net.rescorer.attention.weights(candidates, seen.states, seen.mask)[:, :, 0]
        found: F32 = (weights * seen.mask[:, None]).numpy()
    return found


def _ends(net: FusionNet, inputs: Sequence[Tensor], chosen: Tensor) -> list[Tensor]:
    """Where the paths end: the inputs that can shrink, with categories as their vectors."""
    vectors, steps, actions, _, user, profile, words, liked, query, candidates, features = inputs
    rows = torch.arange(len(vectors))
    with torch.no_grad():
        return [
            vectors, steps, net.view.actions(actions), user, net.view.profile(profile),
            torch.cat([words, liked, query], -1), candidates[rows, chosen][:, None],
            features[rows, chosen][:, None],
        ]  # fmt: skip


def _starts(net: FusionNet, ends: Sequence[Tensor]) -> list[Tensor]:
    """Where the paths begin: everything unknown."""
    starts = [torch.zeros_like(each) for each in ends]
    starts[1] = net.view.history_scale.mean.expand_as(ends[1])
    starts[3] = net.view.user_scale.mean.expand_as(ends[3])
    starts[7] = net.rescorer.candidate_scale.mean.expand_as(ends[7])
    return starts


def _score(net: FusionNet, points: Sequence[Tensor], mask: Tensor, task: int) -> Tensor:
    vectors, steps, actions, user, profile, said, item, features = points
    seen = net.view.see(vectors, steps, actions, mask, user, profile, said)
    score: Tensor = net.rescorer(seen, item, features)[:, 0, task]
    return score
