"""Whether somebody looks at the console: what nobody looks at need not be asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

RESTS_AFTER_S = 600.0
"""So far back reaches what the console keeps: of an older look nothing is left to go on with."""


class Looking:
    """`note` a look, or hold one open by `lasting`. `rests`: nobody looks, nor did of late; `wanted` then
    returns with the next look.
    """

    def __init__(self) -> None:
        self._open = 0
        self._last_s = time.monotonic()
        self._event = asyncio.Event()

    def note(self) -> None:
        """Somebody looks now."""
        self._last_s = time.monotonic()
        self._event.set()

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """Somebody looks as long as the block lasts."""
        self._open += 1
        self.note()
        try:
            yield
        finally:
            self._open -= 1
            self.note()

    @property
    def rests(self) -> bool:
        return self._open == 0 and time.monotonic() - self._last_s > RESTS_AFTER_S

    async def wanted(self) -> None:
        self._event.clear()
        await self._event.wait()
