"""What the driver says of its partitions, and where it goes back to, over aiokafka's own state of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faust.types import TP

from streams.kafka.fetched import Fetched
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
