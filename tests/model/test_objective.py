"""The loss of a batch: which terms it has, and what they move."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from model.batches import Batch, batches, forward
from model.losses import (
    binary_loss,
    diversity_loss,
    fairness_loss,
    retrieval_loss,
    softmax_loss,
    squared_loss,
)
from model.network import FusionNet
from model.objective import Objective
from model.plan import NetworkPlan, TrainPlan
from model.tasks import disliked, labels
from tests.model.examples_of import ITEMS, SCHEMA, TASKS, VOCABULARY, planted

PLAN = TrainPlan(retrieval=0.0)


def net() -> FusionNet:
    torch.manual_seed(0)
    return FusionNet(NetworkPlan(width=8, hidden=(16, 8)), SCHEMA, ITEMS).eval()


def batch(drawn: int = 0) -> Batch:
    rng = np.random.default_rng(0)
    (found,) = batches([planted(24, seed=1)], VOCABULARY.numbering(), 24, rng=rng, drawn=drawn)
    return found


def plan(**changes: object) -> TrainPlan:
    return msgspec.structs.replace(PLAN, **changes)


def test_the_tasks_are_summed_with_their_weights() -> None:
    fusion, given = net(), batch()
    loss, terms = Objective(TASKS, PLAN)(fusion, given)
    scores = fusion.scoring()(*forward(fusion, given).inputs)
    said = [torch.from_numpy(labels(task, given.action, given.rating)) for task in TASKS.values()]
    click = softmax_loss(scores[0].masked_fill(~given.present, -1e4), said[0])
    rating, like = squared_loss(scores[1], said[1]), binary_loss(scores[2], said[2])
    torch.testing.assert_close(loss, click + 0.2 * rating + 0.1 * like)
    assert terms == {
        "click": pytest.approx(click.item()),
        "rating": pytest.approx(rating.item()),
        "like": pytest.approx(like.item()),
    }


def test_what_stands_where_no_candidate_is_moves_nothing() -> None:
    fusion, given = net(), batch(drawn=16)
    assert not given.present.all()
    features = given.candidate_features.masked_fill(~given.present[..., None], 4.0)
    for changed in (plan(retrieval=0.5), plan(diversity=1.0), plan(fairness=1.0)):
        objective = Objective(TASKS, changed)
        plain, _ = objective(fusion, given)
        other, _ = objective(fusion, given._replace(candidate_features=features))
        torch.testing.assert_close(other, plain)


def test_further_terms_come_with_their_weights() -> None:
    fusion, given = net(), batch(drawn=16)
    plain, terms = Objective(TASKS, PLAN)(fusion, given)
    assert set(terms) == set(TASKS)
    inputs, keys, drawn = forward(fusion, given)
    click = fusion.scoring()(*inputs)[0].masked_fill(~given.present, -1e4)
    user = fusion.finding()(*inputs[:9])
    good = torch.from_numpy(np.where(disliked(TASKS["click"], given.action, given.rating), np.nan, 1.0))
    retrieval = retrieval_loss(user, keys[:, 0], keys[:, 1:], drawn, good.float())
    text = torch.cat([given.text, torch.zeros(1, given.text.shape[1])])[given.candidates]
    present = given.present.float()
    tail = (given.candidate_features[..., 2] < 0) * present  # not scaled: mean 0, deviation 1
    expected = {
        "retrieval": retrieval,
        "diversity": diversity_loss(click, text),
        "fairness": fairness_loss(click, tail, present),
    }
    for name, term in expected.items():
        loss, terms = Objective(TASKS, plan(**{name: 0.3}))(fusion, given)
        torch.testing.assert_close(loss, plain + 0.3 * term)
        assert set(terms) == {*TASKS, name}
        assert terms[name] == pytest.approx(float(term.detach()), rel=1e-5)


def gradients(weighting: str, weight: float = 1.0) -> torch.Tensor | None:
    tasks = TASKS | {"like": msgspec.structs.replace(TASKS["like"], weight=weight)}
    objective = Objective(tasks, plan(weighting=weighting))
    loss, _ = objective(net(), batch())
    loss.backward()
    return objective.log_variance.grad


def test_learned_uncertainty_weighs_the_tasks_and_fixed_weights_stay() -> None:
    assert gradients("fixed") is None
    found = gradients("uncertainty")
    assert found is not None
    fusion, given = net(), batch()
    _, terms = Objective(TASKS, PLAN)(fusion, given)
    # d/ds of weight * (exp(-s) * loss + s), at s = 0
    weights = torch.tensor([TASKS["click"].weight, TASKS["rating"].weight, 1.0])
    torch.testing.assert_close(found, weights * (1.0 - torch.tensor([terms[name] for name in TASKS])))


def test_a_batch_that_teaches_a_task_nothing_says_nothing_of_its_uncertainty() -> None:
    objective = Objective(TASKS, plan(weighting="uncertainty"))
    given = batch()
    unrated = given._replace(rating=np.full_like(given.rating, np.nan))
    loss, _ = objective(net(), unrated)
    loss.backward()
    assert objective.log_variance.grad is not None
    assert objective.log_variance.grad[1] == 0.0
    assert objective.log_variance.grad[0] != 0.0


def test_learned_uncertainty_at_its_best_is_the_tasks_loss() -> None:
    """exp(-s) * loss + s is least where s is the logarithm of the loss."""
    objective, fusion, given = Objective(TASKS, plan(weighting="uncertainty")), net(), batch()
    _, terms = objective(fusion, given)
    with torch.no_grad():
        objective.log_variance.copy_(torch.tensor([terms[name] for name in TASKS]).log())
    loss, _ = objective(fusion, given)
    loss.backward()
    assert objective.log_variance.grad is not None
    torch.testing.assert_close(objective.log_variance.grad, torch.zeros(3), atol=1e-6, rtol=0)
