"""Partitions read in step: nothing is lost, each keeps its order, what happened first goes first, and none is
waited for beyond the bound.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from streams.worker.in_step import LOOK_EVERY_S, InStep, Place

TOPICS = ("clicks", "reviews", "impressions")
CLICKS, REVIEWS = Place("clicks", 0), Place("reviews", 0)
WAIT_S = 0.5

Kept = tuple[Place, int, int]
"""A record: its partition, its time, its place in it."""

places = st.builds(Place, st.sampled_from([*TOPICS, "items"]), st.integers(0, 2))
logs = st.dictionaries(places, st.lists(st.integers(0, 30), max_size=12), max_size=8)


class Played:
    """A reader of partitions whose fetches and whose clock a test plays."""

    def __init__(self, logs: dict[Place, list[int]]) -> None:
        self.now_s, self.logs = 100.0, logs
        self.at = dict.fromkeys(logs, 0)
        self.steps = InStep[Kept](TOPICS, WAIT_S, lambda: self.now_s)
        self.steps.assign(logs)
        self.taken: list[Kept] = []

    def fetch(self, place: Place, count: int = 1) -> None:
        for _ in range(min(count, len(self.logs[place]) - self.at[place])):
            at = self.at[place]
            self.at[place] = at + 1
            self.steps.put(place, self.logs[place][at], (place, self.logs[place][at], at))

    def more_to_come(self, place: Place) -> bool:
        return self.at[place] < len(self.logs[place])

    def take(self, most: int = 1_000) -> list[Kept]:
        found = self.steps.take(most, self.more_to_come)
        self.taken += found
        return found


def of(taken: Iterable[Kept], place: Place) -> list[int]:
    return [at for each, _, at in taken if each == place]


@given(logs, st.integers(0, 2**32), st.integers(1, 5))
def test_nothing_is_lost_or_comes_twice_and_each_partition_keeps_its_order(
    logs: dict[Place, list[int]], seed: int, most: int
) -> None:
    """Whatever is fetched when, and whatever is waited for in vain."""
    draw, played = random.Random(seed), Played(logs)
    while any(map(played.more_to_come, logs)) or len(played.steps):
        for place in logs:
            played.fetch(place, draw.randrange(4))
        assert len(played.take(most)) <= most
        played.now_s += draw.choice((0.0, WAIT_S))
        assert len(played.taken) + len(played.steps) == sum(played.at.values())
    for place, times in logs.items():
        assert of(played.taken, place) == list(range(len(times)))


@given(
    st.dictionaries(
        st.builds(Place, st.sampled_from(TOPICS), st.integers(0, 1)), st.lists(st.integers(0, 30))
    ),
    st.integers(0, 2**32),
)
def test_what_is_in_order_in_each_partition_comes_out_in_order(
    logs: dict[Place, list[int]], seed: int
) -> None:
    """For as long as what lags is waited for, however far apart the partitions are fetched."""
    draw, played = random.Random(seed), Played({place: sorted(times) for place, times in logs.items()})
    while any(map(played.more_to_come, logs)) or len(played.steps):
        for place in logs:
            played.fetch(place, draw.choice((0, 0, 1, 9)))
        played.take(draw.randrange(1, 9))
    for number in (0, 1):
        times = [time for place, time, _ in played.taken if place.number == number]
        assert times == sorted(times)


@given(logs)
def test_where_all_is_there_the_earliest_head_goes_first(logs: dict[Place, list[int]]) -> None:
    played = Played(logs)
    for place in logs:
        played.fetch(place, 99)
    played.take()
    for number in range(3):
        ours = [place for place in logs if place.number == number and place.topic in TOPICS]
        left = {place: list(enumerate(logs[place])) for place in ours if logs[place]}
        for place, time, at in (each for each in played.taken if each[0] in ours):
            assert time == min(queue[0][1] for queue in left.values() if queue)
            assert left[place].pop(0) == (at, time)


def test_records_of_one_time_go_as_they_came() -> None:
    played = Played({CLICKS: [1, 1], REVIEWS: [1, 1]})
    for place in (REVIEWS, CLICKS, CLICKS, REVIEWS):
        played.fetch(place)
    assert [(place, at) for place, _, at in played.take()] == [
        (REVIEWS, 0), (CLICKS, 0), (CLICKS, 1), (REVIEWS, 1),
    ]  # fmt: skip


def test_one_that_lags_is_waited_for_within_the_bound_and_once() -> None:
    played = Played({CLICKS: [5, 6, 7, 8], REVIEWS: [1, 2]})
    played.fetch(CLICKS, 2)
    assert played.take() == []
    assert played.steps.wait_s() == LOOK_EVERY_S
    played.now_s += WAIT_S - 0.004
    assert played.take() == []
    assert 0.0 < (played.steps.wait_s() or 0.0) < 0.005
    played.now_s += 0.005
    assert of(played.take(), CLICKS) == [0, 1]
    played.fetch(CLICKS)
    assert of(played.take(), CLICKS) == [2], "it was waited for already"
    played.fetch(REVIEWS)
    played.fetch(CLICKS)
    assert [time for _, time, _ in played.take()] == [1], "it has brought something, and there is more"
    played.fetch(REVIEWS)
    assert [time for _, time, _ in played.take()] == [2, 8]
    assert played.steps.wait_s() is None


def test_a_wait_that_ends_between_two_questions_is_noticed() -> None:
    played = Played({CLICKS: [5], REVIEWS: [1]})
    played.fetch(CLICKS)
    assert played.take() == []
    played.now_s += WAIT_S
    assert played.steps.wait_s() == 0.0


def test_one_that_has_brought_all_it_had_is_not_waited_for() -> None:
    played = Played({CLICKS: [5], REVIEWS: []})
    played.fetch(CLICKS)
    assert of(played.take(), CLICKS) == [0]


def test_numbers_do_not_wait_for_each_other_and_take_turns() -> None:
    """One that is far behind has the times that come first; the others are live."""
    behind, live = Place("clicks", 1), Place("clicks", 2)
    played = Played({CLICKS: [1], REVIEWS: [1], behind: [1] * 8, live: [900] * 8})
    for place in (CLICKS, behind, live):
        played.fetch(place, 8)
    for _ in range(2):
        taken = played.take(4)
        assert len(of(taken, behind)) == len(of(taken, live)) == 2
    assert not of(played.taken, CLICKS)


def test_what_is_live_waits_no_longer_than_the_bound_for_what_lags_and_then_takes_turns() -> None:
    """Reviews of long ago are sent again, faster than they are taken."""
    played = Played({CLICKS: [900] * 9, REVIEWS: list(range(99))})
    more = {REVIEWS}

    def take(most: int) -> list[Place]:
        return [place for place, _, _ in played.steps.take(most, more.__contains__)]

    played.fetch(REVIEWS, 50)
    assert take(2) == [REVIEWS] * 2  # the clicks are empty, and have no more: what comes now is live
    played.fetch(CLICKS, 6)
    assert take(4) == [REVIEWS] * 4
    played.now_s += WAIT_S
    assert take(6) == [CLICKS, REVIEWS] * 3
    played.fetch(CLICKS, 1)
    assert take(6) == [CLICKS, REVIEWS, CLICKS, REVIEWS, CLICKS, REVIEWS]
    assert take(3) == [REVIEWS] * 3, "the last click came only now"


def test_what_comes_behind_a_backlog_is_not_live() -> None:
    played = Played({CLICKS: [900] * 9, REVIEWS: list(range(99))})
    played.fetch(CLICKS)
    played.fetch(REVIEWS, 50)
    assert [place for place, _, _ in played.take(4)] == [REVIEWS] * 4
    played.fetch(CLICKS)
    played.now_s += 10 * WAIT_S
    assert [place for place, _, _ in played.take(4)] == [REVIEWS] * 4


def test_what_is_live_on_both_stays_in_order_however_long_it_waits() -> None:
    played = Played({CLICKS: [1, 3, 5, 7], REVIEWS: [2, 4, 6, 8]})
    played.steps.take(1, lambda place: False)
    for place in (REVIEWS, CLICKS):
        played.fetch(place)
    assert [time for _, time, _ in played.steps.take(9, lambda place: False)] == [1, 2]
    for place in (REVIEWS, CLICKS):
        played.fetch(place, 3)
    played.now_s += 10 * WAIT_S
    assert [time for _, time, _ in played.take()] == [3, 4, 5, 6, 7, 8]


def test_items_and_orders_wait_for_none() -> None:
    item, order = Place("items", 0), Place("control", 0)
    played = Played({CLICKS: [1], REVIEWS: [1], item: [99], order: [99]})
    for place in (CLICKS, item, order):
        played.fetch(place)
    assert {place for place, _, _ in played.take()} == {item, order}
    assert dict(played.steps.sizes()) == {CLICKS: 1, REVIEWS: 0, item: 0, order: 0}


def test_partitions_that_were_not_said_to_be_here_are_handed_on_in_their_order() -> None:
    played = Played({CLICKS: [9, 1]})
    played.steps.assign([])
    played.fetch(CLICKS, 2)
    assert of(played.take(), CLICKS) == [0, 1]


def test_a_new_assignment_forgets_what_waits() -> None:
    played = Played({CLICKS: [1], REVIEWS: [1]})
    played.fetch(CLICKS)
    played.steps.assign([CLICKS])
    assert (len(played.steps), played.take(), played.steps.wait_s()) == (0, [], None)
