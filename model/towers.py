"""The two towers, and the view of the user that rescoring and retrieval share.

Shapes: N items, B users, L history items, D item_dim, R user_dim. The item tower makes an item's vector once,
and the catalog keeps it; a user's view is new for every event.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.actions import EARLIER_ACTIONS
from model.hashing import ATTRIBUTE_BUCKETS, PROFILE_BUCKETS
from model.plan import NetworkPlan
from model.schema import Schema
from model.sequence import ENCODERS
from model.standardise import Standardise

ACTION_DIM = 4
PROFILE_DIM = 8


class Bag(nn.Module):
    """The mean vector of the numbers in each row, int64 [N, places] -> [N, dim]; 0 means no number."""

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(rows + 1, dim, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.05)
        with torch.no_grad():
            self.embedding.weight[0] = 0.0

    def forward(self, numbers: Tensor) -> Tensor:
        there = (numbers > 0).to(self.embedding.weight.dtype).sum(-1, keepdim=True)
        mean: Tensor = self.embedding(numbers).sum(-2) / there.clamp_min(1.0)
        return mean


class ItemTower(nn.Module):
    """The inputs of items -> vectors [N, D], half from the ids, half from the content; keys [N, R].

    The training hides some ids, so that the content represents an item without an id. A missing modality adds
    nothing.
    """

    def __init__(self, plan: NetworkPlan, schema: Schema, items: int) -> None:
        super().__init__()
        half = schema.item_dim // 2
        self.forget = plan.forget_id
        self.embedding = nn.Embedding(items + 1, half)
        self.text = nn.Linear(schema.text_dim, half)
        self.attributes = Bag(ATTRIBUTE_BUCKETS, half)
        self.modalities = nn.ModuleList(nn.Linear(dim, half) for dim in schema.modalities.values())
        self.key = nn.Linear(schema.item_dim, schema.user_dim)
        nn.init.normal_(self.embedding.weight, std=0.05)

    def forward(
        self, id: Tensor, text: Tensor, attributes: Tensor, *modalities: Tensor
    ) -> tuple[Tensor, Tensor]:
        if self.training and self.forget > 0:
            id = id * (torch.rand(id.shape, device=id.device) >= self.forget)
        content = self.text(text) + self.attributes(attributes)
        for read, vectors in zip(self.modalities, modalities, strict=True):
            there = (vectors.abs().sum(-1, keepdim=True) > 0).to(vectors.dtype)
            content = content + there * read(vectors)
        vectors = torch.cat([self.embedding(id), content], dim=-1)
        return vectors, nn.functional.normalize(self.key(vectors), dim=-1)


class Seen(NamedTuple):
    """states [B, L, S] , mask [B, L], user [B, U]; said [B, 3 * text_dim]: words, liked, query."""

    states: Tensor
    mask: Tensor
    user: Tensor
    said: Tensor


class UserView(nn.Module):
    """The USER_INPUTS of `model.schema` -> `Seen`."""

    def __init__(self, plan: NetworkPlan, schema: Schema) -> None:
        super().__init__()
        steps, users = len(schema.history_features), len(schema.user_features)
        self.user_scale, self.history_scale = Standardise(users), Standardise(steps)
        self.actions = nn.Embedding(schema.actions + 1, ACTION_DIM)
        with torch.no_grad():  # an action that training never met adds nothing
            self.actions.weight[EARLIER_ACTIONS + 1 :] = 0.0
        self.profile = Bag(PROFILE_BUCKETS, PROFILE_DIM)
        self.encoder = ENCODERS[plan.encoder](plan, schema.item_dim + steps + ACTION_DIM, schema.history)
        self.states, self.users = self.encoder.width, users + PROFILE_DIM
        self.said = 3 * schema.text_dim

    def forward(
        self,
        history_vectors: Tensor,
        history_features: Tensor,
        history_actions: Tensor,
        history_mask: Tensor,
        user_features: Tensor,
        profile: Tensor,
        words: Tensor,
        liked: Tensor,
        query: Tensor,
    ) -> Seen:
        return self.see(
            history_vectors, history_features, self.actions(history_actions), history_mask, user_features,
            self.profile(profile), torch.cat([words, liked, query], -1),
        )  # fmt: skip

    def see(
        self,
        history_vectors: Tensor,
        history_features: Tensor,
        actions: Tensor,
        mask: Tensor,
        user_features: Tensor,
        profile: Tensor,
        said: Tensor,
    ) -> Seen:
        """The same from actions [B, L, ACTION_DIM] and profile [B, PROFILE_DIM] as vectors."""
        steps = [history_vectors, self.history_scale(history_features), actions]
        states = self.encoder(torch.cat(steps, -1), mask)
        user = torch.cat([self.user_scale(user_features), profile], -1)
        return Seen(states, mask, user, said)


class UserTower(nn.Module):
    """`Seen` -> user [B, R]: the history, weighed by a learned query, and the other inputs of the user.

    user . key is a cosine over a learned temperature, so that its softmax over items can be trained.
    """

    def __init__(self, view: UserView, schema: Schema) -> None:
        super().__init__()
        self.weight = nn.Linear(view.states, 1)
        self.value = nn.Linear(view.states, schema.user_dim)
        self.known = nn.Linear(view.users + view.said, schema.user_dim)
        self.log_scale = nn.Parameter(torch.tensor(2.3))

    def forward(self, seen: Seen) -> Tensor:
        logits = self.weight(seen.states).squeeze(-1) + (seen.mask - 1.0) * 1e4
        weights = logits.softmax(-1) * seen.mask
        pooled = (weights[..., None] * self.value(seen.states)).sum(-2)
        user = pooled + self.known(torch.cat([seen.user, seen.said], -1))
        return nn.functional.normalize(user, dim=-1) * self.log_scale.exp().clamp_max(50.0)
