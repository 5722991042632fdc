"""Whether an event loop turns, and whether batches are finished while events wait."""

from __future__ import annotations

import time
from collections.abc import Callable

STOOD_STILL_S = 2.0
"""Where nobody has looked for so long, the whole process stood still, and nothing can be blamed for it."""


class Pulse:
    """When a loop last turned. `beat` is called inside the loop, `still_s` in any thread."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._turned_s = now_s()

    def beat(self) -> None:
        """The loop turns."""
        self._turned_s = self._now_s()

    def still_s(self) -> float:
        """For how long it has not turned."""
        return self._now_s() - self._turned_s


class BatchPulse:
    """For how long events have waited without a batch being finished.

    >>> progress = BatchPulse()
    >>> [progress.look(now_s, waiting=True, finished=7) for now_s in (0, 1, 2, 3)]
    [0, 1, 2, 3]
    >>> progress.look(4, waiting=True, finished=8)
    0
    """

    def __init__(self) -> None:
        self._since_s = self._looked_s = 0.0
        self._finished = -1
        self.late_s = 0.0

    def look(self, now_s: float, *, waiting: bool, finished: int) -> float:
        """To be called every moment. `waiting`: events wait, and for nothing that is known to be away.
        `finished`: batches so far.
        """
        if now_s - self._looked_s > STOOD_STILL_S:
            self._since_s += now_s - self._looked_s
        self._looked_s = now_s
        if not waiting or finished != self._finished:
            self._since_s, self._finished = now_s, finished
        self.late_s = now_s - self._since_s
        return self.late_s
