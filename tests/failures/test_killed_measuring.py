"""Two workers measure experiments, and are killed while they do: the sums in the store are those that a plain
recomputation makes of what is in Kafka, to the unit.

`KILLS=20 pytest tests/failures/test_killed_measuring.py` kills more often.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.events.schema import AnyEvent, Click, Impression, Review
from streams.experiments.registry import changes
from streams.experiments.registry.state import encode
from streams.settings.connections import KafkaSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.commit import digest_of
from streams.stores.redis.store import RedisStore
from tests.conftest import patient
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.worker_process import worker
from tests.streams.experiments.declarations import raw, running
from tests.streams.experiments.recomputed import DAY_MS, Event, recomputed
from tests.streams.experiments.sums import sums_in

KILLS = int(os.environ.get("KILLS", "4"))
EVENTS_A_KILL, USERS = 600, 50
QUICK = {
    "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "2000",
    "HEADRACE_KAFKA__HEARTBEAT_MS": "300",
    "HEADRACE_WORKER__SNAPSHOT_EVERY_S": "0.7",
    "HEADRACE_WORKER__BATCH_MAX": "16",
    "HEADRACE_WORKER__STATES_KEPT": "20",  # most states are read again
}
METRICS = {
    "ranking": ("click_through", "conversion", "revenue", "sessions", "session_length", "return_7_days"),
    "look": ("rating", "dwell", "dislikes"),
    "flow": ("click_through", "conversion"),
}
ARMS = {"ranking": ("bold", "plain"), "look": ("a", "b"), "flow": ("a", "b", "a~2", "b~2")}
"""Of `flow` with the periods of its weights, which move."""
WINDOWS_MS = {"ranking": None, "look": 5 * DAY_MS, "flow": None}
_DECLARED: dict[str, Any] = {
    name: raw(
        {arm: {} for arm in ARMS[name][:2]},
        primary=METRICS[name][0],
        secondary=METRICS[name][1:],
        **({} if WINDOWS_MS[name] is None else {"window_days": 5}),
        **({"allocation": "adaptive"} if name == "flow" else {}),
    )
    for name in METRICS
}
RUNNING = changes.reweighed(running(**_DECLARED), "flow", {"a": 0.3, "b": 0.7}, 900, DAY_MS + 1).registry


def visits(count: int, seed: int, clocks: dict[str, int]) -> Iterator[AnyEvent]:
    """Users who look, act and come back; a tenth of what their apps send comes twice. Some never see an arm,
    some see two. `clocks`: when each was last there; what comes later than the 48 moments that are kept of a
    user would not be counted to the unit.
    """
    draw = random.Random(seed)
    sent: dict[str, list[AnyEvent]] = {}
    for n in range(count):
        number = draw.randrange(USERS)
        user = f"user-{number}"
        if sent.get(user) and draw.random() < 0.1:
            yield draw.choice(sent[user][-5:])
            continue
        ts = clocks.get(user, now_ms() - 60 * DAY_MS) + draw.choice([0, 900, 40_000, 4_000_000, DAY_MS])
        clocks[user] = ts
        common: dict[str, Any] = {"event_id": f"{seed}-{n}", "ts": ts, "user_id": user}
        item = f"item-{draw.randrange(60)}"
        event: AnyEvent
        if draw.random() < 0.4:
            # Most are shown slates of one period; a slate of the other one may come earlier or later.
            flow = f"flow={'ab'[number % 2]}{'~2' if (number % 3 == 0) ^ (draw.random() < 0.1) else ''}"
            arms = f"{flow},look={'ab'[number % 2]},ranking={'plain' if number % 4 < 2 else 'bold'}"
            if number % 10 == 9 or draw.random() < 0.1:
                arms = "default"
            if number % 10 == 8 and draw.random() < 0.3:
                arms = "look=b,ranking=bold"
            shown = draw.sample(range(60), draw.randint(1, 12))
            items = [f"item-{each}" for each in shown]
            event = Impression(**common, slate_id=f"{seed}-{n}", items=items, arm=arms)
        elif draw.random() < 0.2:
            event = Review(**common, item_id=item, rating=draw.choice([None, 1.0, 3.25, 5.0]))
        else:
            action = draw.choice(["click", "click", "click", "purchase", "play", "dislike"])
            value = round(draw.uniform(0, 90), 2) if action in ("purchase", "play") else None
            event = Click(**common, item_id=item, action=action, value=value)
        sent.setdefault(user, []).append(event)
        yield event


async def raw_events(kafka: KafkaSettings) -> list[Event]:
    """All that is in Kafka, as JSON."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        topics = ("clicks", "reviews", "impressions")
        places = [
            TopicPartition(f"{kafka.prefix}{topic}", n) for topic in topics for n in range(kafka.partitions)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        events: list[Event] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                events += [json.loads(each.value) for each in batch]
        return events
    finally:
        await consumer.stop()


@pytest.mark.parametrize("shards", [1, 2])
async def test_killed_while_they_measure(settings: Settings, shards: int, tmp_path: Path) -> None:
    settings = override(settings, {"redis": {"shards": shards}})
    store = RedisStore(patient(settings.redis))
    environ = QUICK | {"HEADRACE_REDIS__SHARDS": str(shards)}
    start = partial(worker, tmp_path, settings.kafka, settings.redis, environ)
    await store.put_experiments(encode(RUNNING), digest_of(None), b"entry")
    draw = random.Random(3)
    with ExitStack() as stack:
        workers = [stack.enter_context(start(f"worker-{n}")) for n in range(2)]
        async with producer(settings.kafka) as client:
            clocks: dict[str, int] = {}
            for kill in range(KILLS // (1 if shards == 1 else 2)):
                events = list(visits(EVENTS_A_KILL, kill, clocks))
                at = draw.randint(EVENTS_A_KILL // 4, EVENTS_A_KILL // 2)
                for begin in range(0, at, 20):
                    await send(client, settings.kafka, events[begin : min(begin + 20, at)])
                await asyncio.sleep(0.3 * draw.random())
                victim = workers[kill % 2]
                os.kill(victim.process.pid, signal.SIGKILL)
                assert victim.process.wait(60)
                assert victim.process.returncode == -signal.SIGKILL
                workers[kill % 2] = stack.enter_context(start(f"heir-{kill}", wait=False))
                await send(client, settings.kafka, events[at:])
                await eventually(workers[kill % 2].ready, 120)
        await wait_until_applied(settings, store)
    told = await raw_events(settings.kafka)
    for name, metrics in METRICS.items():
        expected = recomputed(told, name, ARMS[name], metrics, window_ms=WINDOWS_MS[name])
        assert await sums_in(store, name) == expected
        assert len(expected) >= 2 * len(metrics)
        assert sum(numbers[0] for (_, metric), numbers in expected.items() if metric == metrics[0]) > 30
    await store.close()
