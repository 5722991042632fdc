from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.learning.experts.guard import SWITCHES_KEPT, Guard, _wealth, compare

ALPHA = 0.05


def run(guard: Guard, advantages: np.ndarray) -> int:
    """The first lesson at which a guard that was on switched off; 0 for none."""
    guard.follow(True)
    for n, each in enumerate(advantages.tolist(), 1):
        guard.bet([each], n)
        if not guard.on:
            return n
    return 0


@pytest.mark.parametrize("kind", ["coins", "small", "skewed"])
def test_where_nothing_is_worse_it_switches_at_most_as_often_as_it_says(kind: str) -> None:
    """Watched at each of 1,000 slates, in 600 streams; the bound has room for three standard errors."""
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(600):
        draws = {
            "coins": rng.choice([-1.0, 1.0], 1_000),
            "small": rng.uniform(-0.2, 0.2, 1_000),
            "skewed": np.where(rng.random(1_000) < 0.1, -0.9, 0.1),
        }[kind]
        alarms += run(Guard(ALPHA), draws) > 0
    assert alarms / 600 <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / 600) ** 0.5


def test_where_the_order_is_worse_it_switches_off() -> None:
    rng, guard = np.random.default_rng(2), Guard(ALPHA)
    at = run(guard, np.clip(rng.normal(-0.15, 0.3, 2_000), -1, 1))
    assert 0 < at < 400
    assert not guard.on


def test_what_was_better_for_long_is_given_up_when_it_turns_worse() -> None:
    rng, guard = np.random.default_rng(3), Guard(ALPHA)
    good, bad = rng.normal(0.15, 0.3, 20_000), rng.normal(-0.15, 0.3, 1_000)
    assert run(guard, np.clip(np.concatenate([good, bad]), -1, 1)) in range(20_001, 20_600)


def test_it_comes_back_when_the_adapted_order_is_better() -> None:
    rng, guard = np.random.default_rng(4), Guard(ALPHA)
    guard.follow(True)
    lesson = 0
    for mean in (-0.2, 0.2, -0.2):
        for each in np.clip(rng.normal(mean, 0.3, 1_500), -1, 1).tolist():
            lesson += 1
            guard.bet([each], lesson)
    off, on, again = guard.report().switches
    assert off < 1_500 < on < 3_000 < again
    assert not guard.on


def test_it_begins_off_and_lets_in_what_is_better() -> None:
    rng = np.random.default_rng(6)
    for mean, on in ((0.1, True), (0.0, False), (-0.1, False)):
        guard = Guard(ALPHA)
        assert not guard.on
        for n, each in enumerate(np.clip(rng.normal(mean, 0.3, 1_500), -1, 1).tolist(), 1):
            guard.bet([each], n)
        assert guard.on is on


def test_it_lets_in_what_is_better_under_each_curve_and_gives_up_what_is_worse_under_any() -> None:
    guard = Guard(ALPHA, curves=3)
    for n in range(400):
        guard.bet([0.3, 0.2, -0.1], n)
    assert not guard.on
    assert guard.evidence() < 0
    for n in range(400, 1_200):
        guard.bet([0.3, 0.2, 0.1], n)
    assert guard.report().on
    for n in range(1_200, 1_600):
        guard.bet([0.1, 0.0, -0.1], n)
    assert len(guard.report().switches) == 2


@pytest.mark.parametrize("truth", [0.0, 0.5, 1.0])
def test_under_whichever_curve_users_look_a_turned_slate_does_not_get_in(truth: float) -> None:
    """Users who like all items alike, and look at place r in proportion to r ** -truth: nothing is better.
    Ten streams of 2,000 slates each; a guard that believes in the steepest curve alone lets it in where they
    look at places further down more than it says.
    """
    n, rng = 10, np.random.default_rng(7)
    places = np.arange(1, n + 1)
    curves = -np.outer([0.5, 0.0, 1.0], np.log(places))
    down, up, known = -places.astype(np.float32), places.astype(np.float32), np.ones(n, np.bool_)
    chance, one, found = places**-truth / (places**-truth).sum(), np.ones(1), np.empty((n, 3))
    for at in range(n):
        compare(up, down, curves, known, np.array([at]), one, one, found[at])
    true = [0.5, 0.0, 1.0].index(truth)
    assert chance @ found[:, true] == pytest.approx(0.0, abs=1e-9)
    let_in = alone = 0
    for _ in range(10):
        guard, believer = Guard(ALPHA, 3), Guard(ALPHA)
        for lesson, at in enumerate(rng.choice(n, 2_000, p=chance)):
            guard.bet(found[at].tolist(), lesson)
            believer.bet([float(found[at, 2])], lesson)
        let_in += len(guard.report().switches) > 0
        alone += len(believer.report().switches) > 0
    assert let_in <= 2
    if truth < 1:
        assert alone == 10


@pytest.mark.parametrize("curves", [1, 3])
def test_trials_that_say_nothing_seldom_let_anything_in(curves: int) -> None:
    rng, let_in = np.random.default_rng(11), 0
    for _ in range(200):
        guard = Guard(ALPHA, curves, trials=True)
        for n, lead in enumerate(rng.choice([-1.0, 0.0, 1.0], 400).tolist()):
            guard.bet([0.0] * curves, n, lead)
        let_in += len(guard.report().switches) > 0
    assert let_in <= 200 * ALPHA + 3 * np.sqrt(200 * ALPHA)


