"""The fusion network: z = f(user, item, language), with a head a task.

Shapes: B users, K candidates, L history items, D item_dim. The item tower runs once per item and its vectors
are kept; the user tower runs once an event, to find candidates; the rescorer runs for every slate on those
vectors and the live features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.fusion import KINDS
from model.plan import NetworkPlan
from model.schema import Schema
from model.standardise import Standardise
from model.towers import ItemTower, Seen, UserTower, UserView

MEAN_RATING = 3.5


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
        v = self._split(self.value(history) * mask[..., None])
        mixed: Tensor = (self.weights(candidates, history, mask) @ v).transpose(1, 2).flatten(-2)
        return mixed

    def weights(self, candidates: Tensor, history: Tensor, mask: Tensor) -> Tensor:
        """How much of each candidate's attention each history item has, [B, heads, K, L]."""
        q = self._split(self.query(candidates))
        k = self._split(self.key(history))
        logits = q @ k.transpose(-1, -2) / self.each**0.5
        weights: Tensor = (logits + (mask[:, None, None, :] - 1.0) * 1e4).softmax(-1)
        return weights

    def _split(self, x: Tensor) -> Tensor:
        """[B, N, width] -> [B, heads, N, each]."""
        split: Tensor = x.reshape(*x.shape[:2], self.heads, self.each).transpose(1, 2)
        return split


class Rescorer(nn.Module):
    """`Seen`, candidate_vectors [B, K, D], candidate_features [B, K, F] -> [B, K, tasks]."""

    def __init__(self, plan: NetworkPlan, schema: Schema, view: UserView) -> None:
        super().__init__()
        width, features = plan.width, len(schema.candidate_features)
        self.part = schema.item_dim // 2
        self.candidate_scale = Standardise(features)
        self.attention = TargetAttention(schema.item_dim, view.states, width, plan.heads)
        self.user_view = nn.Linear(width + view.users, width)
        self.item_view = nn.Linear(schema.item_dim, width)
        self.said = nn.Linear(view.said, 3 * self.part)
        self.language_view = nn.Linear(4 * self.part, width)
        self.fusion = KINDS[plan.fusion](3, width)
        first, second = plan.hidden
        # Two layers added, not one over both: views and features have scales of their own, and keep them when
        # activations are quantized.
        self.from_views = nn.Linear(4 * width, first)
        self.from_features = nn.Linear(features + view.users, first)
        self.body = nn.Sequential(nn.ReLU(), nn.Dropout(plan.dropout), nn.Linear(first, second), nn.ReLU())
        self.heads = nn.Linear(second, len(schema.tasks))
        self.skip = nn.Linear(features + view.users, len(schema.tasks))
        nn.init.zeros_(self.skip.weight)
        nn.init.zeros_(self.skip.bias)
        with torch.no_grad():
            self.skip.bias[schema.tasks.index("rating")] = MEAN_RATING

    def forward(self, seen: Seen, candidate_vectors: Tensor, candidate_features: Tensor) -> Tensor:
        features = self.candidate_scale(candidate_features)
        user = seen.user[:, None, :].expand(-1, features.shape[1], -1)
        attended = self.attention(candidate_vectors, seen.states, seen.mask)
        said = self.said(seen.said)[:, None, :].split(self.part, -1)
        text = candidate_vectors[..., self.part :]
        user_view = torch.relu(self.user_view(torch.cat([attended, user], -1)))
        item_view = torch.relu(self.item_view(candidate_vectors))
        language = torch.cat([text, *(text * each for each in said)], -1)
        language_view = torch.relu(self.language_view(language))
        fused = self.fusion([user_view, item_view, language_view])
        views = torch.cat([fused, attended * item_view, user_view * item_view, item_view], -1)
        known = torch.cat([features, user], -1)
        body = self.body(self.from_views(views) + self.from_features(known))
        scores: Tensor = self.heads(body) + self.skip(known)
        return scores


class FusionNet(nn.Module):
    """The whole network; its towers and its rescorer are exported as files of their own.

    `items`: how many rows the id table has (`Vocabulary.size`).
    """

    def __init__(self, plan: NetworkPlan, schema: Schema, items: int) -> None:
        super().__init__()
        self.plan, self.schema, self.items = plan, schema, items
        self.item_tower = ItemTower(plan, schema, items)
        self.view = UserView(plan, schema)
        self.user_tower = UserTower(self.view, schema)
        self.rescorer = Rescorer(plan, schema, self.view)

    def scoring(self) -> Scoring:
        """The RESCORER_INPUTS -> one [B, K] a task, as one module."""
        return Scoring(self)

    def finding(self) -> Finding:
        """The USER_INPUTS -> the user's vector [B, user_dim], as one module."""
        return Finding(self)


class Scoring(nn.Module):
    """The view of the user and the rescorer, as they are exported."""

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        self.view, self.rescorer = net.view, net.rescorer

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """RESCORER_INPUTS, in order."""
        *user, candidate_vectors, candidate_features = inputs
        scores: Tensor = self.rescorer(self.view(*user), candidate_vectors, candidate_features)
        return scores.unbind(-1)


class Finding(nn.Module):
    """The view of the user and the user tower, as they are exported."""

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        self.view, self.user_tower = net.view, net.user_tower

    def forward(self, *inputs: Tensor) -> Tensor:
        """USER_INPUTS, in order."""
        user: Tensor = self.user_tower(self.view(*inputs))
        return user
