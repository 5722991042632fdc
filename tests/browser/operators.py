"""A store and a registry with something of all that operators look at, ids that attack pages among it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from export.manifest import Manifest, read_manifest, write_manifest
from export.registry import Registry
from streams.events.schema import Item
from streams.experiments.declared.reading import read_experiment
from streams.experiments.registry import changes
from streams.experiments.registry.audit import encode_entry, recorded
from streams.experiments.registry.state import NONE, encode
from streams.learning.experts.level_state import GLOBAL
from streams.recommender import Recommender
from streams.serving.kept_counters import copied
from streams.serving.learner_course import NOTE, POINTS_MOST, Course, LevelPoint, Point, encode_course
from streams.serving.renewal_notes import RenewalStatus, tell_alive, tell_status
from streams.serving.retained_models import retain
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.commit import Commit, digest_of
from streams.stores.ledger_entries import Snapshot
from streams.stores.memory import MemoryStore
from tests.browser.serving import served
from tests.export.test_registry import PARITY, add
from tests.streams.experiments.declarations import raw
from tests.streams.experiments.sums import increments
from tests.streams.worker.conftest import Desk, click, message

ODD = 'a/../b?<img src=x onerror=alert(1)>&"é中文\u202e#%2F'
"""An id with slashes, HTML, letters of any script, and a mark that turns text round."""
HOUR_MS = 3_600_000
EXPERTS = ["frozen", "kalman:1", "kalman:0.995", GLOBAL]


class Site(NamedTuple):
    """A gateway's console, and the store behind it."""

    address: str
    store: MemoryStore


@contextmanager
def console(folder: Path) -> Iterator[Site]:
    """A console with something on each page."""
    settings, store = filled(folder)
    with served(settings, store) as address:
        yield Site(f"{address}/console", store)


def settings_with(folder: Path, **more: Any) -> Settings:
    tree: dict[str, Any] = {
        "model": {"registry": str(folder)},
        "reweighting": {"enabled": True},
        "redis": {"url": "redis://ann:s3cret@store:6379/0"},
        "gateway": {"timeout_ms": 2_000},
    }
    return override(Settings(), tree | more)


def register(folder: Path) -> None:
    """A family of three models, and one by itself."""
    registry = Registry(folder)
    now_ms = int(time.time() * 1_000)
    family = (
        ("ml-first", "", ""),
        ("renewed-1", "ml-first", "better"),
        ("renewed-2", "renewed-1", "no better"),
    )
    for at, (name, parent, verdict) in enumerate((*family, ("other", "", ""))):
        add(registry, name, now_ms - (10 - at) * HOUR_MS)
        manifest = read_manifest(folder / name, Manifest)
        training = (
            {"parent": parent, "verdict": verdict, "ndcg10": [0.123, 0.004], "note": ODD} if parent else {}
        )
        parity = msgspec.structs.replace(PARITY, top10_agreement=0.97 - at / 100)
        files = dict.fromkeys(manifest.required, manifest.files["weights"])
        for file in files:
            (folder / name / file).write_bytes(name.encode())
        write_manifest(
            folder / name, msgspec.structs.replace(manifest, training=training, parity=parity, files=files)
        )


async def fill(store: MemoryStore, settings: Settings) -> None:
    """All of it."""
    desk = Desk(store, settings)
    clicks = [click(n, f"user-{n % 7}", f"item-{n % 40}") for n in range(280)]
    await desk.take(*clicks, *(click(280 + n, ODD, ODD if n == 0 else f"item-{n}") for n in range(9)))
    texts: dict[str, Any] = {
        "title": "A <b>bold</b> title",
        "text": "Two lines\nof text.",
        "categories": ["one", "<two>"],
    }
    items = [
        Item(event_id=f"i{n}", ts=desk.clock.now_ms(), item_id=f"item-{n}", price=9.5, **texts)
        for n in range(30)
    ]
    await desk.take(*(message(item, n) for n, item in enumerate(items)))
    await desk.replica.close()
    now_ms = int(time.time() * 1_000)
    await store.activate("ml-first")
    await store.activate("renewed-1")
    await retain(store, "other", True)
    await tell_status(
        store, RenewalStatus(outcome="kept", said="'renewed-2' is no better", ended_ms=now_ms - HOUR_MS)
    )
    await tell_alive(store, "host:1")
    await _experiments(store, now_ms)
    await _learner(store, settings, now_ms)


async def _experiments(store: MemoryStore, now_ms: int) -> None:
    guards = [{"metric": "dislikes", "worst": 0.1}]
    registry, found = NONE, b""
    steps: list[Any] = []
    for name, more in (("length", {"guardrails": guards}), ("look", {}), ("waits", {})):
        declared = read_experiment(
            name,
            raw({"plain": {}, "bold": {"stages": {"feed": {"size": 8}}}}, layer="one", share=0.3, **more),
        )
        steps.append(
            lambda registry, name=name, declared=declared: changes.declared(
                registry, name, declared, now_ms - 9 * HOUR_MS
            )
        )
    drafts = raw({"plain": {}, "new": {}}, design="interleaved", primary="preference")
    drafted = read_experiment("drafts", drafts)
    steps.append(lambda registry: changes.declared(registry, "drafts", drafted, now_ms - 9 * HOUR_MS))
    steps.append(lambda registry: changes.started(registry, "drafts", now_ms - 8 * HOUR_MS))
    steps.append(lambda registry: changes.started(registry, "length", now_ms - 8 * HOUR_MS))
    steps.append(lambda registry: changes.started(registry, "look", now_ms - 7 * HOUR_MS))
    steps.append(
        lambda registry: changes.stopped(
            registry, "look", now_ms - 6 * HOUR_MS, "a look <script>alert(1)</script>"
        )
    )
    for step in steps:
        after = recorded(step(registry), "ann", now_ms)
        registry = after.registry
        await store.put_experiments(encode(registry), digest_of(found or None), encode_entry(after.entry))
        found = encode(registry)
    known = Settings().known_metrics
    for hour in range(8):
        for metric, rates in (
            ("click_through", {"plain": 0.1, "bold": 0.15}),
            ("dislikes", {"plain": 0.1, "bold": 0.1}),
        ):
            sums = increments(known[metric], rates, 120, seed=hour)
            await store.commit(Commit({}, {}, {}, {}, {}, arm_sums={"length": sums}), "w")
        await store.append_sums_history("length", now_ms - (8 - hour) * HOUR_MS)


async def _learner(store: MemoryStore, settings: Settings, now_ms: int) -> None:
    recommender = Recommender(settings)
    recommender.look_back()
    position = f"{now_ms}-0"
    await store.save_snapshot(Snapshot(position, "w", position, copied(recommender).pack()))
    points = []
    for at in range(40):
        part = at / 40
        level = LevelPoint(
            30 * at,
            [0.6 - 0.5 * part, 0.2 + 0.1 * part, 0.2 + 0.4 * part],
            2.5 - part,
            at > 25,
            0.1 * (at % 26),
        )
        points.append(Point(now_ms - (40 - at) * 60_000, {GLOBAL: level}))
    assert len(points) < POINTS_MOST
    await store.put_note(NOTE, encode_course(Course(experts=EXPERTS, points=points)), "", 10 * HOUR_MS)


def filled(folder: Path, **more: Any) -> tuple[Settings, MemoryStore]:
    """Settings, and the store that they go with."""
    register(folder)
    settings, store = settings_with(folder, **more), MemoryStore()
    asyncio.run(fill(store, settings))
    return settings, store
