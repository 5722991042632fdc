"""The model in force learns from what a worker has logged, and the worker is switched to the better one.
Somebody asks for it in the console, and sees there what comes of it.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from export.manifest import BETTER, Manifest, read_manifest
from export.registry import Registry
from streams.events.schema import Click
from streams.serving.activation import active
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.browser.accessibility import violations
from tests.browser.conftest import OpenPage, closed, picture
from tests.browser.read_aloud import heard, listen
from tests.conftest import patient
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.gateway_process import gateway
from tests.connected.models import register_models
from tests.connected.test_model_switch import ALWAYS_FULL, model_of
from tests.connected.worker_process import WorkerProcess, environment, worker
from tests.streams.offline.planted import planted

pytestmark = pytest.mark.connected

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


async def asked_for(page: Page) -> None:
    """Somebody presses *Retrain now*, before a process is there to take the request."""
    await expect(row(page, "first")).to_be_visible()
    await expect(page.locator("#registry .badge.good")).to_have_count(0)  # it serves by the settings
    await page.get_by_role("button", name="Retrain now").click()
    await page.get_by_role("dialog").get_by_label("Why").fill("new habits")
    await page.keyboard.press("Enter")
    await expect(page.locator("#renewal")).to_contain_text("new habits")
    await expect(page.locator("#renewal")).to_contain_text("No renewal process")


async def promoted(page: Page, renewed: str) -> None:
    """The page told of it by itself: nobody has loaded it anew."""
    await expect(page.locator("#renewal")).to_contain_text("better, and active")
    new = row(page, renewed)
    await expect(new.locator(".badge.good")).to_have_text("active")
    await expect(new).to_contain_text("from first")
    since = page.locator("section", has_text="What was active").last
    await expect(since.locator("tbody th").first).to_have_text(renewed)
    await picture(page, "models-promoted")
    assert await violations(page) == []
    said = await heard(page)
    assert said[-1] == "Last renewal: better, and active"
    assert len(said) == len(set(said)), "each stage once, however far it is"


def row(page: Page, model: str) -> Any:
    """The model's row in the registry."""
    return page.locator("#registry tr", has=page.locator("th .id", has_text=re.compile(f"^{model}$")))


async def test_a_worker_is_switched_to_what_the_model_has_learned(
    settings: Settings, tmp_path: Path, open_page: OpenPage
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
    kafka, redis = settings.kafka, settings.redis
    outside = environment(kafka, redis) | shared
    store = RedisStore(patient(redis))
    with (
        worker(tmp_path, kafka, redis, shared) as running,
        gateway(tmp_path, kafka.bootstrap, redis.url, redis.prefix, more=shared) as serving,
    ):
        console = f"{str(serving.client.base_url).rstrip('/')}/console"
        assert model_of(running) == "first"
        async with producer(kafka) as client:
            events, sent, until_s = clicks(), 0, time.monotonic() + 240
            while (written := examples(running)) < ENOUGH and time.monotonic() < until_s:
                # Where shards are not written as fast as they come, as on a busy machine, some are dropped.
                if sent - written < BEHIND:
                    await send(client, kafka, events[sent : sent + PORTION])
                    sent = min(sent + PORTION, EVENTS)
                await asyncio.sleep(0.1)
        await wait_until_applied(settings, store)
        await store.close()
        await eventually(lambda: examples(running) > FEWEST)
        page = await open_page(f"{console}/models")
        await asked_for(page)
        await listen(page, "#renewal-said")
        renewing = asyncio.create_task(renew(outside))
        await expect(page.locator("#renewal-alive")).to_have_text("a renewal process runs")
        await expect(page.locator("#renewal progress")).to_be_visible()
        await picture(page, "models-renewing")
        status, said = await renewing
        assert status == 0, said
        assert "is active in place of 'first'" in said
        (renewed,) = (path.name for path in registry.folder.iterdir() if path.name.startswith("renewed-"))
        facts = read_manifest(registry.get(renewed), Manifest).training
        assert facts["parent"] == "first"
        assert facts["verdict"] == BETTER, facts
        await promoted(page, renewed)
        await eventually(lambda: model_of(running) == renewed)
        assert await active(settings) == renewed
        servers = await open_page(f"{console}/servers")
        for place in ("#active-model", "#serving"):
            await expect(servers.locator(place)).to_contain_text(renewed)
        for each in (servers, page):
            await closed(each)
        status, said = await renew(outside)
        assert status == 0, said
        assert "waiting" in said
        assert running.metric("headrace_worker_rebuilds_total") == 0
        assert running.metric("headrace_worker_ranking_failures_total") == 0
    assert [path.name for path in registry.folder.iterdir() if path.name.startswith("renewed-")] == [renewed]
