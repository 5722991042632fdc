"""What waits for the core's thread when it comes is one batch; nobody waits in it for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from model.errors import RankerBusyError, RankerLateError
from streams.serving.core_thread import CoreThread
from streams.serving.ranker_queue import RankerQueue
from streams.serving.ranker_watch import Unwatched


class Kitchen:
    """A queue of numbers before a core's thread that a test can hold up. `batches`: what it took at once."""

    def __init__(self, batch_max: int = 8, queue_max: int = 100, timeout_s: float = 30.0) -> None:
        self.core, self.free = CoreThread(), threading.Event()
        self.batches: list[list[int]] = []
        self.reads: list[list[int]] = []
        self.queue: RankerQueue[int, int, str] = RankerQueue(
            self.read, self.work, batch_max, queue_max, timeout_s, Unwatched()
        )

    async def read(self, asked: Sequence[int]) -> list[int]:
        self.reads.append(list(asked))
        if 13 in asked:
            raise ValueError("nothing is known of 13")
        await asyncio.sleep(0)
        return list(asked)

    async def work(self, take: Callable[[], list[int]]) -> Sequence[str | Exception]:
        def cook() -> list[str | Exception]:
            self.batches.append(batch := take())
            return [KeyError(each) if each < 0 else f"{each} is done" for each in batch]

        return await self.core.call(cook)

    async def has_read(self, asked: int) -> None:
        async with asyncio.timeout(60):
            while sum(map(len, self.reads)) < asked:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.001)
        for _ in range(20):  # until what was read waits for the core
            await asyncio.sleep(0)


@asynccontextmanager
async def open_kitchen(**bounds: float) -> AsyncIterator[Kitchen]:
    """Its core is held up until `free` is set."""
    kitchen = Kitchen(**bounds)  # type: ignore[arg-type]
    kitchen.core.post(kitchen.free.wait)
    try:
        yield kitchen
    finally:
        kitchen.free.set()
        await kitchen.queue.close()
        await kitchen.core.close()


async def test_what_comes_one_by_one_while_the_core_is_busy_is_one_batch() -> None:
    async with open_kitchen() as kitchen:
        asking = []
        for n in range(4):
            asking.append(asyncio.create_task(kitchen.queue.answer(n)))
            await kitchen.has_read(n + 1)
        assert kitchen.reads == [[0], [1], [2], [3]]
        kitchen.free.set()
        assert await asyncio.gather(*asking) == [f"{n} is done" for n in range(4)]
        assert [batch for batch in kitchen.batches if batch] == [[0, 1, 2, 3]]
        assert await kitchen.queue.answer(7) == "7 is done"


async def test_a_batch_has_its_most_and_the_rest_is_the_next_one() -> None:
    async with open_kitchen(batch_max=3) as kitchen:
        asking = [asyncio.create_task(kitchen.queue.answer(n)) for n in range(8)]
        await kitchen.has_read(8)
        kitchen.free.set()
        assert await asyncio.gather(*asking) == [f"{n} is done" for n in range(8)]
        assert [batch for batch in kitchen.batches if batch] == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_each_is_told_what_went_wrong_with_it() -> None:
    async with open_kitchen() as kitchen:
        kitchen.free.set()
        with pytest.raises(ValueError, match="13"):
            await kitchen.queue.answer(13)
        wrong, right = await asyncio.gather(
            kitchen.queue.answer(-1), kitchen.queue.answer(1), return_exceptions=True
        )
        assert isinstance(wrong, KeyError)
        assert right == "1 is done"


async def test_who_waits_for_the_core_counts() -> None:
    async with open_kitchen(queue_max=2) as kitchen:
        asking = [asyncio.create_task(kitchen.queue.answer(n)) for n in range(2)]
        await kitchen.has_read(2)
        with pytest.raises(RankerBusyError):
            await kitchen.queue.answer(2)
        kitchen.free.set()
        assert await asyncio.gather(*asking) == ["0 is done", "1 is done"]
        assert await kitchen.queue.answer(3) == "3 is done"


async def test_who_waits_for_the_core_leaves_in_time() -> None:
    async with open_kitchen(queue_max=2, timeout_s=0.1) as kitchen:
        for _ in range(2):  # those of the first round are in nobody's way
            ends = await asyncio.gather(*map(kitchen.queue.answer, range(2)), return_exceptions=True)
            assert [type(each) for each in ends] == [RankerLateError] * 2
        kitchen.free.set()
        await kitchen.core.call(len, kitchen.batches)  # it comes after what waited
        assert [batch for batch in kitchen.batches if batch] == [], "nobody waits for them"


async def test_a_core_that_is_closed_fails_those_who_wait() -> None:
    async with open_kitchen() as kitchen:
        kitchen.free.set()
        await kitchen.core.close()
        with pytest.raises(RuntimeError, match="closed"):
            await kitchen.queue.answer(1)


async def test_who_waits_when_all_is_given_up_waits_no_more() -> None:
    """Also those whose reading is still to begin."""

    async def read(asked: Sequence[int]) -> Sequence[int]:
        return asked

    async def work(take: Callable[[], list[int]]) -> Sequence[int]:
        return take()

    queue: RankerQueue[int, int, int] = RankerQueue(read, work, 8, 8, 60.0, Unwatched())
    asking = asyncio.create_task(queue.answer(0))
    await asyncio.sleep(0)  # its reading is a task that has not run yet
    await queue.close()
    await asyncio.wait([asking], timeout=10)
    assert asking.cancelled()


async def test_under_many_clients_each_has_an_answer_of_its_own() -> None:
    async with open_kitchen(batch_max=5) as kitchen:
        kitchen.free.set()

        async def client(first: int) -> None:
            for n in range(first, first + 50):
                assert await kitchen.queue.answer(n) == f"{n} is done"

        await asyncio.gather(*(client(1_000 * k) for k in range(1, 30)))
        taken = [each for batch in kitchen.batches for each in batch]
        assert len(taken) == len(set(taken)) == 29 * 50


async def test_a_batch_that_is_made_again_is_the_same() -> None:
    """Who came meanwhile waits for the next one."""
    batches: list[list[int]] = []
    later: list[asyncio.Task[int]] = []

    async def work(take: Callable[[], list[int]]) -> Sequence[int]:
        taken = take()
        if not later:
            later.append(asyncio.create_task(queue.answer(1)))
        await asyncio.sleep(0)
        batches.extend((taken, take()))
        return taken

    queue: RankerQueue[int, int, int] = RankerQueue(None, work, 8, 8, 5.0, Unwatched())
    assert await queue.answer(0) == 0
    assert await later[0] == 1
    assert batches == [[0], [0], [1], [1]]
    await queue.close()
