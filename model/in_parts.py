"""The network in the form for service: what depends on the item alone, on the user alone, and on both.

An item's part is made when the item changes, a user's part once an event, for retrieval and for all of the
user's candidates. What is left for each candidate is small. The parts make the same scores as
`model.network`, to the precision of fp32: they hold copies of its weights, joined where one product can do
the work of several.

Shapes: N items, B users, K candidates, L history items, D item_dim, H heads, E the width of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.fusion import Attention
from model.network import LEVEL_STEPS, FusionNet
from model.schema import HIGHEST_RATING, LOWEST_RATING

USER, ITEM, LANGUAGE = range(3)
"""The places of the three views in the fusion."""


def item_part_names(net: FusionNet) -> tuple[str, ...]:
    """The outputs of `ItemPart`, which the candidates' part reads under the same names."""
    weighs = isinstance(net.rescorer.fusion, Attention)
    return ("candidate_queries", "candidate_views", *(("candidate_weights",) if weighs else ()))


class ItemPart(nn.Module):
    """vectors [N, D] -> attention queries [N, H * (E + 1)], item views [N, width] and, where the fusion is by
    attention, the logit of each item's view [N, 1].
    """

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        self.rescorer = net.rescorer

    def forward(self, vectors: Tensor) -> tuple[Tensor, ...]:
        rescorer = self.rescorer
        view = torch.relu(rescorer.item_view(vectors))
        parts = (rescorer.attention.queries(vectors), view)
        fusion = rescorer.fusion
        return (*parts, fusion.logit(view, ITEM)) if isinstance(fusion, Attention) else parts


class UserPart(nn.Module):
    """The USER_INPUTS -> the user's vector [B, user_dim] and what the candidates' part reads of users: keys
    [B, H, E + 1, L], values [B, H, L, E], language [B, part, width], a matrix that reads a candidate's text
    for this user, and `shared` [B, 1, width + hidden + more]: the user's share of three sums.
    """

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        rescorer, tower, attention = net.rescorer, net.user_tower, net.rescorer.attention
        self.view, self.heads, self.each, self.part = net.view, attention.heads, attention.each, rescorer.part
        self.log_scale = tower.log_scale
        width, features = net.plan.width, len(net.schema.candidate_features)
        self.of_states = [width, width, net.schema.user_dim, 1]
        root = attention.each**0.5
        unmet = [] if rescorer.unmet is None else [rescorer.unmet.first.bias]
        with torch.no_grad():
            self.states = _linear(
                [
                    attention.key.weight / root,
                    attention.value.weight,
                    tower.value.weight,
                    tower.weight.weight,
                ],
                [attention.key.bias / root, attention.value.bias, tower.value.bias, tower.weight.bias],
            )
            # One product of [user, said] for the tower's vector, the shared sums and the language.
            user, said = net.view.users, net.view.said
            rows = [
                _wide(rescorer.user_view.weight[:, width:], said),
                _wide(rescorer.from_features.weight[:, features:], said),
                _wide(rescorer.skip.weight[:, features:], said),
                *(torch.zeros(len(each), user + said) for each in unmet),
            ]
            self.known = _linear(
                [tower.known.weight, functional.pad(rescorer.said.weight, (user, 0)), *rows],
                [
                    tower.known.bias, rescorer.said.bias, rescorer.user_view.bias,
                    rescorer.from_features.bias + rescorer.from_views.bias,
                    rescorer.skip.bias + rescorer.heads.bias, *unmet,
                ],
            )  # fmt: skip
            self.of_known = [net.schema.user_dim, 3 * self.part, sum(len(each) for each in rows)]
            weights = rescorer.language_view.weight.T.reshape(4, self.part, width)
            self.plain = nn.Parameter(weights[0].clone())
            self.times = nn.Parameter(weights[1:].clone())

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """USER_INPUTS, in order."""
        seen = self.view(*inputs)
        key, value, pooled, weight = torch.split(self.states(seen.states), self.of_states, -1)
        hidden = (seen.mask - 1.0) * 1e4
        keys = self._split(key).permute(0, 2, 3, 1)
        keys = torch.cat([keys, hidden[:, None, None].expand(-1, self.heads, -1, -1)], 2)
        values = self._split(value * seen.mask[..., None]).transpose(1, 2)
        weights = (weight.squeeze(-1) + hidden).softmax(-1) * seen.mask
        known = self.known(torch.cat([seen.user, seen.said], -1))
        known, said, shared = torch.split(known, self.of_known, -1)
        user = (weights[:, None] @ pooled).squeeze(1) + known
        user = functional.normalize(user, dim=-1) * self.log_scale.exp().clamp_max(50.0)
        language = self.plain + (said.reshape(-1, 3, self.part, 1) * self.times).sum(1)
        return user, keys, values, language, shared[:, None]

    def _split(self, x: Tensor) -> Tensor:
        """[B, L, H * E] -> [B, L, H, E]."""
        return x.reshape(*x.shape[:-1], self.heads, self.each)


