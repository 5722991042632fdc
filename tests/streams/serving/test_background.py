"""Work that can wait: what it returns, and that it yields."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from streams.serving.background import LOWEST_PRIORITY, Background, in_thread


async def test_a_call_gives_what_the_function_returns_or_raises() -> None:
    background = Background()
    assert await background.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await background.call(divmod, 7, 0)


async def test_closing_ends_the_thread_when_it_is_done_and_begins_nothing_new() -> None:
    background, begun, done = Background(), threading.Event(), threading.Event()

    def first() -> threading.Thread:
        begun.set()
        done.wait(30)
        return threading.current_thread()

    running = asyncio.create_task(background.call(first))
    waiting = asyncio.create_task(background.call(divmod, 7, 2))
    await asyncio.to_thread(begun.wait, 30)
    closing = asyncio.create_task(background.close())
    with pytest.raises(asyncio.CancelledError):
        await waiting
    done.set()
    await closing
    thread = await running
    assert not thread.is_alive()
    await Background().close()


@pytest.mark.parametrize("error", [None, ValueError("of no use")])
async def test_a_call_in_a_thread_is_over_when_its_caller_is_cancelled(error: Exception | None) -> None:
    begun, done, over = threading.Event(), threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        done.wait(30)
        over.set()
        if error is not None:
            raise error

    calling = asyncio.create_task(in_thread(call))
    await asyncio.to_thread(begun.wait, 30)
    calling.cancel()
    await asyncio.sleep(0.01)
    assert not calling.done()
    done.set()
    await asyncio.wait([calling])
    assert calling.cancelled()
    assert over.is_set()


async def test_a_call_in_a_thread_gives_what_the_function_returns_or_raises() -> None:
    assert await in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
async def test_only_its_own_thread_has_the_lowest_priority() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = priority()
    assert await Background().call(priority) == LOWEST_PRIORITY
    assert priority() == before
