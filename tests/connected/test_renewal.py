"""The model in force learns from what a worker has logged, and the worker is switched to the better one."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from export.manifest import BETTER, Manifest, read_manifest
from export.registry import Registry
from streams.events.schema import Click
from streams.serving.activation import active
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.models import register_models
from tests.connected.test_model_switch import ALWAYS_FULL, model_of
from tests.connected.worker_process import WorkerProcess, environment, worker
from tests.streams.offline.planted import planted

EVENTS, PORTION = 2_400, 15  # at most; each user meets an item once, so there are no more than 3,600
ENOUGH, FEWEST = 1_350, 900  # examples: of nearly each event one is made
BEHIND = 300  # so many events without an example are three shards at most: four may wait to be written


def clicks() -> list[Click]:
    """Of users who go from an item to its successor, eight times in ten, up to now."""
    stream = planted(EVENTS, users=60).interactions
    begin = now_ms() - EVENTS
    pairs = zip(stream.user, stream.item, strict=True)
    return [
        Click(event_id=f"e-{n}", ts=begin + n, user_id=user, item_id=item)
        for n, (user, item) in enumerate(pairs)
    ]


def examples(running: WorkerProcess) -> float:
    """How many are written."""
    return running.metric("headrace_worker_examples_total")


async def renew(environ: dict[str, str]) -> tuple[int | None, str]:
    """`headrace renew --once`: its exit status and all that it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.commands", "renew", "--once",
        env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_a_worker_is_switched_to_what_the_model_has_learned(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    registry: Registry = register_models(tmp_path / "models", ("first",))
    shared = ALWAYS_FULL | {  # a worker that lags logs no examples
        "HEADRACE_EXAMPLES__FOLDER": str(tmp_path / "examples"),
        "HEADRACE_EXAMPLES__WHOLE": "0.3",
        "HEADRACE_EXAMPLES__SHARD_EVENTS": "100",
        "HEADRACE_EXAMPLES__ROTATE_S": "3",
        "HEADRACE_MODEL__REGISTRY": str(registry.folder),
        "HEADRACE_RENEWAL__EXAMPLES_MIN": "300",
        "HEADRACE_RENEWAL__JUDGE_MIN": "60",
        "HEADRACE_RENEWAL__LEARNING_RATE": "1e-2",
        "HEADRACE_RENEWAL__EPOCHS": "4",
    }
    outside = environment(settings.kafka, settings.redis) | shared
    with worker(tmp_path, settings.kafka, settings.redis, shared) as running:
        assert model_of(running) == "first"
        async with producer(settings.kafka) as client:
            events, sent, until_s = clicks(), 0, time.monotonic() + 240
            while (written := examples(running)) < ENOUGH and time.monotonic() < until_s:
                # Where shards are not written as fast as they come, as on a busy machine, some are dropped.
                if sent - written < BEHIND:
                    await send(client, settings.kafka, events[sent : sent + PORTION])
                    sent = min(sent + PORTION, EVENTS)
                await asyncio.sleep(0.1)
        await wait_until_applied(settings, store)
        await eventually(lambda: examples(running) > FEWEST)
        status, said = await renew(outside)
        assert status == 0, said
        assert "is active in place of 'first'" in said
        (renewed,) = (path.name for path in registry.folder.iterdir() if path.name.startswith("renewed-"))
        facts = read_manifest(registry.get(renewed), Manifest).training
        assert facts["parent"] == "first"
        assert facts["verdict"] == BETTER, facts
        await eventually(lambda: model_of(running) == renewed)
        assert await active(settings) == renewed
        status, said = await renew(outside)
        assert status == 0, said
        assert "waiting" in said
        assert running.metric("headrace_worker_rebuilds_total") == 0
        assert running.metric("headrace_worker_ranking_failures_total") == 0
    assert [path.name for path in registry.folder.iterdir() if path.name.startswith("renewed-")] == [renewed]
