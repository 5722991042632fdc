"""What may be applied next, of a log with any holes, read in any way, and dropped anywhere on the way."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kafka.gaps import Gaps
from streams.kafka.spans import Span, onward


def test_holes_are_passed_over_and_what_was_dropped_is_read_again() -> None:
    gaps = Gaps()
    assert gaps.judge("clicks-0", 0, since=0, seek=1) == "next"
    assert gaps.judge("clicks-0", 5, since=2, seek=1) == "next", "the offsets from 2 on hold no other event"
    assert gaps.judge("clicks-0", 5, since=6, seek=1) == "reread"


def test_partitions_are_judged_one_by_one() -> None:
    gaps = Gaps()
    gaps.sought("clicks-0", 2)
    assert gaps.judge("clicks-0", 5, since=9, seek=1) == "stale"
    assert gaps.judge("clicks-1", 5, since=9, seek=1) == "reread"


def test_a_seek_that_led_elsewhere_is_made_again() -> None:
    """A rebalance moves the position too, to what was committed or to what is left of the log."""
    gaps = Gaps()
    gaps.sought("clicks-0", 2)
    assert gaps.judge("clicks-0", 5, since=9, seek=2) == "reread"
    gaps.sought("clicks-0", 3)
    assert gaps.judge("clicks-0", 5, since=9, seek=2) == "stale"
    assert gaps.judge("clicks-0", 5, since=3, seek=3) == "next"


class Record(NamedTuple):
    offset: int
    since: int
    seek: int


class Client:
    """Reads a log whose events lie at `events`, of `end` offsets in all, in chunks of any size."""

    def __init__(self, events: list[int], end: int) -> None:
        self.events, self.end = events, end
        self.position = self.seek = 0
        self.span: Span | None = None

    def read(self, offsets: int) -> list[Record]:
        """What lies in the next `offsets`."""
        start, stop = self.position, min(self.position + offsets, self.end)
        found = [offset for offset in self.events if start <= offset < stop]
        self.span, since = onward(self.span, start, found[-1] + 1 if found else None, stop)
        self.position = stop
        sinces = [since, *(offset + 1 for offset in found)]
        return [Record(offset, since, self.seek) for since, offset in zip(sinces, found, strict=False)]

    def seek_to(self, offset: int) -> int:
        self.position, self.seek = offset, self.seek + 1
        return self.seek


@settings(max_examples=300)
@given(st.data())
def test_every_event_is_applied_once_in_order_and_none_is_waited_for(data: st.DataObject) -> None:
    """Whatever is dropped, and wherever the position is moved to without a word."""
    events = [offset for offset, holds in enumerate(data.draw(st.lists(st.booleans(), max_size=40))) if holds]
    end = max(events, default=0) + 1 + data.draw(st.integers(0, 5), "holes at the end")
    client, gaps = Client(events, end), Gaps()
    applied: list[int] = []
    acknowledged = expected = 0
    queue: list[Record] = []

    def work(record: Record) -> None:
        nonlocal expected
        if record.offset < expected:
            return
        verdict = gaps.judge("clicks-0", expected, record.since, record.seek)
        if verdict == "next":
            applied.append(record.offset)
            expected = record.offset + 1
        elif verdict == "reread":
            gaps.sought("clicks-0", client.seek_to(expected))

    for mishap in data.draw(st.lists(st.sampled_from(["", "", "drop", "rebalance", "ahead"]), max_size=30)):
        queue += client.read(data.draw(st.integers(1, 9)))
        for _ in range(data.draw(st.integers(0, len(queue)))):
            work(queue.pop(0))
        if mishap == "drop" and queue:
            del queue[data.draw(st.integers(0, len(queue) - 1))]
        elif mishap == "rebalance":  # back to what was committed, with everything fetched thrown away
            client.position = acknowledged = data.draw(st.integers(acknowledged, expected))
            queue = []
        elif mishap == "ahead":  # a group's offsets may run ahead of what was written
            client.position = data.draw(st.integers(0, end))
    # From now on nothing happens any more but reading. One event is enough to show whatever is missing.
    events.append(end)
    client.end = end + 1
    for _ in range(3):
        queue += client.read(client.end)
        while queue:
            work(queue.pop(0))
    assert applied == events
    assert client.span is not None
    assert client.span.standing(expected) == client.end


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=20))
def test_holes_at_the_end_count_as_read_once_the_events_before_them_are_done(
    chunks: list[tuple[int, bool]],
) -> None:
    span, position, events_end = None, 0, 0
    for holes, event in chunks:
        end = position + int(event) + holes
        if end == position:
            continue
        events_end = position + 1 if event else events_end
        span, _ = onward(span, position, position + 1 if event else None, end)
        position = end
    if span is not None:
        assert span.standing(events_end) == position
        assert events_end == 0 or span.standing(events_end - 1) == events_end - 1
