"""From which offset on a Kafka client has read a partition without leaving anything out.

Offsets of two events need not be neighbours: transactions leave markers, aborted and compacted records leave
holes. Only the client's own reading tells such a hole from dropped events. So each record names the offset
since which the client has read without a break.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

Partition = tuple[str, int]
"""Topic and number; aiokafka's and Faust's own types are tuples of this kind."""

_SEEKS = itertools.count(1)


def next_seek() -> int:
    """A number for a seek: unique in a process, and rising."""
    return next(_SEEKS)


class Span(NamedTuple):
    """The client has read all offsets from `start` up to `end` (not included); `events_end`: behind the last
    event.
    """

    start: int
    events_end: int
    end: int

    @property
    def last(self) -> int:
        """The last event that was read; -1 for none.

        >>> Span(3, 5, 7).last, Span(3, 3, 7).last
        (4, -1)
        """
        return self.events_end - 1 if self.events_end > self.start else -1

    def standing(self, acknowledged: int) -> int:
        """The next offset to handle, when the worker has handled everything before `acknowledged`.

        >>> Span(0, 5, 7).standing(3), Span(0, 5, 7).standing(5), Span(0, 0, 2).standing(0)
        (3, 7, 2)
        """
        acknowledged = max(acknowledged, self.start)
        return max(acknowledged, self.end) if acknowledged >= self.events_end else acknowledged


def onward(before: Span | None, position: int, events_end: int | None, end: int) -> tuple[Span, int]:
    """The span after a read from `position` to `end`, and the offset since which the client left nothing out
    before the first event of that read. `events_end`: behind the read's last event, if it holds any.

    >>> span, since = onward(Span(0, 5, 7), 7, 9, 10)  # offsets 5 and 6 held no event, nor do 9 and 10
    >>> span, since
    (Span(start=0, events_end=9, end=10), 5)
    >>> onward(span, 20, 22, 22)  # something moved the position
    (Span(start=20, events_end=22, end=22), 20)
    """
    if before is None or before.end != position:
        before = Span(position, position, position)
    return Span(before.start, before.events_end if events_end is None else events_end, end), before.events_end


class ClientPartition(NamedTuple):
    """What a client knows of a partition that it has.

    `position`: what it reads next. `end`: where the partition ends for a reader of committed events.
    `held_back`: how many offsets lie behind that, behind the start of an open transaction. `last`: the last
    event that it has read since it got the partition, or sought in it; -1: none. None: not known yet.
    """

    position: int | None
    end: int | None
    held_back: int = 0
    last: int = -1

    @property
    def has_more(self) -> bool:
        """Whether the client lags, or has not asked yet."""
        return self.position is None or self.end is None or self.position < self.end
