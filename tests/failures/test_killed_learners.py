"""Two workers learn from the same answers, and are killed while they do: nothing is learned twice, nothing is
forgotten, and what either of them knows is what one clean run learns of the same ledger.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from streams.events.schema import AnyEvent, Click, Impression
from streams.learning.lesson import Lesson, decode_lesson
from streams.ranking.slate import decode
from streams.recommender import Recommender
from streams.serving import kept_counters
from streams.settings.connections import KafkaSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.ledger import lessons_in
from streams.stores.ledger_entries import START, Snapshot
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.models import register_models
from tests.connected.worker_process import WorkerProcess, worker

WAIT_S = 0.4
ENVIRON = {
    "HEADRACE_REWEIGHTING__ENABLED": "true",
    "HEADRACE_CANDIDATES__QUOTAS": "thompson",
    "HEADRACE_LEARNING__WAIT_S": str(WAIT_S),
    "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "2000",
    "HEADRACE_KAFKA__HEARTBEAT_MS": "300",
    "HEADRACE_WORKER__SNAPSHOT_EVERY_S": "0.7",
    "HEADRACE_REDIS__LEDGER_MARGIN_MS": "3600000",  # all of it is compared at the end
    # However busy the machine is, the model ranks.
    "HEADRACE_LADDER__FEWER_AT_MS": "600000",
    "HEADRACE_LADDER__COUNTERS_AT_MS": "600000",
    "HEADRACE_LADDER__POPULAR_AT_MS": "600000",
}
ITEMS, USERS, PLACES = 40, 16, 6
ROUNDS, LESSONS_A_ROUND = 2, 60


class Readers:
    """Users who look at their feeds, click on what they like, and come back. `shown`: the slates that they
    saw, each of which becomes one lesson.
    """

    def __init__(self, store: RedisStore, kafka: KafkaSettings) -> None:
        self.store, self.kafka = store, kafka
        self.draw, self.sent = random.Random(4), 0
        self.shown: set[tuple[str, str]] = set()

    async def turn(self, client: Any) -> None:
        """One of them looks; now and then their app sends again what it sent."""
        user = f"user-{self.draw.randrange(USERS)}"
        events = await self._looks(user)
        if self.draw.random() < 0.2:
            events += events
        await send(client, self.kafka, events)

    async def _looks(self, user: str) -> list[AnyEvent]:
        raw = await self.store.feed(user)
        if raw is None:
            return [self._click(user, f"item-{self.draw.randrange(ITEMS)}")]
        slate = decode(raw)
        if (user, slate.slate_id) in self.shown or not slate.items:
            return [self._click(user, f"item-{self.draw.randrange(ITEMS)}")]
        self.shown.add((user, slate.slate_id))
        items = [item.item_id for item in slate.items[:PLACES]]
        seen = Impression(
            event_id=self._name(), ts=now_ms(), user_id=user, slate_id=slate.slate_id, items=items
        )
        if self.draw.random() < 0.3:
            return [seen]
        return [seen, self._click(user, items[self.draw.randrange(len(items)) // 2], slate.slate_id)]

    def leave(self) -> list[AnyEvent]:
        """All of them come back once more, when all that was shown has waited long enough."""
        later_ms = now_ms() + round(1_000 * WAIT_S) + 5_000
        return [self._click(f"user-{n}", f"item-{n}", ts=later_ms) for n in range(USERS)]

    def _click(self, user: str, item: str, slate: str = "elsewhere", ts: int = 0) -> Click:
        """What comes from elsewhere answers no slate that was only made."""
        return Click(event_id=self._name(), ts=ts or now_ms(), user_id=user, item_id=item, slate_id=slate)

    def _name(self) -> str:
        self.sent += 1
        return f"e{self.sent}"


async def told(store: RedisStore) -> list[Lesson]:
    """The lessons of the whole ledger."""
    lessons: list[Lesson] = []
    after = START
    while entries := await store.read_ledger(after, 1_000):
        lessons += [decode_lesson(raw) for entry in entries for raw in lessons_in(entry.payload)]
        after = entries[-1].position
    return lessons


async def newest_snapshot(store: RedisStore, but: str = "") -> Snapshot:
    """One that has all of the ledger, and that another worker than `but` made."""
    found: list[Snapshot] = []

    async def whole() -> bool:
        snapshot = await store.snapshot()
        if snapshot is None or snapshot.writer == but or await store.read_ledger(snapshot.position, 1):
            return False
        found.append(snapshot)
        return True

    await eventually(whole, 60, "for a snapshot of the whole ledger")
    return found[-1]


def learner_in(snapshot: Snapshot, settings: Settings, items: list[str]) -> bytes:
    recommender = Recommender(settings)
    recommender.meet(items, 0)
    kept_counters.restore(recommender, snapshot.payload, snapshot.position)
    return learned(recommender)


def learned(recommender: Recommender) -> bytes:
    """What its learner knows, and what its sources earned."""
    assert recommender.earnings is not None
    return recommender.learner.pack() + recommender.earnings.pack()


async def test_killed_while_they_learn(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    register_models(tmp_path / "models", ("small",))
    settings = override(settings, {"reweighting": {"enabled": True}, "candidates": {"quotas": "thompson"}})
    kafka, redis = settings.kafka, settings.redis
    readers = Readers(store, kafka)
    start = partial(worker, tmp_path, kafka, redis, ENVIRON)
    async with producer(kafka) as client:
        for number in range(ROUNDS):
            before = len(await told(store)) if number else 0
            with start(f"one-{number}") as one, start(f"two-{number}") as two:
                while len(await told(store)) < before + LESSONS_A_ROUND:
                    await readers.turn(client)
                await asyncio.sleep(0.3 * readers.draw.random())
                for victim in (one, two):
                    os.kill(victim.process.pid, signal.SIGKILL)
                for victim in (one, two):
                    assert victim.process.wait(60)
        with ExitStack() as stack:
            heirs = [stack.enter_context(start(name)) for name in ("heir", "other")]
            for _ in range(40):
                await readers.turn(client)
            await wait_until_applied(settings, store)
            await send(client, kafka, readers.leave())
            await wait_until_applied(settings, store)
            lessons = await told(store)
            first = await newest_snapshot(store)
            await eventually(lambda: any(leads(heir) for heir in heirs))
            (leader,) = [heir for heir in heirs if leads(heir)]
            leader.process.terminate()
            second = await newest_snapshot(store, but=first.writer)
    taught = Counter((lesson.user, lesson.slate_id) for lesson in lessons)
    assert taught == Counter(readers.shown), "each slate that was shown is one lesson"
    clean = Recommender(settings)
    clean.learn(lessons)
    assert clean.learner.counts()["answered"] > LESSONS_A_ROUND
    items = await store.interned(0)
    assert learner_in(first, settings, items) == learned(clean)
    assert learner_in(second, settings, items) == learned(clean)


def leads(running: WorkerProcess) -> bool:
    return running.metric("headrace_worker_leader") == 1
