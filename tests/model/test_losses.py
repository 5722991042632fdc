"""The losses against their definitions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model.losses import (
    TASK_LOSSES,
    binary_loss,
    diversity_loss,
    fairness_loss,
    listwise_loss,
    retrieval_loss,
    softmax_loss,
    squared_loss,
)

NAN = math.nan


def test_softmax_is_minus_the_log_of_the_met_items_share() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0], [9.0, 0.0, 0.0]])
    shares = [math.exp(row[0]) / sum(map(math.exp, row)) for row in logits.tolist()]
    expected = -sum(map(math.log, shares[:2])) / 2
    assert float(softmax_loss(logits, torch.tensor([1.0, 1.0, NAN]))) == pytest.approx(expected, rel=1e-6)


def test_a_negative_is_minus_the_log_of_the_others_share() -> None:
    """So it is pushed down, and by less the lower it stands already."""
    logits = torch.tensor([[2.0, 1.0, 0.0]], requires_grad=True)
    share = math.exp(2.0) / sum(map(math.exp, (2.0, 1.0, 0.0)))
    loss = softmax_loss(logits, torch.tensor([0.0]))
    assert float(loss.detach()) == pytest.approx(-math.log(1 - share), rel=1e-5)
    torch.autograd.backward(loss)
    assert logits.grad is not None
    assert logits.grad[0, 0] > 0 > logits.grad[0, 1]


def test_binary_is_minus_the_log_of_what_is_said_of_the_met_item() -> None:
    logits = torch.tensor([[0.5, 9.0], [-2.0, 9.0], [3.0, 9.0]])
    yes = 1 / (1 + math.exp(-0.5))
    no = 1 - 1 / (1 + math.exp(2.0))
    expected = -(math.log(yes) + math.log(no)) / 2
    assert float(binary_loss(logits, torch.tensor([1.0, 0.0, NAN]))) == pytest.approx(expected, rel=1e-6)


def test_squared_is_the_mean_square_of_what_the_met_item_misses() -> None:
    predicted = torch.tensor([[1.0, 9.0], [2.0, 9.0], [3.0, 9.0]])
    assert float(squared_loss(predicted, torch.tensor([NAN, 4.0, 4.0]))) == pytest.approx((4 + 1) / 2)


@pytest.mark.parametrize("name", TASK_LOSSES)
def test_events_that_teach_nothing_move_nothing(name: str) -> None:
    scores = torch.tensor([[1.0, 2.0], [0.5, -1.0]], requires_grad=True)
    loss = TASK_LOSSES[name](scores, torch.tensor([NAN, 1.0]))
    torch.autograd.backward(loss)
    assert scores.grad is not None
    assert not scores.grad[0].any()
    assert scores.grad[1, 0] != 0.0

    none = TASK_LOSSES[name](scores, torch.tensor([NAN, NAN]))
    assert float(none.detach()) == 0.0
    torch.autograd.backward(none)
    assert scores.grad.isfinite().all()


def test_listwise_is_the_cross_entropy_of_the_shares_over_what_was_shown() -> None:
    logits = torch.tensor([[1.0, 0.0, -1e4], [2.0, 2.0, 2.0]])
    shares = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5]])
    by_hand = (math.log(1 + math.exp(-1)) + math.log(3)) / 2
    assert float(listwise_loss(logits, shares)) == pytest.approx(by_hand)
    assert float(listwise_loss(logits, shares)) == pytest.approx(
        float(functional.cross_entropy(logits, shares))
    )


def keys(*shape: int, seed: int) -> Tensor:
    """Random directions of length 1."""
    made = torch.randn(*shape, 6, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(made, dim=-1)


def test_retrieval_is_the_cross_entropy_over_the_met_own_and_drawn_items() -> None:
    user, met, own, drawn = keys(4, seed=1) * 5, keys(4, seed=2), keys(4, 3, seed=3), keys(7, seed=4)
    logits = torch.stack(
        [
            torch.stack(
                [user[b] @ met[b], *(user[b] @ each for each in own[b]), *(user[b] @ d for d in drawn)]
            )
            for b in range(4)
        ]
    )
    expected = functional.cross_entropy(logits, torch.zeros(4, dtype=torch.long))
    torch.testing.assert_close(retrieval_loss(user, met, own, drawn), expected)


def test_a_drawn_item_that_is_the_met_one_is_no_negative() -> None:
    user, met, own, drawn = keys(2, seed=1) * 5, keys(2, seed=2), keys(2, 3, seed=3), keys(7, seed=4)
    plain = retrieval_loss(user[:1], met[:1], own[:1], drawn)
    again = retrieval_loss(user[:1], met[:1], own[:1], torch.cat([drawn, met[:1]]))
    torch.testing.assert_close(again, plain)
    other = retrieval_loss(user[:1], met[:1], own[:1], torch.cat([drawn, met[1:]]))
    assert other > plain + 1e-6


def test_an_absent_candidate_is_no_negative() -> None:
    """Its key is zero."""
    user, met, own, drawn = keys(2, seed=1) * 5, keys(2, seed=2), keys(2, 3, seed=3), keys(7, seed=4)
    padded = torch.cat([own, torch.zeros(2, 2, 6)], 1)
    torch.testing.assert_close(
        retrieval_loss(user, met, padded, drawn), retrieval_loss(user, met, own, drawn)
    )


def test_diversity_is_the_expected_cosine_of_two_different_candidates() -> None:
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    text = keys(3, 5, seed=2)
    expected = []
    for b in range(3):
        shares = logits[b].softmax(0).tolist()
        cosine, chance = 0.0, 0.0
        for i in range(5):
            for j in range(5):
                if i != j:
                    cosine += shares[i] * shares[j] * float(text[b, i] @ text[b, j])
                    chance += shares[i] * shares[j]
        expected.append(cosine / chance)
    assert float(diversity_loss(logits, text)) == pytest.approx(sum(expected) / 3, rel=1e-4)


def test_candidates_that_are_alike_are_as_little_diverse_as_can_be() -> None:
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    alike = keys(2, 1, seed=2).expand(2, 4, 6)
    assert float(diversity_loss(logits, alike)) == pytest.approx(1.0, abs=1e-4)
    apart = torch.eye(6)[:4].expand(2, 4, 6)
    assert float(diversity_loss(logits, apart)) == pytest.approx(0.0, abs=1e-5)


def test_fairness_is_the_squared_gap_of_exposure_and_share_by_hand() -> None:
    # The tail items are shown with shares 1/4 and 2/4; 2 of the 5 candidates are of the tail.
    logits = torch.tensor([[0.0, math.log(3.0), -1e4], [0.0, math.log(2.0), 0.0]])
    tail = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    present = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    exposure = (1 / 4 + 2 / 4) / 2
    assert float(fairness_loss(logits, tail, present)) == pytest.approx((exposure - 2 / 5) ** 2, rel=1e-5)
    even = torch.zeros(2, 2)
    half = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert float(fairness_loss(even, half, torch.ones(2, 2))) == pytest.approx(0.0, abs=1e-12)
