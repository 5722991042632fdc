"""The partitions of one number are read in step: what happened first is handed on first.

A user's clicks and reviews lie in partitions of one number, each on a topic of its own. While a worker
catches up, one of them may be fetched far ahead of another. So of the records that wait here, the one with
the earliest time at the head of its partition goes next; the order within a partition stays as it is. Where a
partition has nothing here although more of it is to come, the others of its number wait for it, within a
bound. One that has brought all it had is not waited for: a live event is handed on at once.

A task of Kafka Streams does the same (KIP-353, KIP-695, `max.task.idle.ms`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

Record = TypeVar("Record")

LOOK_EVERY_S = 0.01
"""So often it is looked up whether a partition that is waited for has more to bring after all."""


class Place(NamedTuple):
    """A partition: its topic, without the prefix, and its number."""

    topic: str
    number: int


MoreToCome = Callable[[Place], bool]
"""Whether more of a partition is to come than what was put in: it lags, or was not asked yet."""


class _Waiting(NamedTuple, Generic[Record]):
    """Ordered by time, then as they came; no two came as the same one, so records are never compared."""

    time_ms: float
    came: int
    record: Record


class _Group(Generic[Record]):
    """Partitions that are read in step. `until_s`: for how long the empty ones are waited for."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.queues: dict[Place, deque[_Waiting[Record]]] = {place: deque() for place in places}
        self.until_s: dict[Place, float] = {}

    def earliest(self) -> deque[_Waiting[Record]]:
        """The queue whose head goes next. One at least must not be empty."""
        return min((queue for queue in self.queues.values() if queue), key=_head)


def _head(queue: deque[_Waiting[Record]]) -> _Waiting[Record]:
    return queue[0]


class InStep(Generic[Record]):
    """Keeps records until it is their turn.

    `topics`: those whose partitions of one number are read in step; a partition of another topic waits for
    none. `wait_s`: how long an empty partition is waited for; again only after it has brought something.
    `now_s`: the clock.
    """

    def __init__(self, topics: Collection[str], wait_s: float, now_s: Callable[[], float]) -> None:
        self._topics, self._wait_s, self._now_s = frozenset(topics), wait_s, now_s
        self._groups: dict[int, _Group[Record]] = {}
        self._alone: dict[Place, _Group[Record]] = {}
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
        group.queues[place].append(_Waiting(time_ms, self._came, record))
        group.until_s.pop(place, None)

    def take(self, most: int, more_to_come: MoreToCome) -> list[Record]:
        """The next records, `most` at most: of each number in turn, so that one that is far behind does not
        hold up the others.
        """
        taken: list[Record] = []
        groups = (*self._alone.values(), *self._groups.values())
        going = [group for group in groups if self._may_go(group, more_to_come)]
        while going and len(taken) < most:
            still: list[_Group[Record]] = []
            for group in going[: most - len(taken)]:
                queue = group.earliest()
                taken.append(queue.popleft().record)
                if queue or self._may_go(group, more_to_come):
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

    def _may_go(self, group: _Group[Record], more_to_come: MoreToCome) -> bool:
        """Whether it has something, and no empty partition is to be waited for."""
        if not any(group.queues.values()):
            return False
        free = True
        for place, queue in group.queues.items():
            if queue:
                continue
            if not more_to_come(place):
                group.until_s.pop(place, None)
            elif self._now_s() < group.until_s.setdefault(place, self._now_s() + self._wait_s):
                free = False
        return free

    def _turn(self) -> None:
        """Let another number be the first next time."""
        if len(self._groups) > 1:
            first = next(iter(self._groups))
            self._groups[first] = self._groups.pop(first)
