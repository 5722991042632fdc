"""Two workers' parts on a real store take turns with one partition, and are thrown away in the middle: the
arms' sums are those of a recomputation from the events.
"""

from __future__ import annotations

from random import Random
from typing import Any, cast

import msgspec
import pytest

from streams.events.schema import TOPIC_OF, AnyEvent, encode, key_of
from streams.experiments.measured import measured
from streams.kafka.message import Message
from streams.settings.sections import RedisSettings
from streams.stores.base import Commit
from streams.stores.redis import RedisStore
from tests.conftest import patient
from tests.streams.experiments.recomputed import DAY_MS, Event, recomputed
from tests.streams.experiments.sums import sums_in
from tests.streams.test_measuring import ARMS, METRICS, START_MS, drawn_events, experiment
from tests.streams.worker.conftest import Desk

WINDOW_MS = 3 * DAY_MS
RUNNING = measured(
    [experiment("ranking"), experiment("look", "click_through", "revenue", window_ms=WINDOW_MS)]
)


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


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shards", [1, 4])
async def test_workers_that_are_thrown_away_count_nothing_twice(
    redis_settings: RedisSettings, shards: int, seed: int
) -> None:
    settings = msgspec.structs.replace(patient(redis_settings), shards=shards)
    random = Random(seed)
    events = drawn_events(random)
    names = {"ann": "u1", "bob": "u9", "eve": "u10"}  # of partition 0, also where there are four
    events = [{**each, "user_id": names[each["user_id"]]} for each in events]
    Fragile.random = random
    stores: list[RedisStore] = []

    async def started() -> Desk:
        stores.append(Fragile(settings))
        desk = Desk(cast("Any", stores[-1]))
        desk.clock.advance(40 * DAY_MS)
        desk.replica.measured = RUNNING
        async with desk.replica.lock:
            await desk.replica.rebuild()
        return desk

    desks = [await started(), await started()]
    random.shuffle(events)
    left = messages(events)
    killed = 0
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
    for name, metrics, window_ms in (
        ("ranking", METRICS, None),
        ("look", ("click_through", "revenue"), WINDOW_MS),
    ):
        assert await sums_in(stores[0], name) == recomputed(
            events, name, ARMS[name], metrics, window_ms=window_ms
        )
    for store in stores:
        await store.close()
