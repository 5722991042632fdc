"""Distillation: the loss by hand, and a student that comes to agree with its teacher."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from model.distil import distil, distillation_loss
from model.plan import NetworkPlan, TrainPlan
from model.ranking import scores_of
from model.schema import F32
from model.train import train
from tests.model.examples_of import SCHEMA, TASKS, VOCABULARY, planted

PLAN = TrainPlan(epochs=8, batch=20, learning_rate=1e-2, retrieval=0.0, negatives=8)
TEACHER, STUDENT = NetworkPlan(width=16, hidden=(32, 16)), NetworkPlan(width=8, hidden=(12, 8), dropout=0.0)


def divergence(told: F32, found: F32) -> float:
    """Kullback-Leibler, the mean over examples; NaN where no candidate is."""
    wanted, said = (log_softmax(np.nan_to_num(each, nan=-1e4), axis=1) for each in (told, found))
    return float((np.exp(wanted) * (wanted - said)).sum(1).mean())


def test_loss_by_hand() -> None:
    rng = np.random.default_rng(0)
    told, scores = (rng.normal(size=(5, 4, 3)).astype(np.float32) for _ in range(2))
    present = np.ones((5, 4), np.bool_)
    present[2, 3] = False
    for each in (told, scores):
        each[2, 3] = 77.0  # must not count
    masked = [np.where(present, each[..., 0], np.nan) for each in (told, scores)]
    squared = ((told - scores)[..., 1][present] ** 2).mean()
    found = distillation_loss(
        torch.from_numpy(scores), torch.from_numpy(told), torch.from_numpy(present), SCHEMA.tasks
    )
    assert float(found) == pytest.approx(divergence(masked[0], masked[1]) + squared, rel=1e-5)


def test_student_comes_to_agree_with_its_teacher() -> None:
    shard, fresh = planted(300), planted(300, seed=1)
    teacher = train([shard], [], SCHEMA, TEACHER, PLAN, TASKS, VOCABULARY)
    before = {name: each.clone() for name, each in teacher.state_dict().items()}
    student = distil(teacher, STUDENT, [shard], [], PLAN, TASKS, VOCABULARY, weight=10.0)
    alone = train([shard], [], SCHEMA, STUDENT, PLAN, TASKS, VOCABULARY)
    assert student.schema == teacher.schema
    assert student.plan == STUDENT
    for examples, part in ((shard, 0.5), (fresh, 0.7)):
        told, taught, untaught = (
            scores_of(net, [examples], VOCABULARY)[..., 0] for net in (teacher, student, alone)
        )
        assert divergence(told, taught) < part * divergence(told, untaught)
    assert all(torch.equal(each, before[name]) for name, each in teacher.state_dict().items())
