"""The losses against their definitions."""

from __future__ import annotations

import math

import pytest
import torch

from model.losses import click_loss, rating_loss

NAN = math.nan


def test_the_click_loss_is_minus_the_log_of_the_met_items_share() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0]])
    shares = [math.exp(row[0]) / sum(map(math.exp, row)) for row in logits.tolist()]
    expected = -sum(map(math.log, shares)) / 2
    assert float(click_loss(logits)) == pytest.approx(expected, rel=1e-6)


def test_events_without_a_rating_teach_no_rating() -> None:
    predicted = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = rating_loss(predicted, torch.tensor([NAN, 4.0, NAN]))
    assert float(loss.detach()) == 4.0
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own annotation is missing
    assert predicted.grad is not None
    assert predicted.grad.tolist() == [0.0, -4.0, 0.0]


def test_no_rating_at_all_is_a_loss_of_zero_that_can_be_learned_from() -> None:
    predicted = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = rating_loss(predicted, torch.tensor([NAN, NAN]))
    assert float(loss.detach()) == 0.0
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own annotation is missing
    assert predicted.grad is not None
    assert predicted.grad.tolist() == [0.0, 0.0]
