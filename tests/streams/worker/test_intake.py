"""Batches out of a queue: in step, begun one behind the other, acknowledged once written, drained, or given
up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from faust.types import TP
from mode.utils.queues import FlowControlEvent

from model.errors import ProgressError
from streams.kafka.message import Message
from streams.kafka.record import Record
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.worker.event_queue import EventQueue
from streams.worker.intake import HELD_BACK_EVENTS, MOVING_S, TURN_EVENTS, BatchIntake, as_message


class Event(Record):
    """As the driver hands it on."""

    def __init__(self, offset: int, generation: int = 1, topic: str = "clicks", ts: int = 0) -> None:
        super().__init__(TP(f"headrace.{topic}", 0), offset, 9.0, b"ann", b'{"ts":%d}' % ts, ())
        self.generation_id, self.since = generation, offset

    def ack(self) -> bool:
        self.acked = True
        return True


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

    def early(self, message: Message) -> Message:
        return message

    def moved(self) -> None:
        assert not self.writes or self.writes[-1].done()
        self.moves.append(len(self.begun))


class Consumer:
    """Has clicks-0 and reviews-0, of which what is in `ends` is still to come; notes whom it holds back."""

    def __init__(self) -> None:
        self.ends: dict[str, int] = {}
        self.flow_active = True
        self.held_back: set[TP] = set()
        self.on_buffer_full, self.on_buffer_drop = self.held_back.add, self.held_back.discard

    def assignment(self) -> set[TP]:
        return {TP("headrace.clicks", 0), TP("headrace.reviews", 0)}

    def more_to_come(self, partition: TP, last: int) -> bool:
        return last + 1 < self.ends.get(partition.topic, 0)


class Running:
    """An intake on a queue of its own."""

    def __init__(self, wait_ms: int = 60_000) -> None:
        self.handler, self.queue = Handler(), EventQueue(flow_control=FlowControlEvent())
        self.consumer = Consumer()
        self.app = SimpleNamespace(consumer_generation_id=1, consumer=self.consumer)
        settings = override(Settings(), {"worker": {"in_step_wait_ms": wait_ms}})
        self.intake = BatchIntake(settings, self.handler)
        self.task = asyncio.create_task(self.intake.run(self.app, self.queue))

    async def put(self, *events: Event) -> None:
        for event in events:
            self.queue.put_nowait(event)
        await turns()


async def turns() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@asynccontextmanager
async def intake(wait_ms: int = 60_000) -> AsyncIterator[Running]:
    running = Running(wait_ms)
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


async def test_a_long_queue_is_one_batch_and_the_loop_has_its_turns_meanwhile() -> None:
    async with intake() as running:
        count, most = 2 * TURN_EVENTS + 3, Settings().worker.batch_max
        await running.put(*(Event(n) for n in range(count)))
        for gate in (0, 1):
            running.handler.gates[gate].set()
            await turns()
        assert running.handler.begun == [list(range(most)), list(range(most, count))]


def test_a_message_tells_when_the_client_had_it_and_when_the_loop_had_it() -> None:
    record = Event(0)
    record.fetched_ms, record.handed_ms = 7.25, 7.5
    assert as_message(record, len("headrace.")).passed == {"fetched": 7.25, "handed": 7.5}


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


async def test_what_is_there_of_two_topics_is_begun_in_the_order_of_its_times() -> None:
    async with intake() as running:
        clicks, reviews = [Event(n, ts=2 * n) for n in (0, 1)], [Event(5, topic="reviews", ts=1)]
        await running.put(*clicks, *reviews)
        assert running.handler.begun == [[0, 5, 1]]


async def test_an_event_waits_for_a_topic_of_which_more_is_to_come_and_for_no_other() -> None:
    async with intake() as running:
        running.consumer.ends = {"headrace.reviews": 1}
        await running.put(Event(10, ts=2), Event(11, ts=2))
        assert running.handler.begun == []
        assert running.intake.queued() == 2
        assert running.intake.in_turn() == {"clicks-0": ["reviews-0"]}
        await running.put(Event(0, topic="reviews", ts=1))
        assert running.handler.begun == [[0, 10, 11]]
        running.handler.gates[0].set()
        await running.put(Event(12, ts=3))
        assert running.handler.begun == [[0, 10, 11], [12]], "reviews have brought all they had"


async def test_a_batch_is_acknowledged_while_the_next_events_wait() -> None:
    first = Event(0)
    async with intake() as running:
        await running.put(first)
        running.consumer.ends = {"headrace.reviews": 1}
        await running.put(Event(1))
        running.handler.gates[0].set()
        await turns()
        assert first.acked
        assert running.handler.begun == [[0]]


async def test_an_event_waits_no_longer_than_the_bound() -> None:
    async with intake(wait_ms=50) as running:
        running.consumer.ends = {"headrace.reviews": 1}
        await running.put(Event(0))
        async with asyncio.timeout(30):
            while not running.handler.begun:  # noqa: ASYNC110  # the stand-in tells nobody
                await asyncio.sleep(0.01)
        assert running.handler.begun == [[0]]


async def test_a_topic_that_turns_out_to_bring_nothing_more_is_waited_for_no_longer() -> None:
    """Its last offsets were a transaction's marks, say: no event tells of them."""
    async with intake() as running:
        running.consumer.ends = {"headrace.reviews": 1}
        await running.put(Event(0))
        running.consumer.ends = {}
        async with asyncio.timeout(30):
            while not running.handler.begun:  # noqa: ASYNC110  # the stand-in tells nobody
                await asyncio.sleep(0.01)


