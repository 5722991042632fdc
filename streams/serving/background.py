"""Work in threads: one for what can wait, which yields the processor to everything else; and calls that are
seen to their end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LOWEST_PRIORITY = 19


class Background:
    """Calls one at a time, at the lowest priority that the system has."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "background", initializer=_yield_to_others)

    async def call(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What `function` returns; it should spend its time where it releases the interpreter's lock."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def close(self) -> None:
        """End the thread, once it is done with what it has begun; what waits for it is cancelled."""
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)


async def in_thread(function: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """What `function` returns, called in a thread; see `seen_through`."""
    return await seen_through(asyncio.create_task(asyncio.to_thread(function, *arguments)))


async def seen_through(calling: asyncio.Future[T]) -> T:
    """What a call in a thread returns. A thread can't be cancelled: where the caller is, this waits until the
    call is over, so that nothing goes on behind its back.
    """
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        while not calling.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([calling])
        if not calling.cancelled():
            calling.exception()  # it is of no use any more, and counts as read
        raise


def _yield_to_others() -> None:
    if sys.platform == "linux":  # where each thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
