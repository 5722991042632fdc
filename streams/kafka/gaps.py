"""No event of a partition may be left out: what was applied and what comes next must meet.

Fetched events are thrown away when partitions move, and a group's offsets in Kafka may run ahead of what a
worker has written. Going on behind such a gap would lose its events for ever, since the progress in the store
would pass them. So the partition is read again from where the progress ends.

Offsets that hold no event (markers of transactions, aborted or compacted records) are no gap: the reading
passed over them, and each message says from which offset on it left nothing out.
"""

from __future__ import annotations

from typing import Literal

Verdict = Literal["next", "reread", "stale"]


class Gaps:
    """Judges what came of each partition; seeks have numbers, later ones the greater.

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
        """Of a message with nothing but holes from `since` up to it, which was read after the seek `seek`:

        `next`: go on. `reread`: seek to `expected`. `stale`: drop it; it was read before the last seek.
        """
        if since <= expected:
            return "next"
        return "stale" if seek < self._seeks.get(place, 0) else "reread"

    def sought(self, place: str, seek: int) -> None:
        """A seek to what is expected was made."""
        self._seeks[place] = seek
