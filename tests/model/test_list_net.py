"""The net of lists: places by themselves, lists of several lengths."""

from __future__ import annotations

import torch

from model.list_net import ABSENT, ListNet, padded
from model.plan import ListPlan

PLAN = ListPlan(hidden=(8, 4))


def test_a_place_that_is_not_there_changes_nothing() -> None:
    torch.manual_seed(0)
    net = ListNet(PLAN, 3).eval()
    one, other = torch.randn(4, 3), torch.randn(2, 3)
    features, present = padded([one, other])
    assert features.shape == (2, 4, 3)
    assert present.tolist() == [[True] * 4, [True, True, False, False]]
    logits = net(features, present)
    alone = net(other[None], torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(logits[1, :2], alone[0])
    assert logits[1, 2:].tolist() == [ABSENT, ABSENT]


def test_the_order_of_places_is_no_feature() -> None:
    torch.manual_seed(0)
    net = ListNet(PLAN, 3).eval()
    places, present = torch.randn(5, 3), torch.ones(1, 5, dtype=torch.bool)
    torch.testing.assert_close(net(places.flip(0)[None], present)[0], net(places[None], present)[0].flip(0))
