"""What all candidates of a user share is multiplied once; here the scores are written without that."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from export.random_inputs import random_inputs
from model.network import FusionNet, Rescorer
from model.plan import NetworkPlan
from model.schema import FusionKind
from model.towers import Seen
from tests.model.examples_of import SCHEMA, VOCABULARY

USERS, CANDIDATES = 3, 7


def attended(rescorer: Rescorer, candidates: Tensor, seen: Seen) -> Tensor:
    """One user, head and candidate at a time."""
    layer = rescorer.attention
    rows = []
    for user, states, mask in zip(candidates, seen.states, seen.mask, strict=True):
        query, key = layer.query(user), layer.key(states)
        value = layer.value(states) * mask[:, None]
        heads = []
        for head in range(layer.heads):
            part = slice(head * layer.each, (head + 1) * layer.each)
            logits = query[:, part] @ key[:, part].T / layer.each**0.5 + (mask - 1) * 1e4
            heads.append(logits.softmax(-1) @ value[:, part])
        rows.append(torch.cat(heads, -1))
    return torch.stack(rows)


def fused(rescorer: Rescorer, fusion: FusionKind, views: list[Tensor]) -> Tensor:
    kind = rescorer.fusion
    if fusion == "concat":
        return kind.get_submodule("mix")(torch.cat(views, -1))  # type: ignore[no-any-return]
    stacked = torch.stack(views, -2)
    if fusion == "weighted":
        weights = kind.get_parameter("weights").softmax(0).expand(*stacked.shape[:-1])
    else:
        hidden = torch.tanh(kind.get_submodule("hidden")(stacked))
        weights = (kind.get_submodule("query")(hidden) + kind.get_parameter("bias")).squeeze(-1).softmax(-1)
    return (weights[..., None] * stacked).sum(-2)


def plain(rescorer: Rescorer, fusion: FusionKind, seen: Seen, candidates: Tensor, live: Tensor) -> Tensor:
    """Every candidate with a copy of what is known of its user."""
    features = rescorer.candidate_scale(live)
    user = seen.user[:, None].expand(-1, CANDIDATES, -1)
    met, text = attended(rescorer, candidates, seen), candidates[..., rescorer.part :]
    said = rescorer.said(seen.said)[:, None].split(rescorer.part, -1)
    user_view = rescorer.user_view(torch.cat([met, user], -1)).relu()
    item_view = rescorer.item_view(candidates).relu()
    language_view = rescorer.language_view(torch.cat([text, *(text * each for each in said)], -1)).relu()
    mixed = fused(rescorer, fusion, [user_view, item_view, language_view])
    views = torch.cat([mixed, met * item_view, user_view * item_view, item_view], -1)
    known = torch.cat([features, user], -1)
    body = rescorer.body(rescorer.from_views(views) + rescorer.from_features(known))
    click, rating, like = (rescorer.heads(body) + rescorer.skip(known)).unbind(-1)
    return torch.stack([click, 1 + 4 / (1 + torch.exp(-rating)), like], -1)


@pytest.mark.parametrize("fusion", ["weighted", "concat", "attention"])
def test_scores_are_those_of_the_plain_formula(fusion: FusionKind) -> None:
    torch.manual_seed(1)
    net = FusionNet(NetworkPlan(fusion=fusion, width=8, hidden=(12, 10)), SCHEMA, VOCABULARY.size).eval()
    with torch.no_grad():
        for parameter in net.rescorer.parameters():  # biases and the linear part begin at zero
            parameter.normal_(std=0.4)
        inputs = [torch.from_numpy(each) for each in random_inputs(SCHEMA, USERS, CANDIDATES, seed=2)]
        seen = net.view(*inputs[:-2])
        expected = plain(net.rescorer, fusion, seen, *inputs[-2:])
        np.testing.assert_allclose(net.rescorer(seen, *inputs[-2:]), expected, atol=1e-5, rtol=1e-5)
