"""The fusion network: z = f(user, item, language), with a head a task.

Shapes: B users, K candidates, L history items, D item_dim. The item tower runs once per item, and the catalog
keeps its vectors; the user tower runs once an event, to find candidates; the rescorer runs for every slate on
those vectors and the live features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.feature_names import EVENTS, content_columns
from model.fusion import KINDS
from model.plan import NetworkPlan
from model.schema import HIGHEST_RATING, LOWEST_RATING, Schema
from model.standardise import Standardise
from model.towers import ItemTower, Seen, UserTower, UserView

RATING_AT_FIRST = 3.5
UNMET_HIDDEN, LEVEL_STEPS = 8, 10.0


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
        q = self._split(self.queries(candidates))
        k = self._split(self.key(history) / self.each**0.5)
        # The mask is one more column of the keys, and meets a 1 in every query: to add it to the logits would
        # take another pass over [B, heads, K, L].
        hidden = ((mask - 1.0) * 1e4)[:, None, :, None].expand(-1, self.heads, -1, -1)
        return (q @ torch.cat([k, hidden], -1).transpose(-1, -2)).softmax(-1)

    def queries(self, candidates: Tensor) -> Tensor:
        """[B, K, query] -> [B, K, heads * (each + 1)]: of each head the query, then a 1."""
        weight = self.query.weight.reshape(self.heads, self.each, -1)
        bias = self.query.bias.reshape(self.heads, self.each)
        return functional.linear(
            candidates,
            functional.pad(weight, (0, 0, 0, 1)).flatten(0, 1),
            functional.pad(bias, (0, 1), value=1.0).flatten(),
        )

    def _split(self, x: Tensor) -> Tensor:
        """[B, N, heads * each] -> [B, heads, N, each]."""
        split: Tensor = x.reshape(*x.shape[:2], self.heads, x.shape[2] // self.heads).transpose(1, 2)
        return split


class Unmet(nn.Module):
    """Click logits of items that no user has met, from their content: texts, entities, age and the ranks of
    the sources that use those.

    The rest of the network learns from items with a past: its score of an item without a past means nothing.
    So new items have a part of their own, which learns all candidates as if they were new (`TrainPlan.unmet`;
    like DropoutNet, Volkovs et al., NIPS 2017, but without a cost for the others).
    """

    columns: Tensor

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        columns = content_columns(names)
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.body = nn.Sequential(
            nn.Linear(len(columns), UNMET_HIDDEN), nn.ReLU(), nn.Linear(UNMET_HIDDEN, 1, bias=False)
        )
        # The level of new items against items with a past: so far below that usual steps do not reach it.
        self.level = nn.Parameter(torch.zeros(1))

    @property
    def first(self) -> nn.Linear:
        """The layer that reads the columns."""
        return cast("nn.Linear", self.body[0])

    @property
    def last(self) -> nn.Linear:
        """The layer that makes a logit."""
        return cast("nn.Linear", self.body[2])

    def forward(self, features: Tensor) -> Tensor:
        """features [B, K, F], on one scale -> [B, K]."""
        logits: Tensor = self.body(features.index_select(-1, self.columns))
        return logits.squeeze(-1) + LEVEL_STEPS * self.level


class Rescorer(nn.Module):
    """`Seen`, candidate_vectors [B, K, D], candidate_features [B, K, F] -> [B, K, tasks]."""

    is_rating: Tensor
    is_click: Tensor

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
        # Two layers and a sum, not one layer over both: views and features have scales of their own, and keep
        # them when the export quantizes activations.
        self.from_views = nn.Linear(4 * width, first)
        self.from_features = nn.Linear(features + view.users, first)
        self.body = nn.Sequential(nn.ReLU(), nn.Dropout(plan.dropout), nn.Linear(first, second), nn.ReLU())
        self.heads = nn.Linear(second, len(schema.tasks))
        self.skip = nn.Linear(features + view.users, len(schema.tasks))
        nn.init.zeros_(self.skip.weight)
        nn.init.zeros_(self.skip.bias)
        is_rating = torch.tensor([name in schema.ratings for name in schema.tasks])
        self.register_buffer("is_rating", is_rating, persistent=False)
        self.register_buffer("is_click", torch.arange(len(schema.tasks)) == 0, persistent=False)
        names = schema.candidate_features
        self.unmet, self.events = None, 0
        if EVENTS in names and content_columns(names):
            self.unmet, self.events = Unmet(names), names.index(EVENTS)
        with torch.no_grad():
            self.skip.bias[is_rating] = math.log(
                (RATING_AT_FIRST - LOWEST_RATING) / (HIGHEST_RATING - RATING_AT_FIRST)
            )

    def forward(self, seen: Seen, candidate_vectors: Tensor, candidate_features: Tensor) -> Tensor:
        features = self.candidate_scale(candidate_features)
        user = seen.user[:, None, :]
        attended = self.attention(candidate_vectors, seen.states, seen.mask)
        user_view = torch.relu(_beside(self.user_view, attended, user))
        item_view = torch.relu(self.item_view(candidate_vectors))
        language_view = torch.relu(self._language(candidate_vectors[..., self.part :], self.said(seen.said)))
        fused = self.fusion([user_view, item_view, language_view])
        views = torch.cat([fused, attended * item_view, user_view * item_view, item_view], -1)
        body = self.body(self.from_views(views) + _beside(self.from_features, features, user))
        # The bias of the heads goes with the shared part: in so few columns a sum costs as much as a product.
        logits: Tensor = body @ self.heads.weight.T + _beside(self.skip, features, user, self.heads.bias)
        if self.unmet is not None:
            nobody = candidate_features[..., self.events, None] == 0
            logits = torch.where(nobody & self.is_click, self.unmet(features)[..., None], logits)
        # A rating comes near the ends of its scale and never leaves it. Without bounds, with a mean rating of
        # 4.5, the highest fifth of the predictions has a mean of 5.05, and its ratings a mean of 4.68.
        ratings = LOWEST_RATING + (HIGHEST_RATING - LOWEST_RATING) * torch.sigmoid(logits)
        return torch.where(self.is_rating, ratings, logits)

    def _language(self, text: Tensor, said: Tensor) -> Tensor:
        """`language_view` of text [B, K, part] beside its products with three vectors, said [B, 3 * part].

        The products go into the weights, a matrix for each user: a quarter of the work, and no copies of the
        text.
        """
        weights = self.language_view.weight.T.reshape(4, self.part, -1)
        mine = weights[0] + (said.reshape(-1, 3, self.part, 1) * weights[1:]).sum(1)  # [B, part, width]
        read: Tensor = text @ mine + self.language_view.bias
        return read


def _beside(layer: nn.Linear, own: Tensor, shared: Tensor, bias: Tensor | float = 0.0) -> Tensor:
    """`layer` of own [B, K, n] beside shared [B, 1, m], with one product a user for shared; and `bias`."""
    n = own.shape[-1]
    once = functional.linear(shared, layer.weight[:, n:], layer.bias) + bias
    both: Tensor = own @ layer.weight[:, :n].T + once
    return both


class FusionNet(nn.Module):
    """The whole network; the export writes its towers and its rescorer as files of their own.

    `items`: how many rows the id table has (`Vocabulary.size`).
    """

    def __init__(self, plan: NetworkPlan, schema: Schema, items: int) -> None:
        super().__init__()
        self.plan, self.schema, self.items = plan, schema, items
        self.item_tower = ItemTower(plan, schema, items)
        self.view = UserView(plan, schema)
        self.user_tower = UserTower(self.view, schema)
        self.rescorer = Rescorer(plan, schema, self.view)

    def knows(self, feature: str) -> bool:
        """Whether this feature of candidates varied among the training examples of the network."""
        names = self.schema.candidate_features
        return feature in names and bool(self.rescorer.candidate_scale.scale[names.index(feature)] > 0)

    def scoring(self) -> Scoring:
        """The RESCORER_INPUTS -> one [B, K] a task, as one module."""
        return Scoring(self)

    def finding(self) -> Finding:
        """The USER_INPUTS -> the user's vector [B, user_dim], as one module."""
        return Finding(self)


class Scoring(nn.Module):
    """The view of the user and the rescorer, in the form for export."""

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        self.view, self.rescorer = net.view, net.rescorer

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """RESCORER_INPUTS, in order."""
        *user, candidate_vectors, candidate_features = inputs
        scores: Tensor = self.rescorer(self.view(*user), candidate_vectors, candidate_features)
        return scores.unbind(-1)


class Finding(nn.Module):
    """The view of the user and the user tower, in the form for export."""

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        self.view, self.user_tower = net.view, net.user_tower

    def forward(self, *inputs: Tensor) -> Tensor:
        """USER_INPUTS, in order."""
        user: Tensor = self.user_tower(self.view(*inputs))
        return user
