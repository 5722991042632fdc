"""The network in parts gives the scores and the user's vector of the network as a whole."""

from __future__ import annotations

import itertools

import msgspec
import pytest
import torch
from torch import Tensor

from export.random_inputs import random_inputs
from model.in_parts import CandidatePart, ItemPart, UserPart, item_part_names
from model.network import FusionNet
from model.plan import NetworkPlan
from model.schema import USER_PART, EncoderKind, FusionKind
from tests.model.examples_of import ITEMS, SCHEMA

FUSIONS: tuple[FusionKind, ...] = ("attention", "weighted", "concat")
ENCODERS: tuple[EncoderKind, ...] = ("none", "ligr")
WITH_UNMET = ("popular_ever", "close", "text_taste", "rank_nearest", "rank_together")


def whole(fusion: FusionKind, encoder: EncoderKind, heads: int, names: tuple[str, ...]) -> FusionNet:
    """A network in which no weight is zero, so that a part that forgets one is noticed."""
    torch.manual_seed(3)
    schema = msgspec.structs.replace(SCHEMA, candidate_features=names)
    plan = NetworkPlan(width=8, hidden=(16, 8), fusion=fusion, encoder=encoder, heads=heads)
    net = FusionNet(plan, schema, ITEMS).eval()
    with torch.no_grad():
        for each in net.parameters():
            each.add_(0.1 * torch.randn_like(each))
        net.rescorer.candidate_scale.mean.normal_()
    return net


@pytest.mark.parametrize(
    ("fusion", "encoder", "heads", "names"),
    [*itertools.product(FUSIONS, ENCODERS, (1, 4), (SCHEMA.candidate_features, WITH_UNMET))],
)
def test_parts_are_the_whole(
    fusion: FusionKind, encoder: EncoderKind, heads: int, names: tuple[str, ...]
) -> None:
    net = whole(fusion, encoder, heads, names)
    assert (net.rescorer.unmet is not None) == (names == WITH_UNMET)
    inputs: list[Tensor] = [torch.from_numpy(each) for each in random_inputs(net.schema, 3, 11, seed=4)]
    *of_users, vectors, features = inputs
    with torch.no_grad():
        user, *parts = UserPart(net)(*of_users)
        items = ItemPart(net)(vectors)
        texts = vectors[..., net.schema.item_dim // 2 :]
        scores = CandidatePart(net)(*parts, texts, features, *items)
        torch.testing.assert_close(user, net.finding()(*of_users), atol=1e-5, rtol=1e-5)
        for found, expected in zip(scores, net.scoring()(*inputs), strict=True):
            torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)
    assert len(parts) == len(USER_PART) - 1
    assert len(items) == len(item_part_names(net)) == (3 if fusion == "attention" else 2)
