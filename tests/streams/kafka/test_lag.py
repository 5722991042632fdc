"""What waits in partitions, and which of them stand still."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.lag import Lag, Standing


class Watched:
    def __init__(self, stalled_after_s: float = 10.0) -> None:
        self.now_s = 0.0
        self.lag = Lag(stalled_after_s, lambda: self.now_s)

    def look(self, at_s: float, offset: int, end: int | None, excused: bool = False) -> list[str]:
        self.now_s = at_s
        ends = {} if end is None else {"clicks-1": end}
        self.lag.look({"clicks-1": Standing(offset)}, ends, excused)
        return [each.place for each in self.lag.stalled()]


def test_a_partition_that_does_not_move_while_events_wait_is_stalled() -> None:
    watched = Watched()
    assert watched.look(0, 5, 9) == []
    assert watched.look(9, 5, 12) == []
    assert watched.look(10, 5, 12) == ["clicks-1"]
    assert [each.for_s for each in watched.lag.stalled()] == [10]
    assert watched.look(11, 6, 12) == []
    assert watched.look(20, 6, 12) == []
    assert watched.look(21, 6, 12) == ["clicks-1"]


def test_time_counts_only_while_events_wait_and_can_be_applied() -> None:
    watched = Watched()
    watched.look(0, 5, 5)
    assert watched.look(100, 5, 6) == [], "the event has just come"
    assert watched.look(109, 5, 6, excused=True) == []
    assert watched.look(110, 5, 6) == []
    assert watched.look(119, 5, 6) == ["clicks-1"]
    watched.lag.look({}, {})
    assert watched.lag.stalled() == [], "another worker has it"
    assert watched.look(120, 5, 6) == [], "it has just come back"


def test_what_is_not_known_is_no_lag_and_what_was_heard_last_holds() -> None:
    watched = Watched()
    assert watched.look(0, 5, None) == []
    assert watched.lag.of("clicks") == 0
    watched.look(1, 5, 9)
    assert watched.lag.of("clicks") == 4
    assert watched.look(12, 5, 9) == ["clicks-1"], "the broker may be away: events wait all the same"


def test_topics_are_sums() -> None:
    lag = Lag(10.0)
    standings = {"clicks-0": Standing(5, 3), "clicks-1": Standing(7), "my-items-0": Standing(9, 1)}
    lag.look(standings, {"clicks-0": 8, "clicks-1": 6, "my-items-0": 10})
    assert [lag.of(name) for name in ("clicks", "my-items", "users")] == [3, 1, 0]
    assert [lag.held_back(name) for name in ("clicks", "my-items", "users")] == [3, 1, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=40))
def test_stalled_is_exactly_what_stood_for_so_long(steps: list[tuple[int, int, bool]]) -> None:
    """Against a plain reading of the whole past: one look a second."""
    watched, past = Watched(4.0), []
    offset = end = 0
    for at, (came, taken, excused) in enumerate(steps):
        end += came
        offset = min(end, offset + taken)
        past.append((offset, end, excused))
        found = watched.look(at, offset, end, excused)
        recent = past[-5:]
        stood = len({each[0] for each in recent}) == 1 and all(each[1] > each[0] for each in recent)
        expected = len(recent) == 5 and stood and not any(each[2] for each in recent[1:])
        assert (found == ["clicks-1"]) == expected


def test_what_waits_for_its_turn_stands_still_only_where_all_that_it_waits_for_does() -> None:
    clock = iter(range(0, 100, 5))
    lag = Lag(10.0, lambda: next(clock))
    ends = {"clicks-1": 100, "reviews-1": 9_000, "users-1": 7, "clicks-2": 7}
    standings = {place: Standing(5) for place in ends}

    def look() -> list[str]:
        lag.look(standings, ends, in_turn={"clicks-1": ["reviews-1", "impressions-1"]})
        return [each.place for each in lag.stalled()]

    for offset in range(6, 10):
        standings["reviews-1"] = Standing(offset)
        stalled = look()
    assert stalled == ["users-1", "clicks-2"], "these wait for no turn"
    assert [look() for _ in range(3)][-1] == list(ends)
