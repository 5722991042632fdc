"""What a history item learns from earlier ones: nothing, causal self-attention, or LiGR layers.

Histories are newest first, so an item sees itself and those behind it in the array. Shapes: B users, L items.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.plan import NetworkPlan

HIDDEN = 2  # the inner width of feed-forward layers, as a multiple of the outer


class Plain(nn.Module):
    """The items as they are: candidates attend to them directly (deep interest network, arXiv 1706.06978)."""

    def __init__(self, plan: NetworkPlan, size: int, length: int) -> None:
        super().__init__()
        self.width = size

    def forward(self, history: Tensor, mask: Tensor) -> Tensor:
        return history


class Causal(nn.Module):
    """Learned places and causal self-attention, norm first (SASRec, arXiv 1808.09781).

    history [B, L, size], mask [B, L] -> [B, L, width].
    """

    gated = False

    def __init__(self, plan: NetworkPlan, size: int, length: int) -> None:
        super().__init__()
        self.width = plan.width
        self.enter = nn.Linear(size, plan.width)
        self.places = nn.Parameter(torch.randn(length, plan.width) * 0.02)
        self.layers = nn.ModuleList(Layer(plan, self.gated) for _ in range(plan.layers))
        self.leave = nn.LayerNorm(plan.width)

    def forward(self, history: Tensor, mask: Tensor) -> Tensor:
        x = (self.enter(history) + self.places) * mask[..., None]
        older = torch.ones(x.shape[1], x.shape[1], device=x.device).triu()  # [L, L]: what a row may look at
        allowed = (older * mask[:, None, :] - 1.0) * 1e4  # [B, L, L]
        for layer in self.layers:
            x = layer(x, allowed)
        left: Tensor = self.leave(x)
        return left * mask[..., None]


class Ligr(Causal):
    """The same with gated residuals and SwiGLU (LiGR, arXiv 2502.03417, as in eSASRec, arXiv 2508.06450)."""

    gated = True


class Layer(nn.Module):
    """Self-attention, then a feed-forward layer. With gates the input of each weighs its result."""

    def __init__(self, plan: NetworkPlan, gated: bool) -> None:
        super().__init__()
        width, inner = plan.width, HIDDEN * plan.width
        self.heads, self.gated = plan.heads, gated
        self.norm, self.norm_inner = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 2 * inner if gated else inner), nn.Linear(inner, width)
        self.drop = nn.Dropout(plan.dropout)
        if gated:
            self.gate, self.gate_inner = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        normed = self.norm(x)
        x = x + self._gated(self.drop(self._attend(normed, allowed)), x, "gate")
        return x + self._gated(self.drop(self._feed(self.norm_inner(x))), x, "gate_inner")

    def _gated(self, result: Tensor, x: Tensor, name: str) -> Tensor:
        if not self.gated:
            return result
        gate: Tensor = torch.sigmoid(getattr(self, name)(x))
        return gate * result

    def _attend(self, x: Tensor, allowed: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1)
        )  # each [B, heads, L, width / heads]
        weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + allowed[:, None]).softmax(-1)
        mixed: Tensor = self.mixed((weights @ v).transpose(1, 2).flatten(-2))
        return mixed

    def _feed(self, x: Tensor) -> Tensor:
        hidden = self.inner(x)
        if self.gated:
            value, gate = hidden.chunk(2, -1)
            hidden = value * nn.functional.silu(gate)
        else:
            hidden = nn.functional.gelu(hidden)
        fed: Tensor = self.outer(hidden)
        return fed


ENCODERS: dict[str, type[Plain] | type[Causal] | type[Ligr]] = {
    "none": Plain,
    "sasrec": Causal,
    "ligr": Ligr,
}
