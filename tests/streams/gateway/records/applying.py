"""What a worker makes of items and profiles that were written, in place of one."""

from __future__ import annotations

from msgspec.structs import replace

from streams.events.schema import AnyEvent, Forget, Item, User
from streams.state import user_state_codec
from streams.state.catalog import Catalog, decode_item, encode_item
from streams.state.event_meaning import NO_VECTORS, item_record
from streams.state.fold import Delivery, event_key
from streams.state.fold import apply as fold
from streams.state.tombstone import encode_tombstone
from streams.state.user_state import EMPTY, StateSettings
from streams.stores.commit import Commit, Forgotten
from streams.stores.memory import MemoryStore

AHEAD_MS = 300_000


async def apply(store: MemoryStore, event: AnyEvent) -> None:
    """Write to the store what a worker would."""
    if isinstance(event, Item):
        catalog = Catalog()
        catalog.extend([event.item_id])
        (raw,) = await store.items([event.item_id])
        if raw is not None:
            catalog.put(0, decode_item(raw))
        record = catalog.announce(0, item_record(event, NO_VECTORS, event.ts), event.ts, AHEAD_MS)
        assert record is not None
        await store.intern([event.item_id])
        await store.commit(Commit({}, {}, {}, {}, {event.item_id: encode_item(record)}), "worker")
    elif isinstance(event, Forget):
        state = fold(EMPTY, event, Delivery("users", 0), (), None, StateSettings()).state
        gone = {event.user_id: Forgotten(encode_tombstone(state), state.forgotten_ms)}
        await store.commit(Commit({}, {}, {}, {}, {}, forgotten=gone, tombstone_ms=60_000), "worker")
    else:
        assert isinstance(event, User)
        (raw,) = await store.states([event.user_id])
        state = EMPTY if raw is None else user_state_codec.decode(raw)
        recent = (*state.recent, event_key(event.event_id))
        state = replace(state, profile=event.profile, recent=recent)
        await store.commit(Commit({}, {}, {event.user_id: user_state_codec.encode(state)}, {}, {}), "worker")
