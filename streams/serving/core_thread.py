"""The thread in which the core works, so that the event loop only moves bytes.

It takes one call at a time, in the order in which they were made. Whatever belongs to the core (catalog,
counters, pipeline, models, and what collects examples of them) is touched in this thread alone. So nothing of
the core needs a lock of its own, and the loop is free while a batch is folded and ranked.

A batch goes to this thread and back, so the way is short: a queue there, one call into the loop back. An
executor of the standard library makes three futures of a call, and takes some locks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar, TypeVarTuple

log = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Call:
    """`function` and its `arguments`. Where `answer` is None, nobody waits for it."""

    __slots__ = ("answer", "arguments", "function", "loop", "over", "settled")

    def __init__(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], answer: asyncio.Future[Any] | None
    ) -> None:
        self.function, self.arguments, self.answer = function, arguments, answer
        self.loop = None if answer is None else answer.get_loop()
        self.over: asyncio.Future[None] | None = None
        self.settled = False

    def make(self) -> None:
        """In the core's thread."""
        try:
            result, raised = self.function(*self.arguments), None
        except BaseException as error:  # whoever asked is told
            result, raised = None, error
        if self.loop is None:
            if raised is not None:
                log.error("a call in the core's thread has failed", exc_info=raised)
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            self.loop.call_soon_threadsafe(self.settle, result, raised)

    def settle(self, result: Any, raised: BaseException | None) -> None:
        """In the loop of whoever asked."""
        self.settled = True
        if self.answer is not None and not self.answer.done():
            if raised is None:
                self.answer.set_result(result)
            else:
                self.answer.set_exception(raised)
        if self.over is not None and not self.over.done():
            self.over.set_result(None)

    async def ended(self) -> None:
        """Returns once the call is over, though its answer is of no use any more."""
        while not self.settled and self.loop is not None:
            self.over = self.loop.create_future()
            with contextlib.suppress(asyncio.CancelledError):  # a second one changes nothing
                await self.over


Calls = SimpleQueue[_Call | None]


class CoreThread:
    """Starts with its first call. `call` and `post` are for the loop's thread; neither is for this one."""

    def __init__(self) -> None:
        self._calls: Calls = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        weakref.finalize(self, self._calls.put, None)  # else the thread of one that is dropped stays

    async def call(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What `function` returns. Where the caller is cancelled, this waits until the call is over: nothing
        goes on behind its back.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        call = _Call(function, arguments, answer)
        self._ask(call)
        try:
            return await answer
        except asyncio.CancelledError:
            await call.ended()
            raise

    def post(self, function: Callable[[*Ts], object], *arguments: *Ts) -> None:
        """Have `function` called in its turn, and wait for nothing. What it raises is logged. Nothing is
        called once this is closed: the process ends.
        """
        with contextlib.suppress(RuntimeError):
            self._ask(_Call(function, arguments, None))

    async def close(self) -> None:
        """End the thread, once all that was asked of it is done."""
        self._closed = True
        self._calls.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _ask(self, call: _Call) -> None:
        if self._closed:
            raise RuntimeError("the core's thread is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=_work, args=(self._calls,), name="core", daemon=True)
            self._thread.start()
        self._calls.put(call)


def _work(calls: Calls) -> None:
    while (call := calls.get()) is not None:
        call.make()
        del call  # what it holds may go before the next one comes
