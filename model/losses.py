"""The terms of the loss. Candidate 0 is the item that was met; logits [B, K] are very low where none is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def softmax_loss(logits: Tensor, said: Tensor) -> Tensor:
    """Cross entropy of candidate 0 among all K by softmax, against said [B]: where that is 1, that it is this
    one; where 0, that it is another (unlikelihood, Welleck et al., ICLR 2020); NaN: not taught.
    """
    every = logits.logsumexp(-1)
    this, other = every - logits[:, 0], every - logits[:, 1:].logsumexp(-1)
    return _mean(torch.where(said == 0, other, this), said)


def binary_loss(logits: Tensor, said: Tensor) -> Tensor:
    """Binary cross entropy of candidate 0 against said [B] (0 or 1; NaN: not taught)."""
    target = said.nan_to_num()
    return _mean(functional.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none"), said)


def squared_loss(predicted: Tensor, said: Tensor) -> Tensor:
    """Squared error of candidate 0 against said [B] (NaN: not taught)."""
    return _mean((predicted[:, 0] - said.nan_to_num()) ** 2, said)


TASK_LOSSES = {"softmax": softmax_loss, "binary": binary_loss, "squared": squared_loss}


def listwise_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Cross entropy of what was chosen of a list, shares [B, K] that sum to one, under the softmax of logits
    [B, K] over all that was shown (ListNet's top-one probabilities, Cao et al., ICML 2007).
    """
    return -(shares * logits.log_softmax(-1)).sum(-1).mean()


def retrieval_loss(
    user: Tensor, met: Tensor, own: Tensor, drawn: Tensor, said: Tensor | None = None
) -> Tensor:
    """Sampled softmax of the item that was met, over it, the event's own negatives and drawn items.

    user [B, R], met [B, R], own [B, N, R] (zero: none), drawn [M, R]; drawn items that are the met one do not
    count. said [B]: NaN where the event is not taught; None: all are.
    """
    hit = (user * met).sum(-1, keepdim=True)
    others = user @ drawn.T
    same = (met @ drawn.T) > 1.0 - 1e-5  # keys are of length 1
    own_logits = (user[:, None, :] * own).sum(-1).masked_fill((own == 0).all(-1), -1e4)
    logits = torch.cat([hit, own_logits, others.masked_fill(same, -1e4)], -1)
    return first_loss(logits, hit.new_ones(len(hit)) if said is None else said)


def first_loss(logits: Tensor, said: Tensor) -> Tensor:
    """Softmax cross entropy of candidate 0 where said [B] is not NaN, over all B events.

    It is no mean over those that are taught: two processes with a part of the batch each would weigh them
    differently than one with all of it.
    """
    losses = functional.cross_entropy(logits, _first(logits), reduction="none")
    return (losses * (~said.isnan()).to(losses.dtype)).mean()


def diversity_loss(logits: Tensor, text: Tensor) -> Tensor:
    """The expected cosine of two different candidates drawn by the softmax of logits [B, K]: low where what
    is likely to be shown differs. text [B, K, dim], unit rows.
    """
    shares = logits.softmax(-1)
    mean = (shares[..., None] * text).sum(-2)
    itself = shares**2
    both = (mean**2).sum(-1) - (itself * (text**2).sum(-1)).sum(-1)
    return (both / (1.0 - itself.sum(-1)).clamp_min(1e-3)).mean()


def fairness_loss(logits: Tensor, tail: Tensor, present: Tensor) -> Tensor:
    """How far the exposure of tail items, under the softmax of logits [B, K], is from their share among the
    candidates that are present: the squared gap over a batch (disparate exposure, arXiv 1802.07281).

    tail, present [B, K]: 1 or 0.
    """
    exposure = (logits.softmax(-1) * tail).sum(-1).mean()
    share = (tail * present).sum() / present.sum().clamp_min(1.0)
    return (exposure - share) ** 2


def _first(logits: Tensor) -> Tensor:
    return torch.zeros(len(logits), dtype=torch.long, device=logits.device)


def _mean(losses: Tensor, said: Tensor) -> Tensor:
    """Over the events that are taught; zero where none is."""
    taught = (~said.isnan()).to(losses.dtype)
    return (losses * taught).sum() / taught.sum().clamp_min(1.0)
