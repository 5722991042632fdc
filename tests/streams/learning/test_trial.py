"""A draft of two orders favours neither, wherever users look."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.learning.trial import ADAPTED, FROZEN, NEITHER, drafted, is_drawn, lead

orders = st.integers(1, 12).flatmap(
    lambda n: st.tuples(st.permutations(range(n)), st.permutations(range(n)), st.integers(1, n))
)


def draft_of(frozen: list[int], adapted: list[int], places: int, seed: int) -> tuple[list[int], list[int]]:
    items, teams = drafted(np.array(frozen, np.intp), np.array(adapted, np.intp), places, seed)
    return items.tolist(), teams.tolist()


def plain_draft(frozen: list[int], adapted: list[int], places: int, seed: int) -> tuple[list[int], list[int]]:
    """The same in plain Python, which kept slates were drafted by before."""
    taken: dict[int, int] = {}
    for coin in (np.random.default_rng(seed).random(places) < 0.5).tolist():
        best = [next(item for item in order if item not in taken) for order in (frozen, adapted)]
        pair = [(best[0], FROZEN), (best[1], ADAPTED)][:: 1 if coin else -1]
        for item, team in [(best[0], NEITHER)] if best[0] == best[1] else pair:
            if len(taken) < places:
                taken[item] = team
        if len(taken) == places:
            break
    return list(taken), list(taken.values())


@given(orders, st.integers(0, 2**48))
def test_it_is_the_draft_in_plain_python(made: tuple[list[int], list[int], int], seed: int) -> None:
    assert draft_of(*made, seed) == plain_draft(*made, seed)


@given(orders, st.integers(0, 2**48))
def test_each_place_is_the_best_that_its_order_has_left(
    made: tuple[list[int], list[int], int], seed: int
) -> None:
    frozen, adapted, places = made
    items, teams = draft_of(frozen, adapted, places, seed)
    assert len(items) == len(set(items)) == places
    for at, (item, team) in enumerate(zip(items, teams, strict=True)):
        left = [[each for each in order if each not in items[:at]] for order in (frozen, adapted)]
        best = {FROZEN: left[0][0], ADAPTED: left[1][0], NEITHER: left[0][0]}
        assert item == best[team]
        if team == NEITHER:
            assert left[0][0] == left[1][0]
    assert draft_of(frozen, adapted, places, seed) == (items, teams)


@given(orders, st.integers(0, 2**48))
def test_the_same_order_twice_is_that_order_and_says_nothing(
    made: tuple[list[int], list[int], int], seed: int
) -> None:
    items, teams = draft_of(made[0], made[0], made[2], seed)
    assert items == made[0][: made[2]]
    assert not any(teams)


@pytest.mark.parametrize("eta", [0.0, 0.7, 2.0])
def test_neither_order_leads_where_all_items_are_liked_alike(eta: float) -> None:
    """Under any curve of looks: exact over the coins, which 4,000 seeds stand for."""
    frozen, adapted = list(range(8)), [4, 1, 6, 0, 7, 2, 5, 3]
    looks = np.arange(1.0, 9.0) ** -eta
    looks /= looks.sum()
    voices = np.array([0.0, -1.0, 1.0])
    leads = [looks @ voices[draft_of(frozen, adapted, 8, seed)[1]] for seed in range(4_000)]
    assert abs(np.mean(leads)) <= 4 * np.std(leads) / np.sqrt(len(leads))
    assert np.std(leads) > 0.0 or not eta, "each order has half of the places"


def test_the_order_that_brings_what_is_liked_leads() -> None:
    frozen, adapted = list(range(20)), [15, *range(15), *range(16, 20)]
    said = []
    for seed in range(200):
        items, teams = draft_of(frozen, adapted, 10, seed)
        place = items.index(15)
        said.append(lead(bytes(teams), [(place, 1, 1.0)]))
    assert set(said) == {1.0}


def test_a_share_of_requests_takes_part_and_always_the_same() -> None:
    names = [f"1|e{k}|u" for k in range(5_000)]
    few = {name for name in names if is_drawn(name, 0.1)}
    many = {name for name in names if is_drawn(name, 0.5)}
    assert few < many
    assert 400 < len(few) < 600
    assert not any(is_drawn(name, 0.0) for name in names)


def test_several_choices_of_a_slate_say_one_thing_together() -> None:
    trial = bytes([ADAPTED, FROZEN, NEITHER, ADAPTED])
    assert lead(trial, [(0, 1, 1.0), (1, 1, 1.0)]) == 0.0
    assert lead(trial, [(0, 1, 2.0), (2, 1, 1.0)]) == 0.5
    assert lead(trial, [(0, -1, 0.5)]) == -0.5
    assert np.isnan(lead(trial, []))
    assert np.isnan(lead(b"", [(0, 1, 1.0)]))
