"""The partitions of one number are read in step: what happened first is handed on first.

A user's clicks and reviews lie in partitions of one number, each on a topic of its own. While a worker
catches up, one of them may be fetched far ahead of another. So of the records that wait here, the one with
the earliest time at the head of its partition goes next; the order within a partition stays as it is. Where a
partition has nothing here although more of it is to come, the others of its number wait for it, within a
bound. One that has brought all it had is not waited for: a live event is handed on at once.

Where one partition lags far behind, as when old events are sent again, what is live on the others does not
wait until that is done: after the same bound the two take turns.

A task of Kafka Streams does the same (KIP-353, KIP-695, `max.task.idle.ms`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

Record = TypeVar("Record")

LOOK_EVERY_S = 0.01
"""So often it is looked up whether a partition that is waited for has more to bring after all."""


NEVER_S = math.inf


class Place(NamedTuple):
    """A partition: its topic, without the prefix, and its number."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.number}"


MoreToCome = Callable[[Place], bool]
"""Whether more of a partition is to come than what was put in: it lags, or was not asked yet."""


class _Waiting(NamedTuple, Generic[Record]):
    """Ordered by time, then as they came; no two came as the same one, so nothing else is ever compared.

    `due_s`: from then on it need not wait for what is earlier; `NEVER_S` for what is not live.
    """

    time_ms: float
    came: int
    due_s: float
    record: Record


class _Group(Generic[Record]):
    """Partitions that are read in step.

    `until_s`: for how long the empty ones are waited for. `settled`: those of which all was taken that Kafka
    had: whatever they bring next is live.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        self.queues: dict[Place, deque[_Waiting[Record]]] = {place: deque() for place in places}
        self.until_s: dict[Place, float] = {}
        self.settled: set[Place] = set()
        self._gave_way = False

    def next(self, now_s: float) -> tuple[Place, deque[_Waiting[Record]]]:
        """The partition, and its queue, whose head goes next; one at least must not be empty."""
        queues = [each for each in self.queues.items() if each[1]]
        if len(queues) == 1:
            return queues[0]
        first = min(queues, key=_head)
        due = [each for each in queues if each[1][0].due_s <= now_s]
        self._gave_way = bool(due) and not self._gave_way
        return min(due, key=_head) if self._gave_way else first


def _head(waiting: tuple[Place, deque[_Waiting[Record]]]) -> _Waiting[Record]:
    return waiting[1][0]


class InStep(Generic[Record]):
    """Keeps records until it is their turn.

    `topics`: those whose partitions of one number are read in step; a partition of another topic waits for
    none. `wait_s`: how long an empty partition is waited for, and again only after it has brought something;
    and how long what is live waits for what is earlier. `now_s`: the clock.
    """

    def __init__(self, topics: Collection[str], wait_s: float, now_s: Callable[[], float]) -> None:
        self._topics, self._wait_s, self._now_s = frozenset(topics), wait_s, now_s
        self._groups: dict[int, _Group[Record]] = {}
        self._alone: dict[Place, _Group[Record]] = {}
        self._full: dict[_Group[Record], None] = {}  # those of which something waits, in turn
        self._came = self._size = 0

    def __len__(self) -> int:
        """How many records wait."""
        return self._size

    def assign(self, places: Iterable[Place]) -> None:
        """Forget all that waits, and begin with these partitions."""
        numbers: dict[int, list[Place]] = {}
        for place in places:
            if place.topic in self._topics:
                numbers.setdefault(place.number, []).append(place)
        self._groups = {number: _Group(sorted(group)) for number, group in numbers.items()}
        self._alone.clear()
        self._full.clear()
        self._size = 0

    def put(self, place: Place, time_ms: float, record: Record) -> None:
        """Keep the next record of a partition; `time_ms`: when it happened."""
        group = self._groups.get(place.number)
        if group is None or place not in group.queues:
            group = self._alone.get(place)
            if group is None:
                group = self._alone[place] = _Group([place])
        self._size += 1
        self._came += 1
        queue = group.queues[place]
        live = queue[-1].due_s < NEVER_S if queue else place in group.settled
        due_s = self._now_s() + self._wait_s if live else NEVER_S
        queue.append(_Waiting(time_ms, self._came, due_s, record))
        group.until_s.pop(place, None)
        group.settled.discard(place)
        self._full[group] = None

    def take(self, most: int, more_to_come: MoreToCome) -> list[Record]:
        """The next records, `most` at most: of each number in turn, so that one that is far behind does not
        hold up the others.
        """
        taken: list[Record] = []
        now_s = self._now_s()
        going = [group for group in self._full if self._may_go(group, group.queues, more_to_come)]
        while going and len(taken) < most:
            still: list[_Group[Record]] = []
            for group in going[: most - len(taken)]:
                place, queue = group.next(now_s)
                taken.append(queue.popleft().record)
                free = bool(queue) or self._may_go(group, (place,), more_to_come)  # the others were asked
                if not any(group.queues.values()):
                    del self._full[group]
                elif free:
                    still.append(group)
            going = still
        self._turn()
        self._size -= len(taken)
        return taken

    def wait_s(self) -> float | None:
        """Where nothing could be taken: after how long to ask again though nothing else was put in. None: not
        before that.
        """
        if not self._size:
            return None
        now_s = self._now_s()
        ends = [until for group in self._groups.values() for until in group.until_s.values() if until > now_s]
        return min(min(ends) - now_s, LOOK_EVERY_S) if ends else 0.0

    def sizes(self) -> Iterator[tuple[Place, int]]:
        """How many records of each partition wait."""
        for group in (*self._alone.values(), *self._groups.values()):
            for place, queue in group.queues.items():
                yield place, len(queue)

    def in_turn(self) -> Iterator[tuple[Place, list[Place]]]:
        """The partitions of which records wait, each with those that it is read in step with."""
        for group in self._groups.values():
            for place, queue in group.queues.items():
                if queue:
                    yield place, [other for other in group.queues if other != place]

    def _may_go(self, group: _Group[Record], places: Iterable[Place], more_to_come: MoreToCome) -> bool:
        """Whether none of these partitions is to be waited for, where it is empty."""
        free = True
        for place in places:
            if group.queues[place]:
                continue
            if not more_to_come(place):
                group.until_s.pop(place, None)
                group.settled.add(place)
            elif self._now_s() < group.until_s.setdefault(place, self._now_s() + self._wait_s):
                free = False
        return free

    def _turn(self) -> None:
        """Let another one be the first next time."""
        if len(self._full) > 1:
            first = next(iter(self._full))
            del self._full[first]
            self._full[first] = None
