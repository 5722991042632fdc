"""Structured pruning: the rescorer without its least important units, so that its matrices are smaller.

A unit is a hidden number of the body, a number of the views, or a number in the comparison of queries and
keys. Its importance is the squared change of a batch's loss that its removal makes, to first order: the sum
of weight x gradient over the unit's incoming weights (Molchanov et al., arXiv 1906.10771), summed over
batches. The removal of units that are zero for every input changes no score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from model.batches import batches
from model.determinism import deterministic
from model.errors import ModelError
from model.examples import Shard
from model.network import FusionNet
from model.objective import Objective
from model.plan import NetworkPlan, TrainPlan
from model.tasks import Task
from model.vocabulary import Vocabulary


class Units(NamedTuple):
    """A number for each unit of a rescorer (its importance), or the places of the units that stay.

    `compared`: of queries and keys, `views`: of views and attended values, both by heads; `mixed`: of the
    fusion's own layer; `first`, `second`: of the body.
    """

    compared: Tensor
    views: Tensor
    mixed: Tensor
    first: Tensor
    second: Tensor


def importance(
    net: FusionNet,
    shards: Sequence[Shard],
    tasks: Mapping[str, Task],
    plan: TrainPlan,
    vocabulary: Vocabulary,
) -> Units:
    """How much each unit matters for the loss of `shards`; the weights stay as they are."""
    objective, rescorer = Objective(tasks, plan), net.rescorer
    width, first, second = _widths(net.plan)
    total = [torch.zeros(size) for size in (width, width, width, first, second)]
    net.eval()
    rng = np.random.default_rng(plan.seed)
    with deterministic(plan.device):
        for batch in batches(shards, vocabulary.numbering(), plan.batch, rng=rng, drawn=plan.negatives):
            net.zero_grad()
            objective(net, batch)[0].backward()
            attention, mix = rescorer.attention, _mixing(net)
            found = (
                _change(attention.query) + _change(attention.key),
                _change(attention.value) + _change(rescorer.user_view) + _change(rescorer.item_view)
                + _change(rescorer.language_view),
                torch.zeros(width) if mix is None else _change(mix),
                _change(rescorer.from_views) + _change(rescorer.from_features),
                _change(rescorer.body[2]),
            )  # fmt: skip
            total = [so_far + change**2 for so_far, change in zip(total, found, strict=True)]
    net.zero_grad()
    return Units(*total)


def prune(net: FusionNet, important: Units, width: int, hidden: tuple[int, int]) -> FusionNet:
    """A network of the same schema, its rescorer of `width` and `hidden`: the most important units of `net`.

    Raises `ModelError` if that is not a smaller network of the same kind.
    """
    plan = net.plan
    if width % plan.heads or any(new > old for new, old in zip((width, *hidden), _widths(plan), strict=True)):
        raise ModelError(
            f"pruning to width {width} and hidden {hidden}: expected at most {plan.width} and {plan.hidden}, "
            f"and a width that the {plan.heads} heads divide"
        )
    if width < plan.width and plan.encoder != "none":
        raise ModelError(
            f"a network with the encoder {plan.encoder!r} keeps its width, which its layers share: prune "
            "`hidden` alone, or distil into a smaller network"
        )
    kept = Units(
        _best(important.compared, width, plan.heads),
        _best(important.views, width, plan.heads),
        _best(important.mixed, width, 1),
        _best(important.first, hidden[0], 1),
        _best(important.second, hidden[1], 1),
    )
    state = {name: each.clone() for name, each in net.state_dict().items()}
    for layer, (rows, columns) in _cuts(net, kept).items():
        weight, bias = f"rescorer.{layer}.weight", f"rescorer.{layer}.bias"
        if rows is not None:
            state[weight] = state[weight][rows]
            state[bias] = state[bias][rows]
        if columns is not None:
            state[weight] = state[weight][:, columns]
    # The attention divides logits by the root of a head's size, which is smaller now.
    state["rescorer.attention.query.weight"] *= (width / plan.width) ** 0.5
    state["rescorer.attention.query.bias"] *= (width / plan.width) ** 0.5
    smaller = FusionNet(msgspec.structs.replace(plan, width=width, hidden=hidden), net.schema, net.items)
    smaller.load_state_dict(state)
    return smaller.eval()


def _cuts(net: FusionNet, kept: Units) -> dict[str, tuple[Tensor | None, Tensor | None]]:
    """The outputs and inputs of each of the rescorer's layers that stay; None: all."""
    width, fusion = net.plan.width, net.plan.fusion
    of_user = torch.arange(width, net.rescorer.user_view.in_features)
    fused = kept.mixed if fusion == "concat" else kept.views
    cuts: dict[str, tuple[Tensor | None, Tensor | None]] = {
        "attention.query": (kept.compared, None),
        "attention.key": (kept.compared, None),
        "attention.value": (kept.views, None),
        "user_view": (kept.views, torch.cat([kept.views, of_user])),
        "item_view": (kept.views, None),
        "language_view": (kept.views, None),
        "from_views": (kept.first, torch.cat([fused, *(kept.views + k * width for k in (1, 2, 3))])),
        "from_features": (kept.first, None),
        "body.2": (kept.second, kept.first),
        "heads": (None, kept.second),
    }
    if fusion == "attention":
        cuts |= {"fusion.hidden": (kept.mixed, kept.views), "fusion.query": (None, kept.mixed)}
    if fusion == "concat":
        cuts["fusion.mix"] = (kept.mixed, torch.cat([kept.views + k * width for k in (0, 1, 2)]))
    return cuts


def _widths(plan: NetworkPlan) -> tuple[int, int, int]:
    return (plan.width, *plan.hidden)


def _mixing(net: FusionNet) -> nn.Module | None:
    """The fusion's own layer, if it has one."""
    layer = {"attention": "hidden", "concat": "mix"}.get(net.plan.fusion)
    return None if layer is None else net.rescorer.fusion.get_submodule(layer)


def _change(layer: nn.Module) -> Tensor:
    """By output: the sum of weight x gradient."""
    assert isinstance(layer, nn.Linear)
    assert layer.weight.grad is not None
    assert layer.bias.grad is not None
    return ((layer.weight * layer.weight.grad).sum(1) + layer.bias * layer.bias.grad).detach()


def _best(important: Tensor, count: int, heads: int) -> Tensor:
    """The places, in order, of the `count` highest numbers; of each head as many."""
    by_head = important.reshape(heads, -1)
    chosen = by_head.topk(count // heads, dim=1).indices.sort(dim=1).values
    return (chosen + torch.arange(heads)[:, None] * by_head.shape[1]).flatten()
