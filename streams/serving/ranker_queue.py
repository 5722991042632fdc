"""Requests that wait for one thing together: what waits when a batch may begin is that batch."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from model.errors import RankerBusyError, RankerLateError
from streams.serving.ranker_watch import RankerWatch

A = TypeVar("A")
R = TypeVar("R")

SIDE_BY_SIDE = 2
"""Batches under way: the store is read for one while the core works on the other."""


class RankerQueue(Generic[A, R]):
    """`work` makes an answer, or the reason why there is none, for each of a batch; it has `batch_max` at
    most. `queue_max` may wait, for `timeout_s` each, until they are answered.
    """

    def __init__(
        self,
        work: Callable[[Sequence[A]], Awaitable[Sequence[R | Exception]]],
        batch_max: int,
        queue_max: int,
        timeout_s: float,
        watch: RankerWatch,
    ) -> None:
        self._work, self._batch_max, self._queue_max = work, batch_max, queue_max
        self._timeout_s, self.watch = timeout_s, watch
        self._waiting: deque[tuple[A, asyncio.Future[R], float]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def answer(self, asked: A) -> R:
        """Raises `RankerBusyError`, `RankerLateError`, and whatever `work` says of this one."""
        if len(self._waiting) >= self._queue_max:
            raise RankerBusyError(f"{len(self._waiting)} requests wait already")
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        entry = asked, answer, time.perf_counter()
        self._waiting.append(entry)
        self.watch.waits(len(self._waiting))
        self._begin()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError:
            raise RankerLateError(f"no ranking within {1_000 * self._timeout_s:.0f} ms") from None
        finally:
            if not answer.done() or answer.cancelled():  # nobody waits for it any more
                self._leave(entry)

    def _leave(self, entry: tuple[A, asyncio.Future[R], float]) -> None:
        answer = entry[1]
        answer.cancel()
        self._waiting = deque(each for each in self._waiting if each[1] is not answer)
        self.watch.waits(len(self._waiting))

    def _begin(self) -> None:
        while self._waiting and len(self._under_way) < SIDE_BY_SIDE:
            batch = self._next()
            if batch:
                task = asyncio.create_task(self._answer(batch))
                self._under_way.add(task)
                task.add_done_callback(self._ended)

    def _next(self) -> list[tuple[A, asyncio.Future[R]]]:
        """The next batch, without those that nobody waits for any more."""
        batch: list[tuple[A, asyncio.Future[R]]] = []
        now_s = time.perf_counter()
        while self._waiting and len(batch) < self._batch_max:
            asked, answer, since_s = self._waiting.popleft()
            if not answer.done():
                batch.append((asked, answer))
                self.watch.took("queue", now_s - since_s)
        self.watch.waits(len(self._waiting))
        return batch

    async def _answer(self, batch: Sequence[tuple[A, asyncio.Future[R]]]) -> None:
        try:
            made = await self._work([asked for asked, _ in batch])
        except BaseException as error:
            for _, answer in batch:
                if not answer.done():
                    if isinstance(error, Exception):
                        answer.set_exception(error)
                    else:
                        answer.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for (_, answer), result in zip(batch, made, strict=True):
            if answer.done():
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()
            self._begin()

    async def close(self) -> None:
        """Give up what waits and what is under way."""
        for _, answer, _ in self._waiting:
            answer.cancel()
        self._waiting.clear()
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)
