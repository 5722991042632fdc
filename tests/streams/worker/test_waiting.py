"""The age of what waits: that of the first event not folded, since the worker knew of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.worker.waiting import COARSENESS, FINEST_S, Waiting, watch_ends

PLACE = ("clicks", 0)


class Time:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 30), st.integers(0, 20)), max_size=60))
def test_it_is_what_a_list_of_every_event_says(steps: list[tuple[float, int, int]]) -> None:
    time = Time()
    waiting = Waiting(time)
    known: list[float] = []  # when each offset was learned
    head = 0
    for passed_s, arrived, folded in steps:
        time.s += passed_s
        known += [time.s] * arrived
        waiting.learned(*PLACE, len(known))
        age_s = waiting.age_s({PLACE: head})
        true_s = time.s - known[head] if head < len(known) else 0.0
        oldest_s = time.s - known[0] if known else 0.0
        assert true_s - 1e-9 <= age_s <= true_s + max(FINEST_S, oldest_s / COARSENESS) + 1e-9
        head = min(len(known), head + folded)


def test_a_backlog_counts_from_when_it_was_first_seen() -> None:
    time = Time()
    waiting = Waiting(time)
    waiting.learned(*PLACE, 1_000_000)
    assert waiting.age_s({PLACE: 5}) == 0
    time.s = 7.0
    assert waiting.age_s({PLACE: 900_000}) == 7.0
    assert waiting.age_s({PLACE: 1_000_000, ("reviews", 3): 8}) == 0


def test_reading_again_is_no_older_than_what_is_still_known() -> None:
    time = Time()
    waiting = Waiting(time)
    waiting.learned(*PLACE, 10)
    time.s = 1.0
    waiting.learned(*PLACE, 20)
    time.s = 1.5
    assert waiting.age_s({PLACE: 10}) == 0.5
    assert waiting.age_s({PLACE: 3}) == 0.5


def test_a_day_behind_takes_little_room() -> None:
    time = Time()
    waiting = Waiting(time)
    for n in range(86_400):
        time.s = float(n)
        waiting.learned(*PLACE, n + 1)
    assert len(waiting._marks[PLACE]) < 15 * COARSENESS
    assert waiting.age_s({PLACE: 0}) == 86_399
    # Half of it is folded: the second half is as old as it is, but for the coarseness of the longest wait.
    assert waiting.age_s({PLACE: 43_200}) == pytest.approx(43_199, abs=86_400 / COARSENESS)


def test_an_event_behind_offsets_without_one_has_not_waited_as_long_as_they() -> None:
    """Aborted transactions, one a second, of which no batch tells."""
    time = Time()
    waiting = Waiting(time)
    for n in range(36_000):
        time.s = float(n)
        waiting.learned(*PLACE, 2 * n)
        waiting.done({"clicks-0": 2 * n, "reviews-3": 5})
    time.s += 1
    waiting.learned(*PLACE, 80_000)
    time.s += 0.25
    assert waiting.age_s({PLACE: 79_999}) == 0.25


class Assignment:
    """One assigned partition, as aiokafka keeps it."""

    def __init__(self, highwater: int | None, lso: int | None) -> None:
        self.active = True
        self._state = SimpleNamespace(highwater=highwater, lso=lso)

    def state_value(self, partition: TopicPartition) -> Any:
        return self._state if partition == TopicPartition("headrace.clicks", 0) else None


@pytest.mark.parametrize(
    ("highwater", "lso", "known"),
    [(9, 9, True), (9, None, True), (9, -1, True), (9, 4, False), (None, None, False)],
)
async def test_each_answer_to_a_fetch_is_heard(highwater: int | None, lso: int | None, known: bool) -> None:
    """Of what lies behind the last stable offset nothing can be read: it waits for its producer."""
    time = Time()
    waiting = Waiting(time)

    async def fetch(assignment: Any, node_id: int, request: Any) -> bool:
        await asyncio.sleep(0)
        return True

    fetcher = SimpleNamespace(_proc_fetch_request=fetch)
    watch_ends(fetcher, waiting, len("headrace."))
    request = SimpleNamespace(topics=[("headrace.clicks", [(0, 0, 1)]), ("headrace.gone", [(1, 0, 1)])])
    assert await fetcher._proc_fetch_request(Assignment(highwater, lso), 1, request)
    time.s = 2.0
    assert waiting.age_s({PLACE: 8}) == (2.0 if known else 0.0)
