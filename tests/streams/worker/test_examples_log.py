"""The examples that a worker logs: those that replay would take, of what was written, within bounds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from model.examples import Shard
from model.shards import ShardFiles, shard_folders
from streams.datasets.interactions import Interactions
from streams.events.schema import Item
from streams.examples.collector import ExampleCollector
from streams.examples.folder import LEARN, WHOLE
from streams.offline.stream_driver import Prequential, Stream
from streams.recommender import Recommender
from streams.settings.models import ExampleSettings
from streams.settings.ranking import LadderSettings
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.stores.memory import MemoryStore
from streams.worker import batches, examples_log
from streams.worker.examples_log import ExamplesLog
from tests.model.random_shards import assert_same
from tests.streams.worker.conftest import NOW_MS, Desk, click, message, until

ITEMS = 40
BEGIN_MS = NOW_MS - 1_000_000


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "RETRY_S", (0.0, 0.001))


def settings_of(folder: Path, **changes: Any) -> Settings:
    examples = msgspec.structs.replace(ExampleSettings(str(folder), whole=0.0), **changes)
    return msgspec.structs.replace(Settings(), examples=examples)


def logging_desk(store: MemoryStore, settings: Settings) -> tuple[Desk, ExamplesLog]:
    desk = Desk(store, settings)
    written = ExamplesLog(settings, desk.replica.core, desk.metrics, desk.clock)
    desk.batches.folding.examples = written
    return desk, written


def stream(events: int = 120, users: int = 8, seed: int = 1) -> Interactions:
    """In time order with ties; some users meet an item twice, and half of the events have a rating."""
    rng = np.random.default_rng(seed)
    return Interactions(
        [f"u{user}" for user in rng.integers(users, size=events)],
        [f"i{item}" for item in rng.integers(ITEMS, size=events)],
        BEGIN_MS + 1_000 + 500 * np.cumsum(rng.integers(0, 2, events)),
        np.where(rng.random(events) < 0.5, rng.integers(1, 6, events), np.nan).astype(np.float32),
    )


def replayed(events: Interactions, settings: Settings, whole: bool = False) -> Shard:
    run = Prequential(Recommender(settings), Stream(events, {}, {}))
    run.announce([ItemRecord(f"i{n}", BEGIN_MS) for n in range(ITEMS)], BEGIN_MS)
    collector = ExampleCollector(run.recommender, settings.seed, whole)
    run.warm(len(events), collector, 0, lambda done: None)
    (shard,) = collector.shards()
    return shard


async def worked(
    desk: Desk, log: ExamplesLog, events: Interactions, batch: int = 7, again: bool = False
) -> None:
    """The same stream through a worker; with `again`, each batch is delivered twice."""
    announced = [Item(event_id=f"a{n}", ts=BEGIN_MS, item_id=f"i{n}") for n in range(ITEMS)]
    await desk.take(*(message(each, n) for n, each in enumerate(announced)))
    run = Prequential(Recommender(desk.settings), Stream(events, {}, {}))
    for begin in range(0, len(events), batch):
        sent = [message(run.event(k), k) for k in range(begin, min(begin + batch, len(events)))]
        for _ in range(1 + again):
            await desk.take(*sent)
        await log.written()
    await log.stop()


def written(folder: Path, kind: str) -> Sequence[Shard]:
    return list(ShardFiles(shard_folders(folder / kind)))


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("again", [False, True])
async def test_it_takes_exactly_the_examples_that_replay_takes(
    store: MemoryStore, tmp_path: Path, whole: bool, again: bool
) -> None:
    settings = settings_of(tmp_path, whole=float(whole))
    desk, log = logging_desk(store, settings)
    await worked(desk, log, stream(), again=again)
    (shard,) = written(tmp_path, WHOLE if whole else LEARN)
    expected = replayed(stream(), settings, whole)
    assert 60 < len(expected) < 120  # what was consumed before is no example
    assert_same(shard, expected)
    assert not written(tmp_path, LEARN if whole else WHOLE)
    kind = WHOLE if whole else LEARN
    assert desk.counted("examples_total", kind=kind) == len(shard)
    assert desk.counted("example_shards_total", kind=kind) == 1


async def test_the_sample_is_the_same_on_every_worker_and_parted_in_two(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        settings = settings_of(tmp_path / name, sample=0.5, whole=0.3)
        desk, log = logging_desk(MemoryStore(), settings)
        await worked(desk, log, stream(300, users=40), batch=7 if name == "one" else 20)
        found.append([written(tmp_path / name, kind)[0] for kind in (LEARN, WHOLE)])
    for one, other in zip(*found, strict=True):
        assert one.ts_ms.tolist() == other.ts_ms.tolist()
    everything = replayed(stream(300, users=40), Settings())
    learn, whole = (len(shard) for shard in found[0])
    # Four standard deviations of a binomial.
    assert abs(learn + whole - 0.5 * len(everything)) < 4 * (0.25 * len(everything)) ** 0.5
    assert abs(whole - 0.15 * len(everything)) < 4 * (0.15 * 0.85 * len(everything)) ** 0.5
    pool = settings.candidates.pool
    assert found[0][1].candidates.shape[1] == pool + 1
    assert found[0][0].candidates.shape[1] < pool


async def test_nothing_is_logged_of_a_batch_that_was_not_written(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker was ahead: what this one had taken is no example of its own."""
    desk, log = logging_desk(store, settings_of(tmp_path))
    heir = Desk(store)
    await desk.take(*(message(Item(event_id=f"a{n}", ts=BEGIN_MS, item_id=f"i{n}"), n) for n in range(9)))
    await desk.take(click(0, item="i1"))
    real, overtaken = store.commit, list[bool]()

    async def commit(*arguments: Any) -> Any:
        if not overtaken:
            overtaken.append(True)
            await heir.take(click(1, item="i2"))
        return await real(*arguments)

    monkeypatch.setattr(store, "commit", commit)
    await desk.take(click(1, item="i2"), click(2, item="i3"))
    assert desk.counted("fenced_batches_total") == 1
    await log.stop()
    met = [str(shard.items[row]) for shard in written(tmp_path, LEARN) for row in shard.candidates[:, 0]]
    assert met == ["i1", "i3"]


