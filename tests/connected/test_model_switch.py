"""Another model is put into service under load: no event is lost, and a bad one changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from export.manifest import RESCORER
from export.registry import Registry
from streams.commands.main import main
from streams.events.schema import Control
from streams.kafka.dead_letter_box import read_letters
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
from tests.connected.models import register_models
from tests.connected.worker_process import WorkerProcess, worker

ALWAYS_FULL = {
    "HEADRACE_LADDER__FEWER_AT_MS": "1000000",
    "HEADRACE_LADDER__COUNTERS_AT_MS": "2000000",
    "HEADRACE_LADDER__POPULAR_AT_MS": "3000000",
    "HEADRACE_MODEL__ACTIVE": "first",
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    registry = register_models(tmp_path_factory.mktemp("models"), ("first", "second", "damaged"))
    path = registry.get("damaged") / RESCORER
    path.write_bytes(path.read_bytes()[:-1])
    return registry


def order(model: str, number: int) -> Control:
    return Control(event_id=f"order-{number}", ts=now_ms(), command="activate_model", model=model)


def model_of(running: WorkerProcess) -> str:
    return str(running.readiness()["model"]["name"])


async def play(settings: Settings, count: int) -> None:
    events = list(traffic(count, seed=21))
    async with producer(settings.kafka) as client:
        for at in range(0, count, 10):
            await send(client, settings.kafka, events[at : at + 10])
            await asyncio.sleep(0.04)


async def test_two_workers_switch_under_load(
    settings: Settings, store: RedisStore, registry: Registry, tmp_path: Path
) -> None:
    more = ALWAYS_FULL | {
        "HEADRACE_MODEL__REGISTRY": str(registry.folder),
        "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "20000",
    }
    with (
        worker(tmp_path, settings.kafka, settings.redis, more, "one") as one,
        worker(tmp_path, settings.kafka, settings.redis, more, "two") as two,
    ):
        assert model_of(one) == model_of(two) == "first"
        playing = asyncio.create_task(play(settings, 1_500))
        async with producer(settings.kafka) as client:
            await asyncio.sleep(1.0)
            await send(client, settings.kafka, [order("damaged", 1), order("unknown", 2)])
            await eventually(lambda: dead_letters(one) + dead_letters(two) == 2)
            assert model_of(one) == model_of(two) == "first"
            await send(client, settings.kafka, [order("second", 3)])
        await eventually(lambda: model_of(one) == model_of(two) == "second")
        await playing
        await wait_until_applied(settings, store)
        for each in (one, two):
            assert each.metric("headrace_worker_rebuilds_total") == 0
            assert each.metric("headrace_worker_ranking_failures_total") == 0
            assert each.metric("headrace_worker_slates_total", rung="full") > 100
            assert each.metric("headrace_worker_model_info", model="second", provider="compiled") == 1
    clean = await assert_as_a_clean_run(settings, store)
    slates = [
        stored_slate.decode(raw)
        for raw in [await store.feed(user) for user in clean.states]
        if raw is not None
    ]
    assert {slate.model for slate in slates} <= {"first", "second"}
    assert any(slate.model == "second" for slate in slates)
    assert {letter.reason for letter in await read_letters(settings.kafka)} == {"bad_model"}


def dead_letters(running: WorkerProcess) -> float:
    return running.metric("headrace_worker_dead_letters_total")


async def test_the_command_activates_and_a_later_worker_loads_it(
    settings: Settings,
    store: RedisStore,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (
        ("KAFKA__BOOTSTRAP", settings.kafka.bootstrap),
        ("KAFKA__PREFIX", settings.kafka.prefix),
        ("REDIS__URL", settings.redis.url),
        ("REDIS__PREFIX", settings.redis.prefix),
        ("MODEL__REGISTRY", str(registry.folder)),
    ):
        monkeypatch.setenv(f"HEADRACE_{name}", value)
    more = {"HEADRACE_MODEL__REGISTRY": str(registry.folder), "HEADRACE_MODEL__ACTIVE": "first"}
    with worker(tmp_path, settings.kafka, settings.redis, more) as running:
        assert await asyncio.to_thread(main, ["activate", "missing"]) == 2
        assert await asyncio.to_thread(main, ["activate", "damaged"]) == 2
        assert await asyncio.to_thread(main, ["activate", "second"]) == 0
        await eventually(lambda: model_of(running) == "second")
    with worker(tmp_path, settings.kafka, settings.redis, more, "later") as later:
        assert model_of(later) == "second"
