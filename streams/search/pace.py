"""Long work in a thread of its own that holds up nobody: it rests after each slice, by what it worked.

The work is Python's, so it holds the interpreter's lock: whoever else needs that waits up to 5 ms each time,
and so do events and rankings while an index of a large catalogue is made. A lower priority of the thread
would make it worse: while it holds the lock and waits for the processor, all others of its process wait with
it. So it gives the lock up after `SLICE_S`, and stays away for `RESTS` times its work while other threads of
the process have something to do. Where they have not, it hardly rests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")

SLICE_S = 0.001
RESTS = 3.0
"""So while others are busy, at most a quarter of a core is for this work."""
LEAST_REST_S = 0.00005
"""Time enough for whoever waits for the lock to take it."""
WINDOW_S = 0.02
"""Over so long it is judged whether the others are busy."""
BUSY = 0.1
"""They are when they take this share of a core: an idle gateway takes some hundredths."""


class Spent(NamedTuple):
    """Seconds: of the clock; of the processors, by this thread and by all threads of the process."""

    wall_s: float
    own_s: float
    all_s: float


def spent_now() -> Spent:
    """As of now."""
    return Spent(time.perf_counter(), time.thread_time(), time.process_time())


class Pace:
    """Of one thread at a time. `rested_s`: how long it rested in all. The rest is for tests."""

    def __init__(
        self,
        spent: Callable[[], Spent] = spent_now,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._spent, self._clock, self._sleep = spent, clock, sleep
        self._window = self._slice = spent()
        self._busy = True
        self.rested_s = 0.0

    def begin(self) -> None:
        """A thread begins to work: what it did before is not counted."""
        self._window = self._slice = self._spent()
        self._busy = True

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """The items, one after the other, with rests in between."""
        for item in items:
            yield item
            self.step()

    def step(self) -> None:
        """Rest, where a slice is over."""
        if self._clock() - self._slice.wall_s < SLICE_S:
            return
        now = self._spent()
        wall_s = now.wall_s - self._window.wall_s
        if wall_s >= WINDOW_S:
            own_s, all_s = now.own_s - self._window.own_s, now.all_s - self._window.all_s
            self._busy, self._window = all_s - own_s > BUSY * wall_s, now
        rest_s = max((now.own_s - self._slice.own_s) * RESTS, LEAST_REST_S) if self._busy else LEAST_REST_S
        self._sleep(rest_s)
        self.rested_s += rest_s
        self._slice = self._spent()
