"""A real worker reports on itself; the console of a gateway beside it shows what it did, and when it ends."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from streams.clock import SystemClock
from streams.events.schema import Click, Item
from streams.gateway.console.watch import Watch
from streams.gateway.metrics import GatewayMetrics
from streams.kafka.producer import KafkaProducer
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from streams.worker_reports.report import decode
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.worker_process import worker


async def test_the_console_sees_what_a_worker_did(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    sink = KafkaProducer(settings.kafka)
    watch = Watch(settings, store, sink, SystemClock(), GatewayMetrics(CollectorRegistry()))
    with worker(tmp_path, settings.kafka, settings.redis):
        await sink.start()
        async with producer(settings.kafka) as client:
            items = [
                Item(event_id=f"i{n}", ts=now_ms(), item_id=f"film-{n}", title="A film") for n in range(6)
            ]
            await send(client, settings.kafka, items)
            await wait_until_applied(settings, store)
            clicks = [
                Click(event_id=f"c{n}", ts=now_ms(), user_id=f"u{n}", item_id="film-1") for n in range(5)
            ]
            await send(client, settings.kafka, clicks)
            await wait_until_applied(settings, store)

        async def reported() -> bool:
            """The clicks, and how far the partitions are: the broker is asked once a second."""
            found = [decode(each.report) for each in await store.reports()]
            return [
                (each.events.get("clicks", (0,))[0], sum(offset for offset, _ in each.partitions.values()))
                for each in found
            ] == [(5, 11)]

        await eventually(reported)
        (report,) = [decode(each.report) for each in await store.reports()]
        assert report.ready, report.trouble
        assert report.shown.slates == sum(report.rungs.values()) == 5
        assert {name for name, counts in report.stages.items() if sum(counts) == 5} >= {
            "fold",
            "rank",
            "write",
        }
        assert set(report.shown.items) <= {f"film-{n}" for n in range(6)}
        assert report.shown.catalogue == 6
        assert report.memory_bytes > 10_000_000
        await watch.turn()
        figures = watch.figures
        assert figures is not None
        assert [each.state for each in figures.workers] == ["ready"]
        assert not [alarm for alarm in figures.alarms if alarm.gravity == "bad"]
        assert figures.services.load.memory_bytes
        assert figures.services.load.version
    assert await store.reports() == [], "a worker that ends in order takes its report away"
    await watch.turn()
    assert watch.figures is not None
    assert [alarm.kind for alarm in watch.figures.alarms if alarm.gravity == "bad"] == ["no_worker"]
    await sink.stop()
