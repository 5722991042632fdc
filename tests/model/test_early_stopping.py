"""The loop stops when held-out loss stops falling, and puts the best weights back."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from model.early_stopping import Round, Schedule, fit
from model.errors import DataError

pytestmark = pytest.mark.usefixtures("one_thread")


class Point(nn.Module):
    """One number to be moved; a second that must stay."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.tensor(0.0))
        self.fixed = nn.Parameter(torch.tensor(5.0), requires_grad=False)


def distance(point: Point, target: float) -> Tensor:
    return (point.at - target).square()


def run(held_out: float, schedule: Schedule) -> tuple[Point, list[float], list[Round]]:
    point, seen = Point(), list[Round]()
    losses = fit(
        point, lambda target: distance(point, target), lambda _: [1.0] * 10, [held_out], schedule, seen.append
    )
    return point, losses, seen


def test_learns_while_it_helps_and_reports_each_step() -> None:
    schedule = Schedule(rounds=4, patience=1, learning_rate=0.02, weight_decay=0.0)
    point, losses, seen = run(held_out=1.0, schedule=schedule)
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    assert [each.step for each in seen if math.isnan(each.held_out)] == [*range(1, 11)] * 4
    assert [each.held_out for each in seen if not math.isnan(each.held_out)] == losses[1:]
    assert point.fixed.item() == 5.0


@pytest.mark.parametrize("patience", [1, 3])
def test_stops_after_patience_and_returns_to_the_best(patience: int) -> None:
    """Training pulls to 1, the held-out loss is least at 0.3: it is passed on the way."""
    schedule = Schedule(rounds=30, patience=patience, learning_rate=0.02, weight_decay=0.0)
    point, losses, _ = run(held_out=0.3, schedule=schedule)
    best = losses.index(min(losses))
    assert best > 0
    assert len(losses) == best + 1 + patience
    assert float(distance(point, 0.3).detach()) == pytest.approx(min(losses), abs=1e-6)
    assert not point.training


def test_weights_that_only_get_worse_stay_as_they_came() -> None:
    point, losses, _ = run(held_out=-1.0, schedule=Schedule(rounds=9, patience=2, learning_rate=0.05))
    assert len(losses) == 3
    assert point.at.item() == 0.0


def test_needs_something_held_out() -> None:
    with pytest.raises(DataError, match="held-out batches"):
        fit(Point(), lambda _: torch.tensor(0.0), lambda _: [1.0], [], Schedule())