async def test_what_waits_when_partitions_move_is_left_to_whoever_has_them_now() -> None:
    async with intake() as running:
        running.consumer.ends = {"headrace.reviews": 1}
        await running.put(Event(0))
        running.app.consumer_generation_id = 2
        running.consumer.ends = {}
        await running.put(Event(0, generation=2), Event(1, generation=1))
        assert running.handler.begun == [[0]]
        assert running.intake.queued() == 0


async def test_nothing_goes_ahead_of_its_turn_while_partitions_move() -> None:
    """The client has given them back, and says of none that more of it is to come; its queue is cleared."""
    async with intake() as running:
        running.consumer.ends = {"headrace.clicks": 9}
        await running.put(Event(1, topic="reviews", ts=20))
        running.consumer.flow_active, running.consumer.ends = False, {}
        await running.put(Event(2, topic="reviews", ts=30))
        await asyncio.sleep(3 * MOVING_S)
        assert running.handler.begun == []
        running.app.consumer_generation_id, running.consumer.flow_active = 2, True
        await running.put(Event(0, generation=2, ts=10), Event(1, generation=2, topic="reviews", ts=20))
        assert running.handler.begun == [[0, 1]]


async def test_what_waits_while_partitions_move_goes_on_where_they_stay() -> None:
    async with intake() as running:
        running.consumer.flow_active = False
        await running.put(Event(0))
        assert running.handler.begun == []
        running.consumer.flow_active = True
        await asyncio.sleep(10 * MOVING_S)
        assert running.handler.begun == [[0]]


async def test_a_topic_that_is_far_ahead_is_held_back_until_half_of_it_is_taken() -> None:
    async with intake() as running:
        running.consumer.ends = {"headrace.reviews": 1}
        await running.put(*(Event(100 + n, ts=1) for n in range(HELD_BACK_EVENTS)))
        assert running.consumer.held_back == {TP("headrace.clicks", 0)}
        await running.put(Event(0, topic="reviews", ts=2))
        for at in range(4):
            running.handler.gates[at].set()
            await turns()
        assert running.consumer.held_back == set()
        assert sum(map(len, running.handler.begun)) == HELD_BACK_EVENTS + 1


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
