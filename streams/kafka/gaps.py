"""A worker leaves out no event of a partition: the next event must follow the last one that it applied.

The client throws fetched events away when partitions move, and a group's offsets in Kafka may run ahead of
what a worker has written. If the worker went on behind such a gap, it would lose the gap's events for ever,
since the progress in the store would pass them. So the worker reads the partition again from where the
progress ends.

Offsets that hold no event (markers of transactions, aborted or compacted records) are no gap: the client read
past them, and each message names the offset since which the client left nothing out.
"""

from __future__ import annotations

from typing import Literal

Verdict = Literal["next", "reread", "stale"]


class Gaps:
    """Judges the messages of each partition; seeks have rising numbers.

    >>> gaps = Gaps()
    >>> gaps.judge("clicks-0", 5, since=5, seek=1), gaps.judge("clicks-0", 5, since=9, seek=1)
    ('next', 'reread')
    >>> gaps.sought("clicks-0", 2)
    >>> gaps.judge("clicks-0", 5, since=10, seek=1), gaps.judge("clicks-0", 5, since=5, seek=2)
    ('stale', 'next')
    """

    def __init__(self) -> None:
        self._seeks: dict[str, int] = {}

    def judge(self, place: str, expected: int, since: int, seek: int) -> Verdict:
        """What to do with a message, read after seek `seek`, with only holes from `since` up to it.

        `next`: go on. `reread`: seek to `expected`. `stale`: drop it; it was read before the last seek.
        """
        if since <= expected:
            return "next"
        return "stale" if seek < self._seeks.get(place, 0) else "reread"

    def sought(self, place: str, seek: int) -> None:
        """Note the seek to the expected offset."""
        self._seeks[place] = seek
