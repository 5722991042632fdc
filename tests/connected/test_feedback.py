"""A feed is read, shown and clicked; the worker is killed: the lesson is learned once, by everybody."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from streams.clock import SystemClock
from streams.events.schema import Click
from streams.learning.lesson import decode_lesson
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.state.ledger import decode_record
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.gateway_process import gateway
from tests.connected.worker_process import WorkerProcess, worker

WAIT_S = 60
ENVIRON = {
    "HEADRACE_LEARNING__WAIT_S": str(WAIT_S),
    "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "2000",
    "HEADRACE_KAFKA__HEARTBEAT_MS": "300",
}


def learned(running: WorkerProcess, kind: str) -> float:
    return running.metric("headrace_worker_learned_lessons", kind=kind)


async def test_a_feed_that_is_read_and_clicked_is_one_lesson(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    kafka, redis = settings.kafka, settings.redis
    clicks = [
        Click(event_id=f"c{n}", ts=now_ms(), user_id=f"user-{n}", item_id=f"film-{n}") for n in range(6)
    ]
    with gateway(tmp_path, kafka.bootstrap, redis.url, kafka.prefix) as door:
        with worker(tmp_path, kafka, redis, ENVIRON, "victim") as victim:
            async with producer(kafka) as client:
                ann = Click(event_id="a", ts=now_ms(), user_id="ann", item_id="film-0")
                await send(client, kafka, clicks)
                await wait_until_applied(settings, store)  # so there is something to show
                await send(client, kafka, [ann])
                await wait_until_applied(settings, store)
                feed = door.client.get("/v1/users/ann/feed", params={"n": 3}).json()
                assert len(feed["items"]) == 3
                shown = [item["item_id"] for item in feed["items"]]
                await eventually(lambda: victim.metric("headrace_worker_showings_total", result="shown") == 1)
                act = Click(
                    event_id="b", ts=now_ms(), user_id="ann", item_id=shown[1], slate_id=feed["slate_id"]
                )
                await send(client, kafka, [act])
                os.kill(victim.process.pid, signal.SIGKILL)
                assert victim.process.wait(60)
        with worker(tmp_path, kafka, redis, ENVIRON, "heir") as heir:
            later = Click(event_id="d", ts=now_ms() + 1_000 * WAIT_S + 5_000, user_id="ann", item_id="film-0")
            async with producer(kafka) as client:
                await send(client, kafka, [later, act])  # the producer sends one again
            await wait_until_applied(settings, store)
            await eventually(partial(has_learned, heir))
            assert learned(heir, "silent") == 0
    entries = await store.read_ledger("0-0", 1_000)
    (lesson,) = [decode_lesson(raw) for entry in entries for raw in decode_record(entry.payload).lessons]
    assert (lesson.user, lesson.slate_id, lesson.arm) == ("ann", feed["slate_id"], "default")
    assert [(each.place, each.action) for each in lesson.answers] == [(1, 1)]
    replica = Replica(settings, store, SystemClock())
    async with replica.lock:
        await replica.rebuild()
    ids = replica.recommender.catalog.ids
    assert [ids[row] for row in lesson.rows] == shown
    counts = replica.recommender.learner.counts()
    assert (counts["answered"], counts["silent"]) == (1, 0)
    assert sum(replica.recommender.counters.popularity.shown) == 3


def has_learned(running: WorkerProcess) -> bool:
    return learned(running, "answered") == 1
