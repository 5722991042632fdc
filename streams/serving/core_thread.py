"""The thread in which the core works, so that the event loop only moves bytes.

It takes one call at a time, in the order in which they were made. Whatever belongs to the core (catalog,
counters, pipeline, models, and what collects examples of them) is touched in this thread alone. So nothing of
the core needs a lock of its own, and the loop is free while a batch is folded and ranked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from streams.serving.background import seen_through

log = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class CoreThread:
    """Starts with its first call. `call` and `post` are for the loop's thread; neither is for this one."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "core")

    async def call(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What `function` returns. Where the caller is cancelled, this waits until the call is over: nothing
        goes on behind its back.
        """
        return await seen_through(
            asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
        )

    def post(self, function: Callable[[*Ts], object], *arguments: *Ts) -> None:
        """Have `function` called in its turn, and wait for nothing. What it raises is logged. Nothing is
        called once this is closed: the process ends.
        """
        with contextlib.suppress(RuntimeError):
            self._thread.submit(function, *arguments).add_done_callback(_say)

    async def close(self) -> None:
        """End the thread, once all that was asked of it is done."""
        await asyncio.to_thread(self._thread.shutdown)


def _say(done: Future[object]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.error("a call in the core's thread has failed", exc_info=error)
