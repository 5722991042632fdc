"""A worker against the real Kafka and the real Valkey: events in, feeds out."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from streams.events.schema import Click, Impression, Item, Review, User
from streams.ranking import slate as stored_slate
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import (
    assert_as_a_clean_run,
    eventually,
    now_ms,
    producer,
    send,
    traffic,
    wait_until_applied,
)
from tests.connected.worker_process import WorkerProcess, worker


async def test_events_become_feeds(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    """A new user has a feed after the first event, a new item is in it, and what was consumed is not."""
    with worker(tmp_path, settings.kafka, settings.redis) as running:
        async with producer(settings.kafka) as client:
            items = [
                Item(event_id=f"item-{n}", ts=now_ms(), item_id=f"film-{n}", title=f"Film {n}")
                for n in range(6)
            ]
            await send(client, settings.kafka, items)
            await wait_until_applied(settings, store)
            await send(
                client,
                settings.kafka,
                [
                    User(event_id="1", ts=now_ms(), user_id="ann", profile={"city": "Oslo"}),
                    Click(event_id="2", ts=now_ms(), user_id="ann", item_id="film-1"),
                    Review(event_id="3", ts=now_ms(), user_id="bob", item_id="film-2", rating=5.0),
                    Impression(
                        event_id="4", ts=now_ms(), user_id="cy", slate_id="s", items=["film-3", "film-4"]
                    ),
                ],
            )
            await wait_until_applied(settings, store)
        raw = await store.feed("ann")
        assert raw is not None
        slate = stored_slate.decode(raw)
        assert {item.item_id for item in slate.items} == {f"film-{n}" for n in range(6)} - {"film-1"}
        assert slate.cause == "2"
        passed = [slate.times[place] for place in ("handed", "begun", "applied", "made", "pushed")]
        assert passed == sorted(passed)
        assert slate.times["accepted"] <= slate.times["applied"]
        assert await store.feed("bob") is not None
        assert await store.feed("cy") is None, "an impression alone makes no feed"
        assert running.metric("headrace_worker_events_total", result="applied") == 10
        assert running.metric("headrace_worker_slates_total") == 2
        await eventually(lambda: running.metric("headrace_worker_leader") == 1)

        async def fallback() -> bool:
            raw = await store.feed("")
            return raw is not None and bool(stored_slate.decode(raw).items)

        await eventually(fallback)
        async with producer(settings.kafka) as client:
            for available in (False, True):
                put = Item(event_id=str(available), ts=now_ms(), item_id="film-3", available=available)
                await send(client, settings.kafka, [put])
                await wait_until_applied(settings, store)
                assert (await store.withdrawals("")).changes == {"film-3": not available}


async def test_none_of_fausts_own_pages_can_be_reached(settings: Settings, tmp_path: Path) -> None:
    with worker(tmp_path, settings.kafka, settings.redis) as running:
        assert running.get("/healthz")[0] == 200
        for page in ("/", "/table/", "/router/", "/graph", "/stats/", "/production_index"):
            assert running.get(page)[0] == 404
        assert running.readiness()["model"]["name"] == ""


async def test_two_workers_agree_on_the_counters(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    """Each folds its own partitions and follows the other's ledger entries."""
    often = {"HEADRACE_WORKER__SNAPSHOT_EVERY_S": "0.5", "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "3000"}
    with (
        worker(tmp_path, settings.kafka, settings.redis, often, "one") as one,
        worker(tmp_path, settings.kafka, settings.redis, often, "two") as two,
    ):
        async with producer(settings.kafka) as client:
            events = list(traffic(1_500, seed=1))
            for at in range(0, len(events), 50):
                await send(client, settings.kafka, events[at : at + 50])
        await wait_until_applied(settings, store)
        for each in (one, two):
            assert each.metric("headrace_worker_events_total", result="applied") > 100
            await eventually(partial(has_followed, each))
        # The snapshot is what one of them has in memory, the other's part included.
        await eventually(
            lambda: (
                one.metric("headrace_worker_snapshot_bytes") + two.metric("headrace_worker_snapshot_bytes")
                > 0
            )
        )
        await assert_as_a_clean_run(settings, store)


def has_followed(running: WorkerProcess) -> bool:
    return running.metric("headrace_worker_ledger_entries_followed_total") > 0


async def test_sigterm_drains_and_leaves_the_group(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    with worker(tmp_path, settings.kafka, settings.redis) as running:
        async with producer(settings.kafka) as client:
            await send(client, settings.kafka, traffic(600, seed=2))
            os.kill(running.process.pid, signal.SIGTERM)
            assert running.process.wait(20)
            assert running.process.returncode == 0, running.log()
    # The session of 6 s need not run out before the next one is given the partitions.
    with worker(tmp_path, settings.kafka, settings.redis, name="next") as following:
        await wait_until_applied(settings, store)
        assert following.metric("headrace_worker_fenced_batches_total") == 0
    await assert_as_a_clean_run(settings, store)
