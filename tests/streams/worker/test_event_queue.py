"""Faust's queue with a bell: it rings for each event and for what is thrown, and gives what is there."""

from __future__ import annotations

import asyncio

import pytest
from mode.utils.queues import FlowControlEvent

from streams.worker.event_queue import EventQueue


def queue_with_bell(maxsize: int = 0) -> tuple[EventQueue, list[int]]:
    queue, rung = EventQueue(maxsize, flow_control=FlowControlEvent(initially_suspended=False)), list[int]()
    queue.ring = lambda: rung.append(queue.qsize())
    return queue, rung


async def test_it_rings_once_an_event_is_there_and_gives_all_in_order() -> None:
    queue, rung = queue_with_bell()
    queue.put_nowait("a")
    await queue.put("b")
    queue.put_nowait("c")
    assert rung == [1, 2, 3]
    assert queue.take(2) == ["a", "b"]
    assert queue.take(9) == ["c"]
    assert queue.take(9) == []
    assert queue.empty()


async def test_what_is_thrown_rings_and_comes_before_what_is_there() -> None:
    """So does Faust's own: the stream has ended, and somebody else reads what is left."""
    queue, rung = queue_with_bell()
    queue.put_nowait("a")
    await queue.throw(StopAsyncIteration())
    assert len(rung) == 2
    assert not queue.empty()
    with pytest.raises(StopAsyncIteration):
        queue.take(9)
    assert queue.take(9) == ["a"]


async def test_who_waits_for_room_gets_it() -> None:
    queue, _ = queue_with_bell(maxsize=1)
    queue.put_nowait("a")
    putting = asyncio.create_task(queue.put("b"))
    await asyncio.sleep(0)
    assert queue.take(9) == ["a"]
    await putting
    assert queue.take(9) == ["b"]
