"""Attributions add up to what they share out, and are exact where the network is linear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from export.random_inputs import random_inputs
from model.attribution import VIEWS, attention, attribute
from model.network import FusionNet
from model.plan import NetworkPlan
from model.schema import EncoderKind, FusionKind, Schema

SCHEMA = Schema(
    candidate_features=("hint", "noise", "count"),
    user_features=("gap", "interactions"),
    history_features=("liking", "gap"),
    history=7,
    text_dim=12,
    item_dim=16,
)
CHOSEN = np.array([2, 0, 4, 1])


def net_of(fusion: FusionKind = "attention", encoder: EncoderKind = "none") -> FusionNet:
    torch.manual_seed(3)
    plan = NetworkPlan(fusion=fusion, encoder=encoder, width=8, hidden=(16, 8))
    return FusionNet(plan, SCHEMA, 30).eval()


def inputs_of() -> list[Tensor]:
    """Four users with histories of 0, 2, 5 and 7 items, five candidates each."""
    inputs = [torch.from_numpy(each) for each in random_inputs(SCHEMA, 4, 5)]
    inputs[3] = (torch.arange(7) < torch.tensor([[0], [2], [5], [7]])).float()
    inputs[2] = inputs[2] * inputs[3].long()
    return inputs


def score(
    net: FusionNet, inputs: Sequence[Tensor], task: int
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    with torch.no_grad():
        found = torch.stack(net.scoring()(*inputs), -1)[torch.arange(4), torch.from_numpy(CHOSEN), task]
    return found.numpy()


@pytest.mark.parametrize("encoder", ["none", "sasrec", "ligr"])
@pytest.mark.parametrize("fusion", ["weighted", "concat", "attention"])
def test_the_parts_add_up(fusion: FusionKind, encoder: EncoderKind) -> None:
    net, inputs = net_of(fusion, encoder), inputs_of()
    found = attribute(net, inputs, CHOSEN, task=0, steps=256)
    assert found.score == pytest.approx(score(net, inputs, 0), abs=1e-5)
    parts = np.abs(np.concatenate([found.history, found.features, found.views], 1)).sum(1)
    assert (np.abs(found.gap) < 0.02 * parts).all()
    assert (parts > 0.01).all()
    assert found.views.shape == (4, len(VIEWS))
    assert (found.history[inputs[3].numpy() == 0] == 0).all()
    assert (found.history[inputs[3].numpy() == 1] != 0).all()


def test_more_steps_leave_a_smaller_gap() -> None:
    net, inputs = net_of(), inputs_of()
    gaps = [np.abs(attribute(net, inputs, CHOSEN, steps=steps).gap).sum() for steps in (4, 256)]
    assert gaps[1] < 0.2 * gaps[0]


def test_a_linear_score_is_shared_out_exactly() -> None:
    """With heads of zero the score is the linear part alone: weight * (x - mean) * scale, in any steps."""
    net, inputs = net_of(), inputs_of()
    scale = net.rescorer.candidate_scale
    with torch.no_grad():
        net.rescorer.heads.weight.zero_()
        net.rescorer.skip.weight.normal_()
        scale.mean.copy_(torch.tensor([0.1, -0.2, 0.3]))
        scale.scale.copy_(torch.tensor([0.5, 2.0, 1.0]))
    found = attribute(net, inputs, CHOSEN, task=0, steps=2)
    features = inputs[-1][torch.arange(4), torch.from_numpy(CHOSEN)]
    expected = net.rescorer.skip.weight[0, :3] * (features - scale.mean) * scale.scale
    assert found.features == pytest.approx(expected.detach().numpy(), abs=1e-5)
    assert np.abs(found.history).max() == 0
    users = net.rescorer.skip.weight[0, 3:5] * inputs[4]  # their scales are still 0 and 1
    assert found.views[:, VIEWS.index("user")] == pytest.approx(users.sum(1).detach().numpy(), abs=1e-5)


def test_attention_is_what_the_network_mixes_with() -> None:
    net, inputs = net_of(), inputs_of()
    weights = attention(net, inputs, CHOSEN)
    assert weights.shape == (4, 2, 7)
    assert weights.sum(-1) == pytest.approx(np.repeat([[0.0], [1.0], [1.0], [1.0]], 2, axis=1), abs=1e-5)
    layer = net.rescorer.attention
    with torch.no_grad():
        seen = net.view(*inputs[:9])
        mixed = layer(inputs[9], seen.states, seen.mask)
        query, key, value = (
            each(of).unflatten(-1, (2, -1)).transpose(1, 2)
            for each, of in ((layer.query, inputs[9]), (layer.key, seen.states), (layer.value, seen.states))
        )
        second = scaled_dot_product_attention(query, key, value, attn_mask=seen.mask[:, None, None, :].bool())
    assert mixed[1:] == pytest.approx(second.transpose(1, 2).flatten(-2)[1:].numpy(), abs=1e-5)
    by_hand = torch.from_numpy(weights[1:])[:, :, None] @ value[1:]
    chosen = mixed[torch.arange(4), torch.from_numpy(CHOSEN)][1:]
    assert by_hand[:, :, 0].flatten(-2) == pytest.approx(chosen.numpy(), abs=1e-5)
