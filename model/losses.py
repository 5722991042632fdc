"""The losses of the tasks. Candidate 0 is the item that was met."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def click_loss(logits: Tensor) -> Tensor:
    """Softmax cross entropy of candidate 0 among all K, logits [B, K]."""
    return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))


def rating_loss(predicted: Tensor, rating: Tensor) -> Tensor:
    """Mean squared error where there is a rating (not NaN), both [B]; zero where there is none."""
    known = ~rating.isnan()
    if not bool(known.any()):
        return predicted.sum() * 0.0
    return functional.mse_loss(predicted[known], rating[known])
