"""Drafts of orders of any length, against all tosses of all coins."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.experiments.interleaving.team_draft import CONTROL, NEITHER, OTHER, drafted, propensities


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    items = list(range(7))
    first, second = draw(st.permutations(items)), draw(st.permutations(items))
    return first[: draw(st.integers(0, 6))], second[: draw(st.integers(0, 6))]


def tossed(first: list[int], second: list[int], coins: tuple[bool, ...]) -> list[int]:
    """The places that both captains fill, for these coins: algorithm 2 of the paper, word by word."""
    slate: list[int] = []
    for coin in coins:
        for order in (first, second) if coin else (second, first):
            if len(slate) < min(len(first), len(second)):
                slate.append(next(item for item in order if item not in slate))
    return slate


@given(orders())
def test_propensities_are_those_of_all_tosses(pair: tuple[list[int], list[int]]) -> None:
    first, second = pair
    rounds = (min(len(first), len(second)) + 1) // 2
    chance: dict[tuple[int, ...], float] = defaultdict(float)
    for coins in product((True, False), repeat=rounds):
        made = tossed(first, second, coins)
        for k in range(len(made) + 1):
            chance[tuple(made[:k])] += 0.5**rounds
    for slate in {tuple(tossed(first, second, coins)) for coins in product((True, False), repeat=rounds)}:
        expected = [chance[slate[: k + 1]] / chance[slate[:k]] for k in range(len(slate))]
        assert propensities(first, second, slate) == pytest.approx(expected)


@given(orders(), st.integers(0, 2**96))
def test_a_draft_is_one_of_the_tosses_and_then_the_rest(pair: tuple[list[int], list[int]], seed: int) -> None:
    first, second = pair
    draft, both = drafted(first, second, seed), min(map(len, pair))
    items = [pair[side][at] for side, at in zip(draft.sides, draft.places, strict=True)]
    assert len({*items}) == len(items) == max(map(len, pair))
    rounds = (both + 1) // 2
    assert items[:both] in [tossed(first, second, coins) for coins in product((True, False), repeat=rounds)]
    assert draft.teams[:both] == draft.sides[:both]
    assert {*draft.teams[both:]} <= {NEITHER}
    assert draft.propensities[both:] == (1.0,) * (len(items) - both)
    assert math.prod(draft.propensities) == pytest.approx(
        math.prod(propensities(first, second, items[:both]))
    )
    for begin in range(0, both - 1, 2):
        assert {*draft.teams[begin : begin + 2]} == {CONTROL, OTHER}
    assert draft == drafted(first, second, seed)


def test_each_captain_is_first_in_half_of_the_rounds() -> None:
    order = list(range(20))
    first = np.array([drafted(order, order, seed).teams[::2] for seed in range(400)]) == CONTROL
    assert abs(first.mean() - 0.5) < 4.5 * 0.5 / np.sqrt(first.size)
