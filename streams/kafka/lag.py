"""How many events wait in Kafka, and which partitions stand still although events wait in them.

Lag counts offsets, from the last handled one to the end of the partition that the broker reports. Offsets
without an event (see `spans.py`) count as handled once the client has read past them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple


class Standing(NamedTuple):
    """`offset`: the next one of a partition; the worker has handled everything before it. `held_back`: how
    many offsets lie behind the start of an open transaction, so that the client can't read them. `heard`:
    where the partition ends, as the client that reads it heard last; 0 where it has heard nothing.
    """

    offset: int
    held_back: int = 0
    heard: int = 0


class Stalled(NamedTuple):
    """A partition that has stood at `offset` for `for_s`, though it ends at `end`."""

    place: str
    offset: int
    end: int
    for_s: float

    def __str__(self) -> str:
        stands = f"{self.place} has stood at offset {self.offset} for {self.for_s:.0f} s"
        return f"{stands}, though it ends at {self.end}"


class _Partition(NamedTuple):
    offset: int
    end: int
    since_s: float


class Lag:
    """The lag of the partitions of one worker; `look` brings it up to date.

    >>> clock = iter(range(100))
    >>> lag = Lag(stalled_after_s=2, now_s=lambda: next(clock))
    >>> lag.look({"clicks-0": Standing(7)}, {"clicks-0": 10})
    >>> lag.of("clicks"), lag.stalled()
    (3, [])
    >>> lag.look({"clicks-0": Standing(7)}, {"clicks-0": 12})
    >>> [str(each) for each in lag.stalled()]
    ['clicks-0 has stood at offset 7 for 3 s, though it ends at 12']
    """

    def __init__(self, stalled_after_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._stalled_after_s, self._now_s = stalled_after_s, now_s
        self._partitions: dict[str, _Partition] = {}
        self._events: Counter[str] = Counter()
        self._held_back: Counter[str] = Counter()

    def look(
        self,
        standings: Mapping[str, Standing],
        ends: Mapping[str, int],
        excused: bool = False,
        in_turn: Mapping[str, Collection[str]] = {},
    ) -> None:
        """Partitions stand at `standings` now; `ends` holds the last known end of each.

        `excused`: the worker can't apply anything now, and reports the reason elsewhere. `in_turn`:
        partitions whose events wait for their turn, with the partitions that they wait for; while one of
        those moves, the waiting ones do not stand still.
        """
        now_s, before = self._now_s(), self._partitions
        moved = {
            place
            for place, (offset, *_) in standings.items()
            if place in before and before[place].offset != offset
        }
        self._partitions = {}
        self._events, self._held_back = Counter(), Counter()
        for place, (offset, held_back, _) in standings.items():
            topic = place.rpartition("-")[0]
            end, last = ends.get(place, offset), before.get(place)
            stands = last is not None and last.offset == offset < min(last.end, end) and not excused
            stands = stands and moved.isdisjoint(in_turn.get(place, ()))
            since_s = last.since_s if last is not None and stands else now_s
            self._partitions[place] = _Partition(offset, end, since_s)
            self._events[topic] += max(0, end - offset)
            self._held_back[topic] += held_back

    def places(self) -> dict[str, tuple[int, int]]:
        """How far each partition is, and where it ends."""
        return {place: (each.offset, each.end) for place, each in self._partitions.items()}

    def of(self, topic: str) -> int:
        """How many offsets of a topic's partitions wait."""
        return self._events[topic]

    def held_back(self, topic: str) -> int:
        """How many offsets of a topic's partitions lie behind the start of an open transaction."""
        return self._held_back[topic]

    def stalled(self) -> list[Stalled]:
        """The partitions that have not moved for too long while events wait."""
        now_s = self._now_s()
        return [
            Stalled(place, each.offset, each.end, now_s - each.since_s)
            for place, each in self._partitions.items()
            if each.end > each.offset and now_s - each.since_s >= self._stalled_after_s
        ]
