"""The net of lists on the way: what it learns from, and when."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.actions import code_of
from model.plan import ListPlan
from streams.learning.lesson import VERSION, Lesson, LessonAnswer
from streams.offline.replay.impressions.live_net import LiveNet
from streams.state.action_meaning import Meanings

PLAN = ListPlan(hidden=(8, 4), dropout=0.0, renew_every=20, learning_rate=1e-2)
VIEW, CLICK, DISLIKE = map(code_of, ("view", "click", "dislike"))
PLACES = 4
ROWS = np.arange(PLACES, dtype=np.int32)


def lesson(slate_id: str, *answers: tuple[int, int], places: int = PLACES) -> Lesson:
    """(place, action)."""
    told = tuple(LessonAnswer(place, action, math.nan, 0) for place, action in answers)
    rows = np.arange(places, dtype="<i4").tobytes()
    return Lesson(VERSION, "u", slate_id, "default", "", "", 0, rows, b"", b"", b"", told)


def a_list(rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return rng.normal(size=(PLACES, 2)).astype(np.float32)


def taught(net: LiveNet, count: int, seed: int = 1, sign: float = 1.0) -> None:
    """Lists of which the place with the highest first number is clicked."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        features = a_list(rng)
        net.take(f"{seed}-{number}", ROWS, features)
        net.hear(lesson(f"{seed}-{number}", (int(np.argmax(sign * features[:, 0])), CLICK)))


def test_it_begins_when_there_are_enough_lists_and_again_with_twice_as_many() -> None:
    net = LiveNet(PLAN, Meanings(), seed=1)
    features = a_list(np.random.default_rng(5))
    taught(net, 19)
    assert (net.fitted, net.scores(features).tolist()) == (0, [0.0] * PLACES)
    taught(net, 1, seed=2)
    assert (net.fitted, net.renewed) == (1, 0)
    assert net.scores(features).std() > 0
    taught(net, 20, seed=3)
    assert (net.fitted, net.renewed) == (2, 0)
    taught(net, 39, seed=4)
    assert (net.fitted, net.renewed) == (2, 1)


def test_it_ranks_by_what_was_chosen() -> None:
    net = LiveNet(PLAN, Meanings(), seed=1)
    taught(net, 320)
    rng = np.random.default_rng(9)
    lists = [a_list(rng) for _ in range(100)]
    assert np.mean([np.argmax(net.scores(each)) == np.argmax(each[:, 0]) for each in lists]) > 0.8


def test_what_stopped_stays_as_it_was() -> None:
    net = LiveNet(PLAN, Meanings(), seed=1)
    features = a_list(np.random.default_rng(5))
    taught(net, 50)
    net.begin()
    at_first = net.stopped(features)
    assert at_first.tolist() == net.scores(features).tolist()
    taught(net, 30, seed=2, sign=-1.0)
    assert net.stopped(features).tolist() == at_first.tolist()
    assert net.scores(features).tolist() != at_first.tolist()


def test_a_list_teaches_when_its_slate_is_closed_and_once() -> None:
    net = LiveNet(PLAN, Meanings(), seed=1)
    for number in range(40):
        net.take(str(number), ROWS, a_list(np.random.default_rng(number)))
    assert net.fitted == 0
    for _ in range(2):
        net.hear(lesson("0", (0, CLICK)))
    assert net.learned == 1


@pytest.mark.parametrize(
    ("answers", "teaches"),
    [((), 0), (((1, DISLIKE),), 0), (((0, VIEW),), 1), (((0, CLICK), (2, CLICK)), 1), (((9, CLICK),), 0)],
)
def test_only_a_good_answer_to_a_place_of_the_list_teaches(
    answers: tuple[tuple[int, int], ...], teaches: int
) -> None:
    net = LiveNet(PLAN, Meanings(), seed=1)
    net.take("s", ROWS, a_list(np.random.default_rng(1)))
    net.hear(lesson("s", *answers, places=12))
    assert net.learned == teaches


def test_a_list_of_one_place_has_no_choice() -> None:
    net = LiveNet(PLAN, Meanings(), seed=1)
    net.take("s", ROWS[:1], np.ones((1, 2), np.float32))
    net.hear(lesson("s", (0, CLICK), places=1))
    net.begin()
    assert (net.learned, net.fitted) == (0, 0)
    assert net.stopped(np.ones((1, 2), np.float32)).tolist() == [0.0]


def test_places_are_known_by_their_items_whatever_the_order_of_the_lesson() -> None:
    """The lesson has the rows 0 to 3; the list had them the other way round."""
    net = LiveNet(PLAN, Meanings(), seed=1)
    rng = np.random.default_rng(1)
    for number in range(320):
        features = a_list(rng)
        best = int(np.argmax(features[:, 0]))
        net.take(str(number), ROWS[::-1], features)
        net.hear(lesson(str(number), (PLACES - 1 - best, CLICK)))
    lists = [a_list(rng) for _ in range(100)]
    assert np.mean([np.argmax(net.scores(each)) == np.argmax(each[:, 0]) for each in lists]) > 0.8
