"""A catalogue in several languages from events to feeds, read by the default text encoder."""

from __future__ import annotations

from pathlib import Path

from export.registry import Registry
from model.universal import UNIVERSAL
from streams.events.schema import AnyEvent, Click, Item
from streams.ranking import slate as stored_slate
from streams.settings.tree import Settings
from streams.state.catalog import decode_item
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import now_ms, producer, send, wait_until_applied
from tests.connected.worker_process import worker

TITLES = {
    "鞋-1": "男士跑步鞋 轻便 透气",
    "鞋-2": "女士运动鞋 防滑 耐磨",
    "shoe-3": "Lightweight running shoes for men",
    "靴-4": "メンズ ランニングシューズ 軽量",
    "كتاب-5": "رواية عن تاريخ الأندلس",
    "锅-6": "不粘锅 平底锅 家用",
    "guitar-7": "Acoustic guitar strings, light gauge",
    "Ⅷ": "Электрический чайник из нержавеющей стали",
    "café": "コーヒー豆 深煎り 1kg",
}
SHOES = {"鞋-2", "shoe-3", "靴-4"}


async def test_texts_of_many_languages_become_feeds(
    settings: Settings, store: RedisStore, universal_registry: Registry, tmp_path: Path
) -> None:
    """Whoever met Chinese running shoes is shown those of other languages first; ids stay as they were."""
    environ = {"HEADRACE_MODEL__REGISTRY": str(universal_registry.folder)}
    with worker(tmp_path, settings.kafka, settings.redis, environ) as running:
        async with producer(settings.kafka) as client:
            events: list[AnyEvent] = [
                Item(event_id=f"i{n}", ts=now_ms(), item_id=item_id, title=title)
                for n, (item_id, title) in enumerate(TITLES.items())
            ]
            await send(client, settings.kafka, events)
            await wait_until_applied(settings, store)
            met = Click(event_id="c", ts=now_ms(), user_id="李雷", item_id="鞋-1")
            await send(client, settings.kafka, [met])
            await wait_until_applied(settings, store)
        raw = await store.feed("李雷")
        assert raw is not None
        shown = stored_slate.decode(raw).items
        assert {item.item_id for item in shown} == TITLES.keys() - {"鞋-1"}
        assert {item.item_id for item in shown[:3]} == SHOES
        reasons = {(item.reason.kind, item.reason.item_id) for item in shown[:3]}
        assert ("similar", "鞋-1") in reasons, reasons
        records = [decode_item(each or b"") for each in await store.items(list(TITLES))]
        assert {each.item_id: each.title for each in records} == TITLES
        assert all(len(each.text) == 128 for each in records)
        assert ((await store.text_encoder()) or "").startswith(f"{UNIVERSAL} ")
        assert "texts are left out" not in running.log()
        assert "does not know" not in running.log()
