"""Readings of votes that change while users go on clicking: seldom wrong, and right where one is better."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.experiments.interleaving.reading import log_e
from streams.experiments.interleaving.votes import Votes, promised, read_votes, said

CLICKS, USERS, LOOK_EVERY = 1_200, 250, 20


def course(rng: np.random.Generator, tilt: float) -> list[Votes]:
    """Users come one by one, a fifth of them click ten times as often, and each has a taste of their own: the
    chance to click the new arm's item is Beta(2, 2) about one half, or moved by `tilt`.
    """
    weight = np.where(rng.random(USERS) < 0.2, 10.0, 1.0)
    taste = np.clip(rng.beta(2.0, 2.0, USERS) + tilt, 0.0, 1.0)
    ahead: NDArray[np.int64] = np.zeros(USERS, np.int64)
    points = []
    for click in range(1, CLICKS + 1):
        there = 1 + click * USERS // (CLICKS + USERS)
        user = int(np.searchsorted(np.cumsum(weight[:there]), rng.random() * weight[:there].sum()))
        ahead[user] += 1 if rng.random() < taste[user] else -1
        if click % LOOK_EVERY == 0:
            points.append(Votes(there, int((ahead > 0).sum()), int((ahead < 0).sum())))
    return points


def test_votes_that_change_alarm_as_seldom_as_promised() -> None:
    rng, runs = np.random.default_rng(5), 300
    limit = -math.log(0.05)
    alarms = sum(
        any(log_e(each.arm, each.control, 0.5) >= limit for each in course(rng, 0.0)) for _ in range(runs)
    )
    assert alarms / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)


def test_a_preference_is_found() -> None:
    rng = np.random.default_rng(6)
    found = [read_votes("new", "plain", course(rng, 0.25), 0.05).state for _ in range(20)]
    assert found.count("better") >= 16
    assert "worse" not in found


def test_once_decided_it_stays_decided() -> None:
    reading = read_votes("new", "plain", [Votes(30, 25, 3), Votes(60, 30, 28)], 0.05)
    assert (reading.state, reading.decided_at) == ("better", 30)
    assert reading.low < 0.5 < reading.high


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([Votes(3, 0, 0)], "nobody has voted"),
        ([Votes(9, 4, 3)], "not decided yet. new has 57.1% of the votes"),
        ([Votes(40, 30, 2)], "users prefer new to plain: new has 93.8%"),
        ([Votes(40, 2, 30)], "users prefer plain to new: new has 6.2%"),
    ],
)
def test_it_is_said_in_words(points: list[Votes], words: str) -> None:
    assert words in said(read_votes("new", "plain", points, 0.05))


def test_the_promise_says_what_it_stands_on() -> None:
    assert "at most 5%" in promised(0.05, None)
    assert "within 7 days" in promised(0.05, 7)
