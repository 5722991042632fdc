"""No offset of a partition may be left out: what was applied and what comes next must be neighbours.

Fetched events are thrown away when partitions move, and a group's offsets in Kafka may run ahead of what a
worker has written. Going on behind such a gap would lose its events for ever, since the progress in the store
would pass them. So the partition is read again from where the progress ends.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

REREADS = 3
"""Where the same gap shows so often although it was read again, the log itself has it (a compacted topic,
say).
"""

Verdict = Literal["next", "reread", "wait", "accept"]


class _Gap(NamedTuple):
    expected: int
    first: int
    seen: int


class Gaps:
    """Judges the first offset that came of each partition.

    >>> gaps = Gaps()
    >>> gaps.judge("clicks-0", 5, 5)
    'next'
    >>> [gaps.judge("clicks-0", 5, first) for first in (9, 10, 5)]
    ['reread', 'wait', 'next']
    """

    def __init__(self) -> None:
        self._open: dict[str, _Gap] = {}

    def judge(self, place: str, expected: int, first: int) -> Verdict:
        """`next`: go on. `reread`: seek to `expected`. `wait`: drop these, the reread is on its way.
        `accept`: go on.
        """
        gap = self._open.get(place)
        if first <= expected:
            self._open.pop(place, None)
            return "next"
        if gap is None or gap.expected != expected:
            self._open[place] = _Gap(expected, first, 1)
            return "reread"
        if first > gap.first:
            return "wait"
        if first == gap.first and gap.seen >= REREADS:
            del self._open[place]
            return "accept"
        self._open[place] = _Gap(expected, first, gap.seen + 1)
        return "reread"

    def close(self, place: str) -> None:
        """The gap is known to be in the log itself."""
        self._open.pop(place, None)

    def forget(self) -> None:
        """Partitions have moved: what was fetched before is gone."""
        self._open.clear()
