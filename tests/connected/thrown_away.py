"""Two workers' parts on a real store take turns with one partition, and are thrown away in the middle."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import msgspec

from streams.events.schema import TOPIC_OF, AnyEvent, encode, key_of
from streams.experiments.measured import Measured
from streams.kafka.message import Message
from streams.settings.connections import RedisSettings
from streams.stores.commit import Commit
from streams.stores.redis.store import RedisStore
from tests.streams.experiments.recomputed import DAY_MS, Event
from tests.streams.test_measuring import START_MS
from tests.streams.worker.conftest import Desk


class KilledError(Exception):
    """The process ended here."""


class Fragile(RedisStore):
    """A worker's store; the worker may be killed before a transaction, or before it hears of it."""

    random = Random(0)

    async def commit(self, commit: Commit, writer: str) -> str:
        chance = self.random.random()
        if chance < 0.15:
            raise KilledError
        position = await super().commit(commit, writer)
        if chance < 0.3:
            raise KilledError
        return position


def messages(events: list[Event]) -> list[Message]:
    """As they lie in one partition of each topic."""
    found, offsets = [], dict.fromkeys(TOPIC_OF.values(), -1)
    for raw in events:
        event = msgspec.convert(raw, AnyEvent)
        topic = TOPIC_OF[type(event)]
        offsets[topic] += 1
        found.append(Message(topic, 0, offsets[topic], START_MS, key_of(event), encode(event), {}))
    return found


async def taken(
    settings: RedisSettings, measured: Measured, events: list[Event], random: Random
) -> list[Fragile]:
    """The stores of all workers, the first one first, once two at a time have taken these events."""
    Fragile.random = random
    stores: list[Fragile] = []

    async def started() -> Desk:
        stores.append(Fragile(settings))
        desk = Desk(cast("Any", stores[-1]))
        desk.clock.advance(40 * DAY_MS)
        desk.replica.measured = measured
        async with desk.replica.lock:
            await desk.replica.rebuild()
        return desk

    desks, left, killed = [await started(), await started()], messages(events), 0
    while left:
        at, size = random.randrange(2), random.randint(1, 8)
        try:
            done = await desks[at].take(*left[:size])
        except KilledError:
            killed += 1
            desks[at] = await started()
        else:
            left = [each for each in left if each not in done]
    assert killed > 2
    assert [letter for desk in desks for letter in desk.box.letters] == []
    return stores
