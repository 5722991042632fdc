"""Tasks that are cancelled do end. One cancellation is no promise of it."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_AFTER_S = 5.0


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these tasks, and return once all are over.

    A cancellation may be lost. Before Python 3.12 `asyncio.wait_for` swallows one that comes in the moment in
    which what it waits for is done (cpython issue 86296), and redis-py sends its commands so; aiokafka's
    `close` swallows one, too. The task then goes on, for ever where it is a loop: it is cancelled again.
    """
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=AGAIN_AFTER_S)
