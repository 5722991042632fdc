"""The fusion network: z = f(user, item, language), with a click and a rating head.

Shapes: B users, K candidates, L history items, D item_dim. The item tower runs once per item and its vectors
are kept; the rescorer runs for every slate on those vectors and the live features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.fusion import KINDS
from model.schema import FusionKind, Schema


@dataclass(frozen=True)
class NetworkConfig:
    """`vocabulary`: how many items have an id of their own (0 is every other item's)."""

    vocabulary: int
    width: int = 32
    heads: int = 2
    hidden: tuple[int, int] = (96, 48)
    fusion: FusionKind = "attention"
    dropout: float = 0.1
    forget_id: float = 0.3


class ItemTower(nn.Module):
    """id [N], text [N, text_dim] -> vectors [N, D]: half from the id, half from the text.

    In training some ids are forgotten, so that an item without an id is represented by its text.
    """

    def __init__(self, config: NetworkConfig, schema: Schema) -> None:
        super().__init__()
        half = schema.item_dim // 2
        self.forget = config.forget_id
        self.embedding = nn.Embedding(config.vocabulary + 1, half)
        self.text = nn.Linear(schema.text_dim, half)
        nn.init.normal_(self.embedding.weight, std=0.05)

    def forward(self, id: Tensor, text: Tensor) -> Tensor:
        if self.training and self.forget > 0:
            id = id * (torch.rand(id.shape, device=id.device) >= self.forget)
        return torch.cat([self.embedding(id), self.text(text)], dim=-1)


class Standardise(nn.Module):
    """(x - mean) / deviation with constants of the training examples, cut at 5 deviations."""

    mean: Tensor
    scale: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        return ((x - self.mean) * self.scale).clamp(-5.0, 5.0)

    def fit(self, rows: Tensor) -> None:
        """Take mean and deviation from rows [n, size]."""
        self.mean.copy_(rows.mean(0))
        self.scale.copy_(1.0 / rows.std(0, unbiased=False).clamp_min(1e-2))


class TargetAttention(nn.Module):
    """Each candidate attends to the history (deep interest network, arXiv 1706.06978), with several heads."""

    def __init__(self, query: int, key: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.each = heads, width // heads
        self.query = nn.Linear(query, width)
        self.key = nn.Linear(key, width)
        self.value = nn.Linear(key, width)

    def forward(self, candidates: Tensor, history: Tensor, mask: Tensor) -> Tensor:
        """candidates [B, K, query], history [B, L, key], mask [B, L] -> [B, K, width]; 0: no history."""
        q = self._split(self.query(candidates))
        k = self._split(self.key(history))
        v = self._split(self.value(history) * mask[..., None])
        logits = q @ k.transpose(-1, -2) / self.each**0.5
        weights = (logits + (mask[:, None, None, :] - 1.0) * 1e4).softmax(-1)
        mixed: Tensor = (weights @ v).transpose(1, 2).flatten(-2)
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        """[B, N, width] -> [B, heads, N, each]."""
        split: Tensor = x.reshape(*x.shape[:2], self.heads, self.each).transpose(1, 2)
        return split


class Rescorer(nn.Module):
    """The inputs of `model.schema` -> click logits [B, K] and expected ratings [B, K]."""

    def __init__(self, config: NetworkConfig, schema: Schema) -> None:
        super().__init__()
        width, features = config.width, len(schema.candidate_features)
        users, steps = len(schema.user_features), len(schema.history_features)
        self.part = schema.item_dim // 2
        self.candidate_scale = Standardise(features)
        self.user_scale = Standardise(users)
        self.history_scale = Standardise(steps)
        self.attention = TargetAttention(schema.item_dim, schema.item_dim + steps, width, config.heads)
        self.user_view = nn.Linear(width + users, width)
        self.item_view = nn.Linear(schema.item_dim, width)
        self.words = nn.Linear(schema.words_dim, self.part)
        self.language_view = nn.Linear(2 * self.part, width)
        self.fusion = KINDS[config.fusion](3, width)
        first, second = config.hidden
        # Two layers added, not one over both: views and features have scales of their own, and keep them when
        # activations are quantized.
        self.from_views = nn.Linear(4 * width, first)
        self.from_features = nn.Linear(features + users, first)
        self.body = nn.Sequential(nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(first, second), nn.ReLU())
        self.click = nn.Linear(second, 1)
        self.rating = nn.Linear(second, 1)
        self.click_skip = nn.Linear(features, 1, bias=False)
        self.rating_skip = nn.Linear(features + users, 1)
        nn.init.zeros_(self.click_skip.weight)
        nn.init.zeros_(self.rating_skip.weight)
        nn.init.constant_(self.rating_skip.bias, 3.5)

    def forward(
        self,
        history_vectors: Tensor,
        history_features: Tensor,
        history_mask: Tensor,
        user_features: Tensor,
        words: Tensor,
        candidate_vectors: Tensor,
        candidate_features: Tensor,
    ) -> tuple[Tensor, Tensor]:
        features = self.candidate_scale(candidate_features)
        user = self.user_scale(user_features)
        user = user[:, None, :].expand(-1, features.shape[1], -1)
        history = torch.cat([history_vectors, self.history_scale(history_features)], -1)
        attended = self.attention(candidate_vectors, history, history_mask)
        spoken = self.words(words)[:, None, :]
        text = candidate_vectors[..., self.part :]
        user_view = torch.relu(self.user_view(torch.cat([attended, user], -1)))
        item_view = torch.relu(self.item_view(candidate_vectors))
        language_view = torch.relu(self.language_view(torch.cat([text, text * spoken], -1)))
        fused = self.fusion([user_view, item_view, language_view])
        views = torch.cat([fused, attended * item_view, user_view * item_view, item_view], -1)
        known = torch.cat([features, user], -1)
        body = self.body(self.from_views(views) + self.from_features(known))
        click = self.click(body) + self.click_skip(features)
        rating = self.rating(body) + self.rating_skip(known)
        return click.squeeze(-1), rating.squeeze(-1)


class FusionNet(nn.Module):
    """The whole network; its two halves are exported as two ONNX files."""

    def __init__(self, config: NetworkConfig, schema: Schema) -> None:
        super().__init__()
        self.config, self.schema = config, schema
        self.item_tower = ItemTower(config, schema)
        self.rescorer = Rescorer(config, schema)