def test_trials_let_in_what_curves_can_not_see_and_give_up_what_they_would_keep() -> None:
    rng, guard = np.random.default_rng(12), Guard(ALPHA, 3, trials=True)
    n = 0
    while not guard.report().on and n < 2_000:
        n += 1
        guard.bet([0.1, 0.0, -0.1], n, float(rng.choice([1.0, -1.0], p=[0.7, 0.3])))
    assert guard.report().on
    assert n < 300
    while guard.report().on and n < 4_000:
        n += 1
        guard.bet([0.1, 0.1, 0.1], n, float(rng.choice([1.0, -1.0], p=[0.3, 0.7])))
    assert not guard.report().on


@pytest.mark.parametrize("trials", [False, True])
@pytest.mark.parametrize("curves", [1, 3])
def test_the_evidence_that_is_told_is_what_decides(curves: int, trials: bool) -> None:
    """It is told by numpy, and decides in compiled code; on, off, and right after a switch."""
    rng, guard, states = np.random.default_rng(13), Guard(ALPHA, curves, trials), set[bool]()
    for n in range(1_500):
        mean = 0.2 if n < 700 else -0.2
        guard.bet(np.clip(rng.normal(mean, 0.3, curves), -1, 1).tolist(), n, float(np.sign(rng.normal(mean))))
        states.add(guard.on)
        assert guard.evidence() == pytest.approx(math.log(_wealth(guard.held, guard.state, curves)), abs=1e-9)
    assert states == {True, False}


def test_slates_that_try_nothing_are_no_bets_of_trials() -> None:
    guard = Guard(ALPHA, 1, trials=True)
    for n in range(50):
        guard.bet([0.0], n)
    assert guard.state[3] == 0.0
    assert guard.evidence() == pytest.approx(0.0, abs=1e-9)
    guard.bet([0.0], 51, 0.0)
    assert guard.state[3] == 1.0


def test_it_follows_another_until_it_has_switched_itself() -> None:
    guard = Guard(ALPHA)
    guard.bet([1.0], 1)
    guard.follow(True)
    assert (guard.on, guard.evidence()) == (True, Guard(ALPHA).evidence())
    for n in range(2, 60):
        guard.bet([-1.0 if guard.on else 0.0], n)
    assert not guard.on
    guard.follow(True)
    assert not guard.on


def test_switches_that_are_kept_are_the_latest() -> None:
    guard = Guard(0.4)
    guard.follow(True)
    lesson = 0
    for n in range(SWITCHES_KEPT + 5):
        while len(guard.report().switches) <= n < SWITCHES_KEPT or guard.state[2] <= n:
            lesson += 1
            guard.bet([-1.0 if guard.on else 1.0], lesson)
    switches = guard.report().switches
    assert len(switches) == SWITCHES_KEPT
    assert list(switches) == sorted(switches)


def test_without_alpha_there_is_no_guard() -> None:
    assert Guard(0.0).on
    assert run(Guard(0.0), np.full(1_000, -1.0)) == 0


def advantage(adapted: list[float], frozen: list[float], place: int, **more: object) -> float:
    n = len(adapted)
    curves = np.asarray(more.get("offsets", np.zeros(n)), np.float64)[None]
    known, out = np.asarray(more.get("known", np.ones(n, np.bool_))), np.empty(1)
    compare(
        np.array(adapted, np.float32), np.array(frozen, np.float32), curves, known,
        np.array([place]), np.array([more.get("sign", 1.0)]), np.array([1.0]), out,
    )  # fmt: skip
    return float(out[0])


def test_an_advantage_is_a_better_place_of_what_was_chosen() -> None:
    up, down = [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]
    assert advantage(up, down, 2) == pytest.approx(1 - 0.5)
    assert advantage(down, up, 2) == pytest.approx(0.5 - 1)
    assert advantage(up, up, 2) == 0
    assert advantage(up, down, 2, sign=-1.0) == pytest.approx(-0.5)
    assert advantage([1.0, 1.0], [2.0, 1.0], 0) == pytest.approx(1 / np.log2(2.5) - 1)  # equal scores share


def test_the_order_that_is_shown_has_no_advantage_by_its_places() -> None:
    """Users look at the first places and like all items alike: what is on top is not better."""
    rng, n = np.random.default_rng(5), 10
    offsets = -np.log(np.arange(1, n + 1))
    chance = np.exp(offsets) / np.exp(offsets).sum()
    shown, other = list(-np.arange(n, dtype=float)), list(rng.normal(size=n))
    corrected = sum(p * advantage(shown, other, at, offsets=offsets) for at, p in enumerate(chance))
    as_it_is = sum(p * advantage(shown, other, at) for at, p in enumerate(chance))
    assert corrected == pytest.approx(0, abs=1e-9)
    assert as_it_is > 0.05


@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_an_advantage_is_within_one(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for sign in (1.0, -1.0):
        told = advantage(
            rng.normal(size=n).tolist(), rng.normal(size=n).tolist(), int(rng.integers(n)), sign=sign,
            offsets=-3 * rng.random(n),
        )  # fmt: skip
        assert -1 < told < 1