class CandidatePart(nn.Module):
    """`UserPart`, without the user's vector; candidate_texts [B, K, part]: the second half of the item
    vectors; candidate_features [B, K, F]; `ItemPart` of the candidates -> one [B, K] a task.
    """

    is_rating: Tensor

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        rescorer, tasks = net.rescorer, len(net.schema.tasks)
        self.width, self.tasks = net.plan.width, tasks
        self.heads, self.events = rescorer.attention.heads, rescorer.events
        self.ratings = [name in net.schema.ratings for name in net.schema.tasks]
        self.scale, self.fusion, self.body = rescorer.candidate_scale, rescorer.fusion, rescorer.body
        features = len(net.schema.candidate_features)
        with torch.no_grad():
            self.user_view = _matrix(rescorer.user_view.weight[:, : self.width])
            self.language = nn.Parameter(rescorer.language_view.bias.clone())
            self.from_views = _matrix(rescorer.from_views.weight)
            self.from_features = _matrix(rescorer.from_features.weight[:, :features])
            narrow = [rescorer.skip.weight[:, :features]]
            self.unmet, self.level = None, None
            if rescorer.unmet is not None:
                first = rescorer.unmet.first.weight
                # All features, most of them times 0: to pick columns costs more than to multiply them.
                spread = torch.zeros(len(first), features)
                spread[:, rescorer.unmet.columns] = first
                narrow.append(spread)
                self.unmet = _matrix(rescorer.unmet.last.weight)
                self.level = nn.Parameter(LEVEL_STEPS * rescorer.unmet.level)
            self.narrow = _matrix(torch.cat(narrow))
            self.of_shared = [self.width, net.plan.hidden[0], self.narrow.shape[1]]
            self.heads_of = _matrix(rescorer.heads.weight)

    def forward(
        self,
        keys: Tensor,
        values: Tensor,
        language: Tensor,
        shared: Tensor,
        candidate_texts: Tensor,
        candidate_features: Tensor,
        *items: Tensor,
    ) -> tuple[Tensor, ...]:
        queries, item_view, *weights = items
        features = self.scale(candidate_features)
        of_view, of_body, of_scores = torch.split(shared, self.of_shared, -1)
        attended = self._attend(queries, keys, values)
        user_view = torch.relu(attended @ self.user_view + of_view)
        language_view = torch.relu(candidate_texts @ language + self.language)
        fused = self._fuse(user_view, language_view, item_view, weights)
        views = torch.cat([fused, attended * item_view, user_view * item_view, item_view], -1)
        # As in the network, two products and a sum: views and features keep scales of their own in int8.
        body = self.body(views @ self.from_views + (features @ self.from_features + of_body))
        flat = features @ self.narrow + of_scores
        logits = body @ self.heads_of + flat[..., : self.tasks]
        click, *others = torch.split(logits, 1, -1)
        if self.unmet is not None and self.level is not None:
            nobody = candidate_features[..., self.events : self.events + 1] == 0
            alone = torch.relu(flat[..., self.tasks :]) @ self.unmet + self.level
            click = torch.where(nobody, alone, click)
        return tuple(
            (_rating(each) if rating else each).squeeze(-1)
            for each, rating in zip((click, *others), self.ratings, strict=True)
        )

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """[B, K, H * (E + 1)] -> [B, K, width]; 0: no history."""
        q = queries.reshape(*queries.shape[:-1], self.heads, queries.shape[-1] // self.heads).transpose(1, 2)
        attended: Tensor = ((q @ keys).softmax(-1) @ values).transpose(1, 2).flatten(-2)
        return attended

    def _fuse(self, user: Tensor, language: Tensor, item: Tensor, weights: list[Tensor]) -> Tensor:
        if isinstance(self.fusion, Attention):
            logits = [self.fusion.logit(user, USER), weights[0], self.fusion.logit(language, LANGUAGE)]
            shares = torch.cat(logits, -1).softmax(-1)
            return user * shares[..., :1] + item * shares[..., 1:2] + language * shares[..., 2:]
        fused: Tensor = self.fusion([user, item, language])
        return fused


def _rating(logits: Tensor) -> Tensor:
    return LOWEST_RATING + (HIGHEST_RATING - LOWEST_RATING) * torch.sigmoid(logits)


def _linear(weights: list[Tensor], biases: list[Tensor]) -> nn.Linear:
    """One layer with the outputs of several."""
    weight, bias = torch.cat(weights), torch.cat(biases)
    layer = nn.Linear(weight.shape[1], len(weight))
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    return layer


def _wide(weight: Tensor, more: int) -> Tensor:
    """The weight with `more` inputs behind its own, which add nothing."""
    return functional.pad(weight, (0, more))


def _matrix(weight: Tensor) -> nn.Parameter:
    """A layer's weight [out, in] as the matrix [in, out] of a product."""
    return nn.Parameter(weight.T.contiguous())
