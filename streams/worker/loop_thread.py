"""The worker's event loop in a thread of its own.

The main thread is left to look after it: it answers for the worker's health and keeps the deadline for its
end, whatever the loop, and what Faust runs in it, does.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

import uvloop

from streams.cancelling import cancelled
from streams.worker.pulse import Pulse

T = TypeVar("T")

BEAT_EVERY_S = 0.2


class LoopRunner(Protocol):
    """What is run: a worker."""

    pulse: Pulse

    async def start(self) -> None:
        """Returns once it reads events."""
        ...

    async def failed(self) -> BaseException:
        """Returns, with the reason, once it can't go on; also while it starts."""
        ...

    async def stop(self) -> None: ...


class LoopThread:
    """Starts `worker`, and stops it when told to, or when it can't go on. Made in the main thread's loop.

    `failed` gets the reason as soon as there is one; `ended` is done when the loop has come to its end.
    """

    def __init__(self, worker: LoopRunner) -> None:
        self._worker = worker
        self._main = asyncio.get_running_loop()
        self.failed: asyncio.Future[BaseException] = self._main.create_future()
        self.ended = asyncio.Event()
        self._loop = uvloop.new_event_loop()
        self._end_asked = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def fail(self, error: BaseException) -> None:
        """The worker can't go on; callable in any thread. Only the first reason counts."""
        self._in_main(lambda: None if self.failed.done() else self.failed.set_result(error))

    def stop(self) -> None:
        """Have the worker stop, soon; see `ended`."""
        self._in_loop(self._end_asked.set)

    async def ask(self, question: Callable[[], T], timeout_s: float) -> T:
        """The answer of the worker's loop; raises `TimeoutError` where it does not turn."""
        answer: asyncio.Future[T] = self._main.create_future()

        def settle(outcome: Callable[[], None]) -> None:
            if not answer.done():
                outcome()

        def reply() -> None:
            try:
                found = question()
            except Exception as error:  # whoever asked is told
                failure = error
                self._in_main(lambda: settle(lambda: answer.set_exception(failure)))
            else:
                self._in_main(lambda: settle(lambda: answer.set_result(found)))

        self._in_loop(reply)
        return await asyncio.wait_for(answer, timeout_s)

    def _in_main(self, call: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # it is closed: nobody is left to hear it
            self._main.call_soon_threadsafe(call)

    def _in_loop(self, call: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(call)

    def _run(self) -> None:
        try:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self._see_through())
        except BaseException as error:
            self.fail(error)
        finally:
            # The loop is not closed: Faust's threads may still speak to it, and the process ends anyway.
            self._in_main(self.ended.set)

    async def _see_through(self) -> None:
        beating = asyncio.create_task(self._beat())
        starting = asyncio.create_task(self._worker.start())
        failing = asyncio.create_task(self._worker.failed())
        asked = asyncio.create_task(self._end_asked.wait())
        try:
            await asyncio.wait([starting, failing, asked], return_when=asyncio.FIRST_COMPLETED)
            if starting.done() and starting.exception() is None:
                await asyncio.wait([failing, asked], return_when=asyncio.FIRST_COMPLETED)
            if starting.done() and (error := starting.exception()) is not None:
                self.fail(error)
            elif failing.done():
                self.fail(failing.exception() or failing.result())
            await cancelled(starting, failing)
            await self._worker.stop()
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            self._worker.pulse.beat()
            await asyncio.sleep(BEAT_EVERY_S)
