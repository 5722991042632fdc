"""Pruning: dead units go without a trace, and what goes first is what matters least."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from export.to_onnx import export_in_parts
from model.batches import batches
from model.errors import ModelError
from model.network import FusionNet
from model.objective import Objective
from model.plan import NetworkPlan, TrainPlan
from model.prune import Units, importance, prune
from model.ranking import scores_of
from model.schema import FusionKind
from tests.model.examples_of import SCHEMA, TASKS, VOCABULARY, planted

FUSIONS: tuple[FusionKind, ...] = ("weighted", "concat", "attention")
WIDTH, HIDDEN = 8, (12, 10)
SMALLER, THINNER = 4, (7, 6)
PLAN = TrainPlan(batch=64, negatives=16)
ALIVE = Units(
    torch.tensor([0, 3, 5, 6]), torch.tensor([1, 2, 4, 7]), torch.tensor([0, 1, 5, 6]),
    torch.tensor([0, 2, 3, 5, 8, 9, 11]), torch.tensor([1, 2, 4, 5, 7, 9]),
)  # fmt: skip
"""The units that are not zero; of the first three two a head."""


def half_dead(fusion: FusionKind) -> FusionNet:
    """A network in which every unit but `ALIVE` is zero for every input."""
    torch.manual_seed(3)
    plan = NetworkPlan(fusion=fusion, encoder="none", width=WIDTH, hidden=HIDDEN)
    net = FusionNet(plan, SCHEMA, VOCABULARY.size).eval()
    rescorer = net.rescorer
    mixing = {"attention": ["fusion.hidden"], "concat": ["fusion.mix"], "weighted": []}[fusion]
    outputs = {
        "compared": ["attention.query", "attention.key"],
        "views": ["attention.value", "user_view", "item_view", "language_view"],
        "mixed": mixing,
        "first": ["from_views", "from_features"],
        "second": ["body.2"],
    }
    with torch.no_grad():
        torch.nn.init.normal_(rescorer.skip.weight, std=0.3)
        for kind, layers in outputs.items():
            for name in layers:
                layer = rescorer.get_submodule(name)
                assert isinstance(layer, torch.nn.Linear)
                dead = torch.ones(layer.out_features, dtype=torch.bool)
                dead[getattr(ALIVE, kind)] = False
                layer.weight[dead] = 0.0
                layer.bias[dead] = 0.0
    return net


@pytest.mark.parametrize("fusion", FUSIONS)
def test_removing_dead_units_changes_no_score(fusion: FusionKind) -> None:
    net, shard = half_dead(fusion), planted(80)
    important = importance(net, [shard], TASKS, PLAN, VOCABULARY)
    for kind, alive in ALIVE._asdict().items():
        assert set(torch.nonzero(getattr(important, kind)).flatten().tolist()) <= set(alive.tolist())
    smaller = prune(net, important, SMALLER, THINNER)
    np.testing.assert_allclose(
        scores_of(smaller, [shard], VOCABULARY), scores_of(net, [shard], VOCABULARY), atol=1e-5
    )
    assert smaller.schema == net.schema
    assert (smaller.plan.width, smaller.plan.hidden) == (SMALLER, THINNER)
    assert sum(each.numel() for each in smaller.rescorer.parameters()) < 0.7 * sum(
        each.numel() for each in net.rescorer.parameters()
    )


def test_importance_is_the_first_order_change_of_the_loss() -> None:
    """Of a body unit: against the loss with its output scaled down a little, by finite differences."""

    net, shard = half_dead("attention"), planted(60)
    plan = TrainPlan(batch=60, negatives=16)
    important = importance(net, [shard], TASKS, plan, VOCABULARY).second
    step = 1e-2

    def loss() -> float:
        batch = next(
            batches([shard], VOCABULARY.numbering(), 60, rng=np.random.default_rng(plan.seed), drawn=16)
        )
        with torch.no_grad():
            return float(Objective(TASKS, plan)(net, batch)[0])

    for unit in ALIVE.second[:3].tolist():
        kept = net.rescorer.heads.weight.detach().clone()
        losses = []
        for factor in (1 + step, 1 - step):
            with torch.no_grad():
                net.rescorer.heads.weight[:, unit] = kept[:, unit] * factor
            losses.append(loss())
        with torch.no_grad():
            net.rescorer.heads.weight.copy_(kept)
        slope = (losses[0] - losses[1]) / (2 * step)
        assert float(important[unit]) == pytest.approx(slope**2, rel=0.1, abs=1e-9)


def test_the_pruned_network_exports(tmp_path: Path) -> None:
    net = half_dead("attention")
    smaller = prune(net, importance(net, [planted(40)], TASKS, PLAN, VOCABULARY), SMALLER, THINNER)
    export_in_parts(smaller, tmp_path)  # compares with torch


@pytest.mark.parametrize(("width", "hidden"), [(16, HIDDEN), (SMALLER, (13, 6)), (3, THINNER)])
def test_what_is_no_smaller_network_is_refused(width: int, hidden: tuple[int, int]) -> None:
    net = half_dead("attention")
    with pytest.raises(ModelError, match=r"pruning to width .* expected at most 8 and \(12, 10\)"):
        prune(net, importance(net, [planted(20)], TASKS, PLAN, VOCABULARY), width, hidden)


def test_the_width_of_an_encoder_is_kept() -> None:
    net = FusionNet(NetworkPlan(encoder="sasrec", width=WIDTH, hidden=HIDDEN), SCHEMA, VOCABULARY.size).eval()
    shard = planted(20)
    important = importance(net, [shard], TASKS, PLAN, VOCABULARY)
    with pytest.raises(ModelError, match="'sasrec' keeps its width"):
        prune(net, important, SMALLER, THINNER)
    assert np.isfinite(scores_of(prune(net, important, WIDTH, THINNER), [shard], VOCABULARY)[:, 0]).all()
