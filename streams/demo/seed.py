"""Put a warm core into an empty store, as if its events had come through Kafka.

The states, feeds and items are written in bulk through the `Store` protocol, the counters as the snapshot
from which every worker starts. What belongs to the warm part's own deliveries (offsets, event ids) is left
out: the topics are new, and their offsets begin at 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from model.errors import StoreError
from streams.clock import Clock
from streams.ranking import slate as stored_slate
from streams.recommender import Recommender
from streams.serving.kept_counters import copied
from streams.state import user_state_codec
from streams.state.catalog import ItemRecord, encode_item
from streams.state.user_state import UserState
from streams.stores.base import Store
from streams.stores.commit import Commit
from streams.stores.ledger_entries import START, Snapshot

V = TypeVar("V")
WRITER = "seed"
AT_A_TIME = 200


async def seed(
    store: Store,
    recommender: Recommender,
    states: Mapping[str, UserState],
    records: Mapping[str, ItemRecord],
    clock: Clock,
    texts_by: str,
) -> None:
    """Write what `recommender` knows, and a feed for each user, as their arms make it. `StoreError` where the
    store is not empty.

    texts_by: by which encoder texts were read (`streams.serving.loading.texts_by`); "" where none were.
    """
    ids = recommender.catalog.ids
    if await store.intern(ids) != list(range(len(ids))):
        raise StoreError("the store holds other items already; give it another namespace, or empty it")
    if texts_by:
        await store.note_text_encoder(texts_by)
    for items in _parts(records):
        await _write(store, items={item_id: encode_item(record) for item_id, record in items.items()})
    for users in _parts(states):
        now_ms = clock.now_ms()
        slates = recommender.recommend(
            [
                recommender.request(state, now_ms, user=user, arm=recommender.arms_of(user, state, now_ms))
                for user, state in users.items()
            ]
        )
        await _write(
            store,
            states={
                user: user_state_codec.encode(replace(state, offsets={}, recent=()))
                for user, state in users.items()
            },
            feeds={slate.user_id: stored_slate.encode(slate) for slate in slates},
        )
    await store.save_snapshot(Snapshot(START, WRITER, START, copied(recommender).pack()))
    model = recommender.pipeline.models.active
    if model is not None:
        await store.activate(model.name)


async def _write(
    store: Store,
    states: Mapping[str, bytes] = {},
    feeds: Mapping[str, bytes] = {},
    items: Mapping[str, bytes] = {},
) -> None:
    await store.commit(Commit({}, {}, states, feeds, items), WRITER)


def _parts(whole: Mapping[str, V]) -> list[dict[str, V]]:
    rest = iter(whole.items())
    parts = []
    while part := dict(islice(rest, AT_A_TIME)):
        parts.append(part)
    return parts
