"""Batches out of a queue: begun one behind the other, acknowledged once written, drained, or given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from model.errors import ProgressError
from streams.settings import Settings
from streams.worker.app import Intake
from streams.worker.message import Message


class Event:
    """As Faust hands it on."""

    def __init__(self, offset: int, generation: int = 1) -> None:
        self.acked = False
        self.message = SimpleNamespace(
            topic="headrace.clicks", partition=0, offset=offset, timestamp=1.0, key=b"ann", value=b"{}",
            headers=(), generation_id=generation, since=offset, seek=0, undecodable="",
        )  # fmt: skip

    def ack(self) -> None:
        self.acked = True


class Handler:
    """Each batch is written when its turn comes in `write`; what it refuses is not done."""

    def __init__(self) -> None:
        self.begun: list[list[int]] = []
        self.writes: list[asyncio.Task[list[Message]]] = []
        self.gates: list[asyncio.Event] = []
        self.refused: set[int] = set()
        self.moves: list[int] = []

    async def begin(self, messages: Sequence[Message]) -> asyncio.Task[list[Message]]:
        self.begun.append([message.offset for message in messages])
        if self.writes:
            await asyncio.wait([self.writes[-1]])
        gate = asyncio.Event()
        self.gates.append(gate)
        self.writes.append(asyncio.create_task(self._write(messages, gate)))
        return self.writes[-1]

    async def _write(self, messages: Sequence[Message], gate: asyncio.Event) -> list[Message]:
        await gate.wait()
        if any(message.offset == 13 for message in messages):
            raise ProgressError("can't go on")
        return [message for message in messages if message.offset not in self.refused]

    def moved(self) -> None:
        assert not self.writes or self.writes[-1].done()
        self.moves.append(len(self.begun))


class Running:
    """An intake on a queue of its own."""

    def __init__(self) -> None:
        self.handler, self.queue = Handler(), asyncio.Queue[Event]()
        self.app = SimpleNamespace(consumer_generation_id=1)
        self.intake = Intake(Settings(), self.handler)
        self.task = asyncio.create_task(self.intake.run(self.app, self.queue))

    async def put(self, *events: Event) -> None:
        for event in events:
            self.queue.put_nowait(event)
        await turns()


async def turns() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@asynccontextmanager
async def intake() -> AsyncIterator[Running]:
    running = Running()
    await turns()
    yield running
    running.task.cancel()
    await asyncio.wait([running.task])


async def test_what_is_queued_is_one_batch_and_the_next_is_begun_behind_it() -> None:
    events = [Event(n) for n in range(4)]
    async with intake() as running:
        await running.put(*events[:3])
        await running.put(events[3])
        assert running.handler.begun == [[0, 1, 2], [3]]
        assert not any(event.acked for event in events)
        running.handler.gates[0].set()
        await turns()
        assert [event.acked for event in events] == [True, True, True, False]
        running.handler.gates[1].set()
        await turns()
        assert events[3].acked, "though no other event came"


async def test_what_is_not_done_is_not_acknowledged() -> None:
    events = [Event(0), Event(1)]
    async with intake() as running:
        running.handler.refused = {1}
        await running.put(*events)
        running.handler.gates[0].set()
        await turns()
        assert [event.acked for event in events] == [True, False]


async def test_partitions_that_move_are_told_between_two_batches() -> None:
    async with intake() as running:
        await running.put(Event(0))
        running.app.consumer_generation_id = 2
        await running.put(Event(1), Event(2, generation=2))
        assert running.handler.moves == [0]
        running.handler.gates[0].set()
        await turns()
        assert running.handler.begun == [[0], [2]], "1 is read again by whoever has its partition now"
        assert running.handler.moves == [0, 1]


async def test_draining_waits_for_what_is_being_written_and_begins_nothing() -> None:
    first, second, late = Event(0), Event(1), Event(2)
    async with intake() as running:
        await running.put(first)
        await running.put(second)
        draining = asyncio.create_task(running.intake.drain())
        running.handler.gates[0].set()
        await running.put(late)
        assert not draining.done(), "the second batch was begun before"
        running.handler.gates[1].set()
        await draining
        assert [event.acked for event in (first, second, late)] == [True, True, False]
        assert running.handler.begun == [[0], [1]]


async def test_a_batch_that_can_not_be_written_ends_it() -> None:
    """Also where no other event comes: going on would lose events."""
    async with intake() as running:
        await running.put(Event(13))
        running.handler.gates[0].set()
        with pytest.raises(ProgressError):
            await running.task


async def test_nothing_goes_on_behind_an_intake_that_was_cancelled() -> None:
    async with intake() as running:
        await running.put(Event(0))
        running.task.cancel()
        await turns()
        assert running.handler.writes[0].cancelled()
