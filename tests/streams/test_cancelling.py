"""A task that is to end ends, though a cancellation of it was lost."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from streams import cancelling
from streams.cancelling import cancelled


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "AGAIN_AFTER_S", 0.05)


async def closed() -> None:
    """As aiokafka's client closes: it waits for a task that it has cancelled."""
    other = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    other.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await other


async def test_a_loop_that_lost_its_cancellation_ends() -> None:
    reached, lost = asyncio.Event(), 0

    async def loop() -> None:
        nonlocal lost
        while True:
            reached.set()
            await closed()
            lost += 1
            await asyncio.sleep(60)

    task = asyncio.create_task(loop())
    await reached.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await cancelled(task)
    assert task.cancelled()
    assert lost == 1, "the first one was swallowed"


async def test_what_cleans_up_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "AGAIN_AFTER_S", 60.0)
    cleaned = False

    async def clean() -> None:
        nonlocal cleaned
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned = True

    tasks = [asyncio.create_task(clean()), asyncio.create_task(asyncio.sleep(0))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await cancelled(*tasks)
    assert cleaned
    assert all(task.done() for task in tasks)


async def test_nothing_is_waited_for_where_nothing_runs() -> None:
    await cancelled()


async def test_an_error_is_left_to_whoever_reads_it() -> None:
    async def fail() -> None:
        raise ValueError("as it should")

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    await cancelled(task)
    assert isinstance(task.exception(), ValueError)
