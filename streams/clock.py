"""Time is passed in: the core never asks the machine what time it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Milliseconds since the epoch, UTC."""

    def now_ms(self) -> int: ...

    def precise_ms(self) -> float:
        """With what a millisecond is made of: to tell how long something took."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def precise_ms(self) -> float:
        return time.time_ns() // 1_000 / 1_000  # to the microsecond


@dataclass
class ManualClock:
    """A clock that moves when it is told to.

    >>> clock = ManualClock(1_000)
    >>> clock.advance(500)
    >>> clock.now_ms()
    1500
    """

    ms: int = 0

    def now_ms(self) -> int:
        return self.ms

    def precise_ms(self) -> float:
        return float(self.ms)

    def advance(self, ms: int) -> None:
        self.ms += ms
