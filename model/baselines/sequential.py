"""SASRec and eSASRec as published: a user is the sequence of met items, and nothing else.

SASRec (arXiv 1808.09781) has causal self-attention, eSASRec (arXiv 2508.06450) LiGR layers. Here both train
with sampled softmax over uniform negatives, which matters most according to eSASRec. Every place of a
sequence learns the item that came next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from model.determinism import deterministic
from model.plan import NetworkPlan
from model.schema import F32
from model.sequence import ENCODERS

NOTHING = 0
"""The number for no item; items have 1 and above."""
I64 = NDArray[np.int64]
SequentialKind = Literal["sasrec", "ligr"]


@dataclass(frozen=True)
class SequentialSettings:
    """`length`: of the sequences. `negatives`: items drawn for a step; all its places share them."""

    kind: SequentialKind = "ligr"
    length: int = 50
    width: int = 64
    layers: int = 2
    heads: int = 2
    dropout: float = 0.2
    negatives: int = 512
    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    seed: int = 7


class SequentialNet(nn.Module):
    """history int64 [B, L], newest first, NOTHING behind -> states float32 [B, L, width]."""

    def __init__(self, settings: SequentialSettings, items: int) -> None:
        super().__init__()
        plan = NetworkPlan(
            width=settings.width, layers=settings.layers, heads=settings.heads, dropout=settings.dropout
        )
        self.table = nn.Embedding(items + 1, settings.width, padding_idx=NOTHING)
        nn.init.normal_(self.table.weight, std=settings.width**-0.5)
        self.drop = nn.Dropout(settings.dropout)
        self.encoder = ENCODERS[settings.kind](plan, settings.width, settings.length)

    def forward(self, history: Tensor) -> Tensor:
        mask = (history != NOTHING).to(torch.float32)
        states: Tensor = self.encoder(self.drop(self.table(history)), mask)
        return states

    def scores(self, history: Tensor) -> Tensor:
        """float32 [B, items + 1]: how likely each item is the next."""
        found: Tensor = self(history)[:, 0] @ self.table.weight.T
        return found


class SequentialTrainer:
    """Passes over sequences; a later call goes on where the last one ended."""

    def __init__(self, settings: SequentialSettings, items: int) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.items = settings, items
        self.net = SequentialNet(settings, items)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._rng = np.random.default_rng(settings.seed)

    def passes(self, sequences: Sequence[Sequence[int]], count: int) -> float:
        """Train on sequences, oldest item first; returns the mean loss of the last pass."""
        loss = float("nan")
        self.net.train()
        with deterministic("cpu"):
            for _ in range(count):
                windows = cut(sequences, self.settings.length, self._rng)
                order = self._rng.permutation(len(windows))
                losses = [
                    self._step(torch.from_numpy(windows[order[at : at + self.settings.batch]]))
                    for at in range(0, len(order), self.settings.batch)
                ]
                loss = float(np.mean(losses))
        self.net.eval()
        return loss

    def _step(self, windows: Tensor) -> float:
        drawn = torch.from_numpy(self._rng.integers(1, self.items + 1, self.settings.negatives))
        self.optimizer.zero_grad()
        loss = next_item_loss(self.net, windows, drawn)
        torch.autograd.backward(loss)
        self.optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def scores(self, histories: I64) -> F32:
        """[n, items + 1] of histories [n, L], newest first."""
        found: F32 = self.net.scores(torch.from_numpy(histories)).numpy()
        return found


def next_item_loss(net: SequentialNet, windows: Tensor, drawn: Tensor) -> Tensor:
    """Softmax cross entropy of each next item among itself and the drawn ones; windows [B, L + 1]."""
    history, target = windows[:, 1:], windows[:, :-1]
    there = history != NOTHING
    states, wanted = net(history)[there], target[there]  # [P, width], [P]
    hit = (states * net.table(wanted)).sum(-1, keepdim=True)
    others = (states @ net.table(drawn).T).masked_fill(wanted[:, None] == drawn[None, :], -1e4)
    logits = torch.cat([hit, others], -1)
    return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64))


def cut(sequences: Sequence[Sequence[int]], length: int, rng: np.random.Generator) -> I64:
    """Windows of `length` + 1 items, newest first, that overlap by one: each item but a user's first is a
    target once. Each call draws new places for the cuts.

    >>> cut([[1, 2, 3]], 2, np.random.default_rng(0)).tolist()
    [[3, 2, 1]]
    """
    windows = []
    for sequence in sequences:
        newest = np.asarray(sequence, np.int64)[::-1]
        start = 0 if len(newest) <= length + 1 else -int(rng.integers(length))
        while start < len(newest) - 1:
            window = newest[max(start, 0) : start + length + 1]
            if len(window) > 1:
                windows.append(np.pad(window, (0, length + 1 - len(window))))
            start += length
    return np.stack(windows) if windows else np.empty((0, length + 1), np.int64)
