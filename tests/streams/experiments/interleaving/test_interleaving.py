"""Slates of two orders: each favours neither order of itself, and tells them apart where users do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import RequestError
from streams.experiments.interleaving.interleaved import PLACES_MAX, Interleaved
from streams.experiments.interleaving.optimised import optimised, steps_of, unbiased_flow
from streams.experiments.interleaving.team_draft import team_draft

Make = Callable[[list[int], list[int], int, int], Interleaved]
BOTH = pytest.mark.parametrize("make", [team_draft, optimised])


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[int], list[int], int]:
    """Two orders over items of which they share some, and how many places."""
    places = draw(st.integers(1, PLACES_MAX))
    items = draw(st.integers(places, 2 * places))
    first = draw(st.permutations(range(items)))
    return first, draw(st.permutations(range(items))), places


@BOTH
@given(given_orders=orders(), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_each_beginning_is_of_beginnings_of_both(
    make: Make, given_orders: tuple[list[int], list[int], int], seed: int
) -> None:
    first, second, places = given_orders
    made = make(first, second, places, seed)
    assert len({*made.items}) == len(made.items) == len(made.credit) == places
    for k in range(1, places + 1):
        shown = {*made.items[:k]}
        ahead = [
            next((at for at, item in enumerate(order) if item not in shown), k) for order in (first, second)
        ]
        assert shown == {*first[: ahead[0]], *second[: ahead[1]]}
    assert made == make(first, second, places, seed)


@given(orders())
@settings(max_examples=60, deadline=None)
def test_the_mixture_has_no_bias_at_any_place(given_orders: tuple[list[int], list[int], int]) -> None:
    """Exactly, over the whole flow: for any two orders there is one, and it is a probability at each
    place.
    """
    first, second, places = given_orders
    steps = steps_of(first, second, places)
    flow = unbiased_flow(steps, places)
    assert flow is not None
    for place in range(places):
        here = steps.place == place
        assert flow[here].sum() == pytest.approx(1.0, abs=1e-6)
        assert flow[here] @ steps.credit[here] == pytest.approx(0.0, abs=1e-6)


@BOTH
def test_random_clicks_favour_neither_order(make: Make) -> None:
    """Whatever places users click, if they do not look at the items: the mean credit of each place is 0."""
    rng = np.random.default_rng(5)
    first, second = rng.permutation(14).tolist(), rng.permutation(14).tolist()
    credit = np.array([make(first, second, 8, seed).credit for seed in range(1_500)])
    error = credit.std(0) / np.sqrt(len(credit))
    assert (np.abs(credit.mean(0)) < 4.5 * error + 1e-9).all()


@BOTH
def test_the_order_with_the_better_items_wins(make: Make) -> None:
    """A user who clicks item 0 alone: the first order has it on top, the second one last."""
    outcomes = []
    for seed in range(200):
        made = make([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], 4, seed)
        outcomes.append(made.outcome([made.items.index(0)] if 0 in made.items else []))
    assert np.sign(outcomes).sum() > 50
    swapped = [make([4, 3, 2, 1, 0], [0, 1, 2, 3, 4], 4, seed) for seed in range(200)]
    found = [made.outcome([made.items.index(0)] if 0 in made.items else []) for made in swapped]
    assert np.sign(found).sum() < -50


def test_the_same_order_twice_tells_nothing_where_credit_is_by_rank() -> None:
    made = optimised([3, 1, 2], [3, 1, 2], 3, seed=1)
    assert made.items == (3, 1, 2)
    assert made.credit == (0.0, 0.0, 0.0)


def test_where_no_mixture_is_unbiased_it_is_a_team_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.experiments.interleaving.optimised.unbiased_flow", lambda *_: None)
    assert optimised([1, 2, 3], [3, 2, 1], 3, seed=4) == team_draft([1, 2, 3], [3, 2, 1], 3, seed=4)


@BOTH
@pytest.mark.parametrize(
    ("first", "second", "places", "why"),
    [
        ([1, 2], [1, 2], 3, "has 2 items for 3 places"),
        ([1, 1], [1, 2], 2, "names an item twice"),
        ([1], [1], 0, "expected 1 to 20"),
        (list(range(30)), list(range(30)), 21, "expected 1 to 20"),
    ],
)
def test_orders_that_cannot_be_interleaved(
    make: Make, first: list[int], second: list[int], places: int, why: str
) -> None:
    with pytest.raises(RequestError, match=why):
        make(first, second, places, 0)
