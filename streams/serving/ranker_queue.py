"""Requests that wait for one thing together: what waits when the core's thread comes to it is one batch.

A request is read, in one call with those that wait beside it, and then waits for the core. The batch is made
up in the core's thread, at the last moment: whatever was read by then is in it. So a request that comes while
the core works does not get a batch of its own, and the core does not rest while the loop makes one up.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar, cast

from model.errors import RankerBusyError, RankerLateError
from streams.cancelling import cancelled
from streams.serving.ranker_watch import RankerWatch

A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")

SIDE_BY_SIDE = 2
"""Reads under way; what comes meanwhile is read together."""


class _Waits(Generic[A, B, R]):
    """One request. `asked` becomes `ready` when it is read; since_s: when it began to wait; waited_s: how
    long it has waited before; due_s: of the loop's clock, when it is given up.
    """

    __slots__ = ("answer", "asked", "due_s", "ready", "since_s", "waited_s")

    def __init__(self, asked: A, answer: asyncio.Future[R], due_s: float) -> None:
        self.asked, self.answer, self.due_s = asked, answer, due_s
        self.since_s, self.waited_s = time.perf_counter(), 0.0
        self.ready: B


class RankerQueue(Generic[A, B, R]):
    """`read` makes ready each of several requests; None where they come ready. `work` makes an answer for
    each of a batch, or the reason why there is none. It is given what takes the next batch, and calls that
    in the core's thread first. Both have `batch_max` at most. `queue_max` may wait, for `timeout_s` each,
    until they are answered.
    """

    def __init__(
        self,
        read: Callable[[Sequence[A]], Awaitable[Sequence[B]]] | None,
        work: Callable[[Callable[[], list[B]]], Awaitable[Sequence[R | Exception]]],
        batch_max: int,
        queue_max: int,
        timeout_s: float,
        watch: RankerWatch,
    ) -> None:
        self._read, self._work = read, work
        self._batch_max, self._queue_max = batch_max, queue_max
        self._timeout_s, self.watch = timeout_s, watch
        self._unread: deque[_Waits[A, B, R]] = deque()
        self._ready: deque[_Waits[A, B, R]] = deque()
        self._due: dict[_Waits[A, B, R], None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._called = False
        self._reads: set[asyncio.Task[None]] = set()
        self._batches: set[asyncio.Task[None]] = set()

    async def answer(self, asked: A) -> R:
        """Raises `RankerBusyError`, `RankerLateError`, and whatever `read` or `work` say of this one."""
        if (waiting := len(self._unread) + len(self._ready)) >= self._queue_max:
            raise RankerBusyError(f"{waiting} requests wait already")
        loop = asyncio.get_running_loop()
        entry = _Waits[A, B, R](asked, loop.create_future(), loop.time() + self._timeout_s)
        self._due[entry] = None
        if self._timer is None:
            self._timer = loop.call_at(entry.due_s, self._check_due)
        if self._read is None:
            entry.ready = cast("B", asked)
            self._ready.append(entry)
            self._call()
        else:
            self._unread.append(entry)
            self._begin_reads()
        self._say_waiting()
        try:
            return await entry.answer
        finally:
            self._due.pop(entry, None)
            if entry.answer.cancelled():  # nobody waits for it any more
                self._leave(entry)

    def _check_due(self) -> None:
        """All have the same time, so who came first is due first, and one timer does for all."""
        loop, self._timer = asyncio.get_running_loop(), None
        while self._due and (entry := next(iter(self._due))).due_s <= loop.time():
            del self._due[entry]
            if not entry.answer.done():
                late = RankerLateError(f"no ranking within {1_000 * self._timeout_s:.0f} ms")
                entry.answer.set_exception(late)
                self._leave(entry)
        if self._due:
            self._timer = loop.call_at(next(iter(self._due)).due_s, self._check_due)

    def _leave(self, entry: _Waits[A, B, R]) -> None:
        for waiting in (self._unread, self._ready):
            try:
                waiting.remove(entry)
            except ValueError:  # it is not there, or the core's thread has just taken it
                continue
        self._say_waiting()

    def _say_waiting(self) -> None:
        self.watch.waits(len(self._unread) + len(self._ready))

    def _begin_reads(self) -> None:
        while self._unread and len(self._reads) < SIDE_BY_SIDE:
            entries = [self._unread.popleft() for _ in range(min(len(self._unread), self._batch_max))]
            self._begin(self._have_read(entries), self._reads, self._begin_reads)

    async def _have_read(self, entries: Sequence[_Waits[A, B, R]]) -> None:
        assert self._read is not None
        now_s = time.perf_counter()
        for entry in entries:
            entry.waited_s = now_s - entry.since_s
        try:
            made = await self._read([entry.asked for entry in entries])
        except BaseException as error:
            _fail(entries, error)
            if not isinstance(error, Exception):
                raise
            return
        now_s = time.perf_counter()
        for entry, ready in zip(entries, made, strict=True):
            entry.ready, entry.since_s = ready, now_s
            if not entry.answer.done():
                self._ready.append(entry)
        self._call()

    def _call(self) -> None:
        """Have the core come to what is ready; where it was called and has not come yet, it takes all."""
        if self._ready and not self._called:
            self._called = True
            self._begin(self._have_worked(), self._batches, self._call)

    async def _have_worked(self) -> None:
        taken = _Taken[A, B, R](self._take)
        try:
            made = await self._work(taken)
        except BaseException as error:
            if not taken.begun_s:  # the core can't be asked at all
                taken.entries = self._take()
            _fail(taken.entries, error)
            if not isinstance(error, Exception):
                raise
            return
        self._say_waiting()
        for entry, result in zip(taken.entries, made, strict=True):
            self.watch.took("queue", entry.waited_s + taken.begun_s - entry.since_s)
            if entry.answer.done():
                continue
            if isinstance(result, Exception):
                entry.answer.set_exception(result)
            else:
                entry.answer.set_result(result)

    def _take(self) -> list[_Waits[A, B, R]]:
        """The next batch, without those that nobody waits for any more. In the core's thread: the loop's adds
        at the other end, and has the core called again for what it adds from now on.
        """
        self._called = False
        entries: list[_Waits[A, B, R]] = []
        while len(entries) < self._batch_max:
            try:
                entry = self._ready.popleft()
            except IndexError:
                break
            if not entry.answer.done():
                entries.append(entry)
        return entries

    def _begin(
        self, work: Coroutine[None, None, None], among: set[asyncio.Task[None]], then: Callable[[], None]
    ) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            among.discard(task)
            if not task.cancelled():
                task.exception()
                then()

        task = asyncio.create_task(work)
        among.add(task)
        task.add_done_callback(ended)

    async def close(self) -> None:
        """Give up what waits and what is under way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for entry in list(self._due):  # also of a read that was never begun
            entry.answer.cancel()
        self._unread.clear()
        self._ready.clear()
        under_way = [*self._reads, *self._batches]
        await cancelled(*under_way)


class _Taken(Generic[A, B, R]):
    """Takes a batch when it is called first, in the core's thread; then that is the batch. begun_s: when that
    was, by `time.perf_counter`; 0 before.
    """

    def __init__(self, take: Callable[[], list[_Waits[A, B, R]]]) -> None:
        self._take, self.begun_s = take, 0.0
        self.entries: list[_Waits[A, B, R]] = []

    def __call__(self) -> list[B]:
        if not self.begun_s:
            self.begun_s = time.perf_counter()
            self.entries = self._take()
        return [entry.ready for entry in self.entries]


def _fail(entries: Sequence[_Waits[Any, Any, Any]], error: BaseException) -> None:
    """Tell each of them why there is no answer."""
    for entry in entries:
        if not entry.answer.done():
            if isinstance(error, Exception):
                entry.answer.set_exception(error)
            else:
                entry.answer.cancel()
