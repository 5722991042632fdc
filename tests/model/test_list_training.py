"""Training on lists: what was passed over is the negative, and a drift is followed by going on."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from model.errors import DataError
from model.list_net import ListNet
from model.list_training import ListExample, fit_lists, go_on, list_scores
from model.plan import ListPlan

PLAN = ListPlan(hidden=(16, 8), dropout=0.0, epochs=20, batch=32, renewal_rate=3e-2)


def examples(count: int, seed: int, sign: float = 1.0) -> list[ListExample]:
    """What is chosen has the highest number where the list's sign is positive, else the lowest: no sum of
    features says which. The third feature never varies.
    """
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        numbers = rng.normal(size=int(rng.integers(2, 9)))
        side = rng.choice([-1.0, 1.0])
        features = np.stack([numbers, np.full(len(numbers), side), np.ones(len(numbers))], axis=1)
        shares = np.zeros(len(numbers), np.float32)
        shares[np.argmax(numbers * side * sign)] = 1.0
        found.append(ListExample(features.astype(np.float32), shares))
    return found


def hits(net: ListNet, lists: list[ListExample]) -> float:
    """The share of lists whose choice comes first."""
    return float(np.mean([each.shares[np.argmax(list_scores(net, each.features))] for each in lists]))


def test_what_depends_on_the_list_is_learned() -> None:
    net = fit_lists(examples(600, 1), PLAN, seed=3)
    assert hits(net, examples(200, 2)) > 0.9


def test_it_goes_on_after_a_drift_and_the_former_net_stays() -> None:
    net = fit_lists(examples(600, 1), PLAN, seed=3)
    before = hits(net, examples(200, 2))
    later = net
    for seed in range(10):
        later = go_on(later, examples(250, 10 + seed, sign=-1.0), PLAN, seed)
    assert hits(net, examples(200, 2)) == before
    assert hits(net, examples(200, 4, sign=-1.0)) < 0.3
    assert hits(later, examples(200, 4, sign=-1.0)) > 0.8


def test_the_same_seed_gives_the_same_weights_whatever_the_threads() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = fit_lists(examples(100, 1), PLAN, seed=3)
        torch.set_num_threads(2)
        two = fit_lists(examples(100, 1), PLAN, seed=3)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    for name, weights in one.state_dict().items():
        assert torch.equal(weights, two.state_dict()[name]), name
    other = fit_lists(examples(100, 1), PLAN, seed=4)
    assert not torch.equal(one.skip.weight, other.skip.weight)


def test_several_choices_share_the_loss() -> None:
    """The chances of a list with two choices, of nothing but the place, come to a half each."""
    features = np.eye(3, dtype=np.float32)
    lists = [ListExample(features, np.array([0.5, 0.5, 0.0], np.float32))] * 200
    plan = msgspec.structs.replace(PLAN, weight_decay=0.0, epochs=100)
    scores = list_scores(fit_lists(lists, plan, seed=1), features)
    chances = np.exp(scores) / np.exp(scores).sum()
    assert chances[:2] == pytest.approx([0.5, 0.5], abs=0.03)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="at least one list with a choice"):
        fit_lists([], PLAN, seed=1)
