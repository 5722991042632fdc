"""A lock that one batch hands to the next without its being open in between, unless somebody waits for it."""

from __future__ import annotations

import asyncio
from typing import Literal


class HandoverLock(asyncio.Lock):
    """Whoever holds it may let a follower share it; it is open again once all of them have released it."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = self._holders = 0

    async def acquire(self) -> Literal[True]:
        """Wait for a turn of one's own."""
        self._waiting += 1
        try:
            await super().acquire()
        finally:
            self._waiting -= 1
        self._holders = 1
        return True

    def share(self) -> bool:
        """Hold it together with who holds it now, who must agree; False where somebody waits for it."""
        if self._waiting or not self._holders:
            return False
        self._holders += 1
        return True

    def release(self) -> None:
        """One holder less."""
        if self._holders > 1:
            self._holders -= 1
        else:
            self._holders = 0
            super().release()
