"""Events written to Kafka as the gateway writes them, and what a single clean run makes of them."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.clock import SystemClock
from streams.counters.counters import Counters
from streams.counters.pair_kinds import CLOSE, FORWARD, FRESH, REVERSE, TOGETHER
from streams.counters.pairs import PairTable
from streams.events.schema import (
    EVENT_TOPICS,
    TOPIC_OF,
    AnyEvent,
    Click,
    Control,
    EventLimits,
    Impression,
    Item,
    Review,
    decode,
    key_of,
)
from streams.events.schema import encode as encode_event
from streams.kafka.topics import ACCEPTED_HEADER, topic_name
from streams.learning.kept_slates import NOTHING_KEPT, UserSlates
from streams.recommender import Recommender
from streams.serving.replica import Replica
from streams.settings.connections import KafkaSettings
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.fold import Delivery
from streams.state.user_state import EMPTY, UserState
from streams.stores.base import Store


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def eventually(
    holds: Callable[[], bool | Awaitable[bool]], deadline_s: float = 240.0, what: str = ""
) -> None:
    """Wait until it is so; a test that waits in vain fails."""
    end = time.monotonic() + deadline_s
    while True:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < end, f"waited {deadline_s} s in vain {what}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def producer(kafka: KafkaSettings) -> AsyncIterator[Any]:
    client = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", linger_ms=1)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def send(client: Any, kafka: KafkaSettings, events: Iterable[AnyEvent]) -> None:
    """Write events in their order and wait until all of them are acknowledged."""
    headers = [(ACCEPTED_HEADER, b"%d" % now_ms())]
    acks = [
        await client.send(
            topic_name(kafka, TOPIC_OF[type(event)]), encode_event(event), key_of(event), headers=headers
        )
        for event in events
    ]
    await asyncio.gather(*acks)


def traffic(count: int, seed: int, users: int = 60, items: int = 80) -> Iterator[AnyEvent]:
    """Clicks, reviews and impressions with duplicates.

    Users "click-…" only click and users "review-…" only review, so that the order of their events is that of
    one partition; users "mixed-…" do everything, with items of their own ("mixed-…"), so their histories may
    come in several orders. They rate nothing low: what they did not like would be no pair of what comes after
    it, which depends on the order.
    """
    draw = random.Random(seed)
    recent: dict[str, list[AnyEvent]] = {}
    for n in range(count):
        kind = draw.choice(("click", "review", "mixed"))
        user = f"{kind}-{draw.randrange(users)}"
        sent = recent.setdefault(user, [])
        if sent and draw.random() < 0.1:
            yield draw.choice(sent[-5:])
            continue
        shelf = "mixed" if kind == "mixed" else "item"
        item, ts, event_id = f"{shelf}-{draw.randrange(items)}", now_ms(), f"{seed}-{n}"
        event: AnyEvent
        if kind == "click" or (kind == "mixed" and draw.random() < 0.4):
            event = Click(event_id=event_id, ts=ts, user_id=user, item_id=item)
        elif kind == "review" or draw.random() < 0.7:
            rating = float(draw.randint(3 if kind == "mixed" else 1, 5))
            event = Review(event_id=event_id, ts=ts, user_id=user, item_id=item, rating=rating)
        else:
            shown = [f"{shelf}-{draw.randrange(items)}" for _ in range(5)]
            event = Impression(event_id=event_id, ts=ts, user_id=user, slate_id=event_id, items=shown)
        sent.append(event)
        yield event


class Record(NamedTuple):
    topic: str
    partition: int
    offset: int
    event: AnyEvent


async def read_events(kafka: KafkaSettings) -> list[Record]:
    """Every event in Kafka, partition after partition; none of a transaction that was aborted."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    try:
        places = [
            TopicPartition(topic_name(kafka, topic), n)
            for topic in EVENT_TOPICS
            for n in range(kafka.partitions)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        records: list[Record] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, batch in (await consumer.getmany(timeout_ms=500)).items():
                topic = place.topic.removeprefix(kafka.prefix)
                records += [
                    Record(topic, place.partition, each.offset, decode(each.value, now_ms(), EventLimits()))
                    for each in batch
                ]
    finally:
        await consumer.stop()
    return sorted(records, key=lambda record: record[:3])


class Clean(NamedTuple):
    """What a single run over the same events leaves, in memory and without failures."""

    states: dict[str, UserState]
    recommender: Recommender
    records: Sequence[Record]


async def clean_run(settings: Settings, store: Store) -> Clean:
    """Fold everything that is in Kafka; items have the rows that the store gave them."""
    records = await read_events(settings.kafka)
    recommender = Recommender(settings)
    recommender.meet(await store.interned(0), 0)
    states: dict[str, UserState] = {}
    kept: dict[str, UserSlates] = {}
    for record in records:
        if isinstance(record.event, Item | Control):
            continue
        user = record.event.user_id
        if isinstance(record.event, Impression):
            kept[user] = recommender.show(kept.get(user, NOTHING_KEPT), record.event).kept
            continue
        applied = recommender.apply(
            states.get(user, EMPTY), record.event, Delivery(record.topic, record.offset), None
        )
        states[user] = applied.state
    return Clean(states, recommender, records)


async def wait_until_applied(settings: Settings, store: Store, deadline_s: float = 120.0) -> None:
    """Until the store's progress is at the end of every partition."""
    ends: dict[str, int] = {}
    for record in await read_events(settings.kafka):
        place = f"{record.topic}-{record.partition}"
        ends[place] = max(record.offset, ends.get(place, -1))

    async def applied() -> bool:
        return (await store.load([], sorted(ends))).progress == ends

    await eventually(applied, deadline_s, "for the last event")


async def assert_as_a_clean_run(settings: Settings, store: Store) -> Clean:
    """Every state and every counter in the store is what a single clean run leaves; raises with the
    difference.
    """
    clean = await clean_run(settings, store)
    users = sorted(clean.states)
    for user, raw in zip(users, await store.states(users), strict=True):
        found, expected = user_state_codec.decode(raw), clean.states[user]
        if user.startswith("mixed-"):
            for mine, theirs in zip(_without_order(found), _without_order(expected), strict=True):
                assert mine == theirs, user
        else:
            assert raw == user_state_codec.encode(expected), user
    replica = Replica(settings, store, SystemClock())
    async with replica.lock:
        await replica.rebuild()
    ordered = {
        row for item_id, row in clean.recommender.catalog.rows.items() if not item_id.startswith("mixed-")
    }
    assert_same_counters(replica.recommender.counters, clean.recommender.counters, ordered)
    return clean


def _without_order(state: UserState) -> Any:
    """What does not depend on how a user's topics were interleaved."""
    return (
        state.interactions,
        state.rating_count,
        state.rating_sum,
        state.last_ts,
        sorted((action, keys.tolist()) for action, keys in state.consumed.groups),
        sorted(zip(state.items.tolist(), state.actions.tolist(), state.times.tolist(), strict=True)),
        state.offsets,
        sorted(state.recent),
    )


def assert_same_counters(found: Counters, expected: Counters, ordered: set[int]) -> None:
    """Counts are equal; sums of decayed weights, whose order differs, to the precision of their type.

    `ordered`: the rows whose users' events have one order only; what followed what is compared for these.
    """
    assert found.interactions == expected.interactions
    mine, theirs = found.popularity, expected.popularity
    count = min(len(mine.events), len(theirs.events))
    for name in ("events", "shown", "rating_count", "rating_sum", "total", "last_ms"):
        left, right = getattr(mine, name), getattr(theirs, name)
        np.testing.assert_array_equal(left[:count], right[:count], name)
        assert not left[count:].any()
        assert not right[count:].any()
    assert mine.all_rating_count == theirs.all_rating_count
    assert mine.all_rating_sum == theirs.all_rating_sum
    now = now_ms()
    np.testing.assert_allclose(
        mine.decayed[:count] * mine.ages(now), theirs.decayed[:count] * theirs.ages(now), rtol=1e-9
    )
    assert_same_pairs(pairs_of(found.pairs, now), pairs_of(expected.pairs, now), ordered)


Pairs = dict[tuple[int, int], tuple[float, ...]]


def pairs_of(table: PairTable, now: int) -> Pairs:
    """For each pair of items: together, forward, reverse, forward with decay as of `now`, and close."""
    pairs: Pairs = {}
    for item, (start, length) in enumerate(zip(table.start.tolist(), table.length.tolist(), strict=True)):
        for at in range(start, start + length):
            count = table.count[at].tolist()
            pairs[item, int(table.neighbour[at])] = (
                *(count[TOGETHER], count[FORWARD], count[REVERSE]),
                *(count[FRESH] * table.age(now), count[CLOSE]),
            )
    return pairs


def assert_same_pairs(found: Pairs, expected: Pairs, ordered: set[int]) -> None:
    """Sums of fractions are float32, so another order of their terms costs some of the last digits."""
    assert found.keys() == expected.keys()
    for pair, (together, *following) in found.items():
        assert together == expected[pair][0], pair
        if pair[0] in ordered:
            assert following[:2] == list(expected[pair][1:3]), pair
            assert all(map(close_enough, following[2:], expected[pair][3:])), pair


def close_enough(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-5)
