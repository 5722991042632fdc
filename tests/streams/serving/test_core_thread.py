"""The core's thread: one call at a time, in order, seen to its end."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from streams.serving.core_thread import CoreThread


async def test_calls_come_one_at_a_time_in_one_thread_and_in_their_order() -> None:
    core, order, threads = CoreThread(), list[int](), set[threading.Thread]()

    def call(n: int) -> int:
        threads.add(threading.current_thread())
        order.append(n)
        return n * n

    calls = []
    for n in range(0, 30, 2):
        calls.append(asyncio.create_task(core.call(call, n)))
        await asyncio.sleep(0)  # so that it is asked before the next one
        core.post(call, n + 1)
    assert [await each for each in calls] == [n * n for n in range(0, 30, 2)]
    await core.close()
    assert order == list(range(30))
    assert len(threads) == 1
    assert threads != {threading.current_thread()}
    assert not threads & {*threading.enumerate()}, "it has ended"
    core.post(call, 30)
    assert len(order) == 30


async def test_what_a_call_raises_is_raised_and_what_a_posted_one_raises_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    core = CoreThread()
    with pytest.raises(ZeroDivisionError):
        await core.call(divmod, 1, 0)
    with caplog.at_level(logging.ERROR):
        core.post(divmod, 1, 0)
        assert await core.call(divmod, 7, 2) == (3, 1), "the thread goes on"
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


async def test_a_call_is_over_when_its_caller_is_cancelled() -> None:
    core, begun, go_on = CoreThread(), threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        go_on.wait(60)

    calling = asyncio.create_task(core.call(call))
    await asyncio.to_thread(begun.wait, 60)
    calling.cancel()
    await asyncio.sleep(0.01)
    assert not calling.done()
    go_on.set()
    await asyncio.wait([calling])
    assert calling.cancelled()
