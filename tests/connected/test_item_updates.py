"""What a real worker makes of item updates from clocks that differ, and of a value that is half JSON."""

from __future__ import annotations

from pathlib import Path

from streams.events.schema import Item
from streams.kafka.dead_letter_box import read_letters
from streams.kafka.topics import ensure_topics, topic_name
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord, decode_item
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.worker_process import worker

AHEAD_MS = 240_000  # less than events.max_early_ms


async def test_a_clock_ahead_makes_no_later_update_void(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    """Neither of updates that wait while no worker runs, nor of those that it reads at once."""

    async def known(item_id: str) -> ItemRecord:
        (raw,) = await store.items([item_id])
        assert raw is not None
        return decode_item(raw)

    def update(item_id: str, ts: int, available: bool) -> Item:
        return Item(event_id=f"{item_id}-{ts}-{available}", ts=ts, item_id=item_id, available=available)

    await ensure_topics(settings.kafka)
    async with producer(settings.kafka) as client:
        await send(client, settings.kafka, [update("waited", now_ms() + AHEAD_MS, True)])
        await send(client, settings.kafka, [update("waited", now_ms(), False)])
        # Of another producer, without the gateway's header.
        items = topic_name(settings.kafka, "items")
        for ts, available in ((now_ms() + AHEAD_MS, b"true"), (now_ms(), b"false")):
            value = b'{"type":"item","event_id":"%d","ts":%d,"item_id":"other","available":%s,"tags":null}'
            await client.send_and_wait(items, value % (ts, ts, available), b"other")
        with worker(tmp_path, settings.kafka, settings.redis) as running:
            await wait_until_applied(settings, store)
            assert not (await known("waited")).available
            assert not (await known("other")).available
            assert running.metric("headrace_worker_skipped_events_total", reason="older") == 0

            await send(client, settings.kafka, [update("live", now_ms() + AHEAD_MS, True)])
            await wait_until_applied(settings, store)
            assert (await known("live")).ts <= now_ms()
            await send(client, settings.kafka, [update("live", now_ms(), False)])
            await wait_until_applied(settings, store)
            assert not (await known("live")).available

            # An old dump, sent again: counted and said.
            await send(client, settings.kafka, [update("live", now_ms() - 86_400_000, True)])
            await wait_until_applied(settings, store)
            assert not (await known("live")).available
            assert running.metric("headrace_worker_skipped_events_total", reason="older") == 1
            assert "1 item updates change nothing" in running.log()

            half = rb'{"type":"item","event_id":"h","ts":%d,"item_id":"live","title":"\ud83d"}' % now_ms()
            await client.send_and_wait(items, half, b"live")
            await eventually(lambda: running.metric("headrace_worker_dead_letters_total") == 1)
            (letter,) = await read_letters(settings.kafka)
            assert (letter.reason, letter.value) == ("not_json", half)
            assert "lone surrogate" in letter.why
