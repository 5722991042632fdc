"""What the driver says of its partitions, and where it goes back to, over aiokafka's own state of them; and
how records come into the agent's queue.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.kafka.fetched import Fetched
from streams.kafka.record import Chunk, Record
from streams.worker.aiokafka_thread import AiokafkaThread
from streams.worker.driver import Consumer
from tests.streams.kafka.fetching import CLICKS, Fetcher, read_all
from tests.streams.kafka.record_batches import batch, record

PARTITION = TP(*CLICKS)


class Message:
    acked = False
    tp = PARTITION

    def __init__(self, offset: int) -> None:
        self.offset = offset


class Driven:
    """A consumer whose thread reads a made log."""

    def __init__(self, events: int) -> None:
        self.fetcher = Fetcher([batch(0, [record(n) for n in range(events)])], events)
        self.fetched = Fetched()
        thread: Any = AiokafkaThread.__new__(AiokafkaThread)
        client = SimpleNamespace(
            _subscription=self.fetcher._subscriptions, seek=lambda _, offset: self.fetcher.seek(offset)
        )
        thread.fetched, thread._ensure_consumer = self.fetched, lambda: client
        thread.call_thread = lambda ask, *arguments: ask(*arguments)
        self.consumer: Any = Consumer.__new__(Consumer)
        self.consumer._thread, self.consumer._acknowledged, self.consumer._dropped = thread, {}, True
        self.consumer._unacked_messages, self.consumer._committed = set(), {}

    async def read(self) -> None:
        await read_all(self.fetcher, self.fetched)

    def acknowledge(self, offset: int) -> None:
        self.consumer.ack(Message(offset))

    def assign_again(self, committed: int) -> None:
        self.fetcher._subscriptions.assign_from_user({CLICKS})
        self.consumer._acknowledged.clear()
        self.fetcher.seek(committed)

    @property
    def standing(self) -> int | None:
        standing: int | None = self.consumer._standing(PARTITION)
        return standing


async def test_what_was_read_before_a_rebalance_is_not_read_again_and_waits_no_more() -> None:
    driven = Driven(events=8)
    await driven.read()
    driven.acknowledge(7)
    assert driven.standing == 8
    driven.assign_again(committed=8)
    assert driven.standing == 8, "though nothing was read of it since"
    await driven.consumer._go_back()
    assert driven.fetcher.position == 8


async def test_what_is_dropped_after_a_rebalance_is_read_again_from_where_it_was_begun() -> None:
    driven = Driven(events=8)
    await driven.read()
    driven.assign_again(committed=5)
    assert driven.standing == 5
    await driven.read()
    assert (driven.standing, driven.fetcher.position) == (5, 8)
    await driven.consumer._go_back()
    assert driven.fetcher.position == 5


async def test_what_the_client_has_read_is_to_come_until_it_is_handed_on() -> None:
    """It is at the end of the log, and its events are on their way."""
    driven = Driven(events=8)
    await driven.read()
    driven.fetcher._state.highwater = 8
    assert driven.consumer.more_to_come(PARTITION, 6)
    assert not driven.consumer.more_to_come(PARTITION, 7)
    driven.assign_again(committed=8)
    driven.fetcher._state.highwater = 8
    assert not driven.consumer.more_to_come(PARTITION, 6), "it was read before"


async def test_deleted_records_behind_all_that_was_read_do_not_wait() -> None:
    """The client goes on where the log begins; there it finds nothing yet."""
    driven = Driven(events=4)
    await driven.read()
    driven.acknowledge(2)
    driven.fetcher.seek(9)
    assert driven.standing == 3, "the last one that was read is not done with"
    driven.acknowledge(3)
    assert driven.standing == 9


async def test_what_is_read_again_is_no_longer_committed() -> None:
    """Else a worker that is killed meanwhile would go on behind it, and nothing would tell it."""
    driven = Driven(events=8)
    await driven.read()
    driven.acknowledge(7)
    driven.consumer._committed[PARTITION] = 8
    committable = driven.consumer._filter_committable_offsets
    assert committable([PARTITION]) == {}
    await driven.consumer.reread(PARTITION, 3)
    assert committable([PARTITION]) == {PARTITION: 3}


class Agent:
    """The agent's queue, with room for four, and the consumer that fills it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Record] = asyncio.Queue(maxsize=4)
        self.consumer: Any = Consumer.__new__(Consumer)
        self.consumer.app = SimpleNamespace(
            consumer_generation_id=1,
            topics=SimpleNamespace(_tp_index={PARTITION: [SimpleNamespace(queue=self.queue)]}),
        )
        self.consumer.flow_active, self.consumer._dropped, self.consumer._handing_on = True, False, False
        self.consumer._active_partitions, self.consumer._buffered_partitions = {PARTITION}, set()

    def taken(self) -> list[tuple[int, int]]:
        """Offset, and since which offset there is no other event."""
        found = []
        while not self.queue.empty():
            record = self.queue.get_nowait()
            found.append((record.offset, record.since))
        return found


async def full(agent: Agent) -> None:
    while not agent.queue.full():  # noqa: ASYNC110  # a queue tells nobody that it is full
        await asyncio.sleep(0)  # a queue tells nobody that it is full


def chunk(*offsets: int, since: int = 0) -> dict[TP, Chunk]:
    return {PARTITION: Chunk([Record(PARTITION, each, 0.0, b"", b"", ()) for each in offsets], since, 3)}


async def test_what_a_client_brings_is_handed_on_at_once_where_there_is_room() -> None:
    agent = Agent()
    assert agent.consumer.hand_on_now(chunk(2, 4, since=1), generation=1)
    assert not agent.consumer.hand_on_now(chunk(5, 6, 7), generation=1), "there is room for two"
    assert agent.taken() == [(2, 1), (4, 3)]


@pytest.mark.parametrize("hindrance", ["an old generation", "no flow", "dropped", "under way", "not wanted"])
async def test_nothing_is_handed_on_out_of_turn(hindrance: str) -> None:
    agent = Agent()
    consumer = agent.consumer
    consumer.flow_active = hindrance != "no flow"
    consumer._dropped, consumer._handing_on = hindrance == "dropped", hindrance == "under way"
    if hindrance == "not wanted":
        consumer._active_partitions.clear()
    assert not consumer.hand_on_now(chunk(0), 2 if hindrance == "an old generation" else 1)
    assert agent.taken() == []


async def test_records_wait_for_room_and_keep_their_order() -> None:
    agent = Agent()
    handing = asyncio.create_task(agent.consumer._hand_on(chunk(*range(9)), 1))
    await full(agent)
    assert not agent.consumer.hand_on_now(chunk(9), 1), "what came before waits"
    found: list[tuple[int, int]] = []
    while len(found) < 9:
        found += agent.taken()
        await asyncio.sleep(0.001)
    await handing
    assert [offset for offset, _ in found] == list(range(9))
    assert not agent.consumer._dropped


@pytest.mark.parametrize("moved", [True, False])
async def test_what_waits_while_the_flow_stops_is_dropped(moved: bool) -> None:
    """And is read again, unless partitions moved: then all begins at what was committed."""
    agent = Agent()
    handing = asyncio.create_task(agent.consumer._hand_on(chunk(*range(9)), 1))
    await full(agent)
    if moved:
        agent.consumer.app.consumer_generation_id = 2
    else:
        agent.consumer.flow_active = False
    await handing
    assert agent.consumer._dropped is not moved
    assert [offset for offset, _ in agent.taken()] == [0, 1, 2, 3]
