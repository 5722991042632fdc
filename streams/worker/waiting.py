"""How long events have waited, by this process's own clock.

No time that an event, its producer or another machine gives is asked: where somebody loads last year's
records into Kafka, slowly, nobody waits. What counts is when this worker learned that an offset exists: each
answer to a fetch says where the partition ends. A backlog that it finds counts from when it was first seen.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition

from streams.kafka.fetched import readable_end
from streams.kafka.message import Message

FINEST_S = 0.005
COARSENESS = 256
"""Ends that were learned within `FINEST_S`, or within one part of so many of the longest wait, are one."""

Place = tuple[str, int]
Marks = deque[tuple[int, float]]


class Waiting:
    """Told of ends in the thread that fetches, asked for ages in the one that folds.

    >>> clock = iter((0.0, 1.0, 1.5))
    >>> waiting = Waiting(lambda: next(clock))
    >>> waiting.learned("clicks", 0, 10), waiting.learned("clicks", 0, 20)
    (None, None)
    >>> waiting.age_s({("clicks", 0): 10})
    0.5
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._marks: dict[Place, Marks] = {}
        self._ends: dict[Place, int] = {}

    def learned(self, topic: str, partition: int, end: int) -> None:
        """The partition ends at offset `end` (the one after its last event)."""
        place = (topic, partition)
        if end <= self._ends.get(place, -1):
            return
        now_s = self._now_s()
        self._ends[place] = end
        marks = self._marks.setdefault(place, deque())
        try:
            first_s, last_s = marks[0][1], marks[-1][1]
            if now_s - last_s < max(FINEST_S, (now_s - first_s) / COARSENESS):
                marks[-1] = (end, last_s)
                return
        except IndexError:  # none, or the last was just taken away
            pass
        marks.append((end, now_s))

    def age_s(self, heads: dict[Place, int]) -> float:
        """The longest wait among these offsets, each the first of its partition that is not folded yet."""
        now_s, age_s = self._now_s(), 0.0
        for place, offset in heads.items():
            marks = self._forget(place, offset)
            if marks:
                age_s = max(age_s, now_s - marks[0][1])
        return age_s

    def done(self, standings: Mapping[str, int]) -> None:
        """Each partition, "topic-number", is done with up to there: also with offsets that hold no event, of
        which no batch tells. Else the first event behind them would seem to have waited as long as they.
        """
        for name, offset in standings.items():
            topic, _, number = name.rpartition("-")
            self._forget((topic, int(number)), offset)

    def _forget(self, place: Place, offset: int) -> Marks | None:
        marks = self._marks.get(place)
        while marks and marks[0][0] <= offset:
            marks.popleft()
        return marks

    def age_of(self, messages: Iterable[Message]) -> float:
        """The same of a batch, whose messages of a partition stand in order; 0 where there are none."""
        heads: dict[Place, int] = {}
        for message in messages:
            heads.setdefault((message.topic, message.partition), message.offset)
        return self.age_s(heads)


def watch_ends(fetcher: Any, waiting: Waiting, prefix: int) -> None:
    """Have aiokafka's fetcher tell `waiting` what each answer says. `prefix`: the length of the topics'."""
    fetch = fetcher._proc_fetch_request

    async def heard(assignment: Any, node_id: int, request: Any) -> bool:
        good: bool = await fetch(assignment, node_id, request)
        if assignment.active:
            for topic, partitions in request.topics:
                for number, *_ in partitions:
                    state = assignment.state_value(TopicPartition(topic, number))
                    # What can't be read yet does not wait for us.
                    end = None if state is None else readable_end(state)
                    if end is not None:
                        waiting.learned(topic[prefix:], number, end)
        return good

    fetcher._proc_fetch_request = heard