async def test_a_worker_that_is_behind_takes_none(store: MemoryStore, tmp_path: Path) -> None:
    always_behind = LadderSettings(fewer_at_ms=1.0, counters_at_ms=2.0, popular_at_ms=1e9)
    settings = msgspec.structs.replace(settings_of(tmp_path), ladder=always_behind)
    desk, log = logging_desk(store, settings)
    for topic in ("clicks", "reviews", "items"):
        desk.waiting.learned(topic, 0, 10**6)
    desk.clock.advance(5)
    await worked(desk, log, stream())
    assert not written(tmp_path, LEARN)


async def test_an_item_that_nobody_had_heard_of_is_no_example(store: MemoryStore, tmp_path: Path) -> None:
    desk, log = logging_desk(store, settings_of(tmp_path))
    await desk.take(click(0, "ann", "new"), click(1, "bob", "newer"), click(2, "cy", "new"))
    await log.stop()
    (shard,) = written(tmp_path, LEARN)
    assert shard.items[shard.candidates[:, 0]].tolist() == ["new"]


async def test_shards_are_closed_by_count_and_by_age(store: MemoryStore, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, shard_events=20, rotate_s=30.0)
    desk, log = logging_desk(store, settings)
    expected = len(replayed(stream(), settings))
    await worked(desk, log, stream(), batch=4)
    sizes = [len(shard) for shard in written(tmp_path, LEARN)]
    assert sum(sizes) == expected
    assert all(20 <= size < 24 for size in sizes[:-1])
    assert len(sizes) > 3


async def test_a_shard_is_closed_by_age_without_an_event(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples_log, "LOOK_EVERY_S", 0.001)
    desk, log = logging_desk(store, settings_of(tmp_path, rotate_s=30.0))
    await desk.take(*(message(Item(event_id=f"a{n}", ts=BEGIN_MS, item_id=f"i{n}"), n) for n in range(9)))
    log.start()
    await desk.take(click(0))
    await log.written()  # by now it knows when the shard was begun
    desk.clock.advance(29_999)
    await settled(log)
    assert not written(tmp_path, LEARN)
    desk.clock.advance(1)
    await until(lambda: bool(written(tmp_path, LEARN)))
    assert [len(shard) for shard in written(tmp_path, LEARN)] == [1]
    await log.stop()


async def settled(log: ExamplesLog) -> None:
    """The log has looked at the clock, and has written what it then closed."""
    await log._core.call(log._close_due)
    await log.written()


async def test_a_folder_that_cannot_be_written_is_counted_and_stops_nothing(
    store: MemoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    settings = settings_of(tmp_path / "file", shard_events=20)
    desk, log = logging_desk(store, settings)
    with caplog.at_level(logging.WARNING):
        await worked(desk, log, stream(), batch=4)
    assert desk.counted("example_failures_total", reason="write") > 3
    assert desk.counted("example_shards_total", kind=LEARN) == 0
    assert desk.counted("events_total", topic="reviews", result="applied") == 120
    assert len([record for record in caplog.records if "are not logged" in record.message]) == 1


async def test_an_example_that_cannot_be_made_is_counted_and_costs_no_event(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **options: Any) -> bool:
        raise ValueError("no example today")

    monkeypatch.setattr(ExampleCollector, "take", broken)
    desk, log = logging_desk(store, settings_of(tmp_path))
    await worked(desk, log, stream())
    assert desk.counted("example_failures_total", reason="take") > 60
    assert desk.counted("events_total", topic="reviews", result="applied") == 120
    assert not desk.box.letters


async def test_where_the_disk_cannot_keep_up_shards_are_dropped(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples_log, "WAITING_MAX", 0)
    desk, log = logging_desk(store, settings_of(tmp_path))
    await worked(desk, log, stream())
    assert desk.counted("example_failures_total", reason="full") == 1
    assert desk.counted("events_total", topic="reviews", result="applied") == 120
    assert not written(tmp_path, LEARN)


async def test_old_shards_are_deleted(store: MemoryStore, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, shard_events=20, keep_days=(NOW_MS - BEGIN_MS) / 86_400_000 / 1.02)
    desk, log = logging_desk(store, settings)
    await worked(desk, log, stream(), batch=4)
    kept = written(tmp_path, LEARN)
    assert 0 < len(kept) < desk.counted("example_shards_total", kind=LEARN)
