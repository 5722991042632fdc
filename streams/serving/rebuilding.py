"""What the core does when its counters begin anew: from items and a former recommender to one that serves."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from streams.recommender import Recommender
from streams.serving.core_thread import CoreThread
from streams.serving.item_watch import ItemWatch
from streams.settings.tree import Settings
from streams.state.catalog import decode_item
from streams.state.knowledge_graph import Graph
from streams.state.recent_users import RecentUsers
from streams.stores.base import Store
from streams.stores.commit import digest_of
from streams.stores.ledger_entries import START

log = logging.getLogger(__name__)

ITEM_PAGE = 5_000


def begun(
    settings: Settings, graph: Graph | None, items: ItemWatch | None = None, knows_users: bool = False
) -> Recommender:
    """One that has counted nothing, and learns what the ledger brings."""
    recommender = Recommender(settings, graph)
    recommender.recent_users = RecentUsers() if knows_users else None
    recommender.learned_to = START
    if items is not None:
        items.reading(graph)
        recommender.on_item = items.note
    return recommender


def carry_over(before: Recommender, recommender: Recommender, heard_all: bool) -> None:
    """The models go on serving, and what was made of the items stays where they are the same: to make the
    vectors and indexes of a million items takes ten seconds and more. heard_all: whether the ledger was read
    without a gap, so that of its users nobody was deleted unheard.
    """
    models, catalog = before.pipeline.models, recommender.catalog
    old, new = before.pipeline.near, recommender.pipeline.near
    behind = min([each.seen for each in old] + [model.seen for model in models.all()], default=0)
    seen = catalog.carry_on(before.catalog, before.catalog.revised_since(behind))
    for source, former in zip(new, old, strict=True):
        if seen is not None:
            source.index, source.seen = former.index, seen
    for model in models.all():
        model.carry_on(seen)
    if seen is not None and heard_all:  # rows mean what they meant
        recommender.recent_users = before.recent_users
    recommender.serve(models.active)
    recommender.arms.run(before.arms.registry, before.arms.without)
    for model in models.named.values():
        recommender.load(model)
    recommender.pipeline.models.missing.update(models.missing)


async def read_items(core: CoreThread, recommender: Recommender, store: Store, mend: bool) -> None:
    """Take the item records, a page at a time.

    mend: where the list of withdrawn items that gateways go by differs from them, it is brought in line:
    a build before this one kept none.
    """
    ids = recommender.catalog.ids
    listed = (await store.withdrawals("")).changes if mend else {}
    for first in range(0, len(ids), ITEM_PAGE):
        page = ids[first : first + ITEM_PAGE]
        raws = await store.items(page)
        await core.call(put_items, recommender, first, raws)
        if not mend:
            continue
        available = recommender.catalog.available
        wrong = {
            item_id: not available[row]
            for row, (item_id, raw) in enumerate(zip(page, raws, strict=True), first)
            if raw is not None and available[row] == listed.get(item_id, False)
        }
        if wrong:
            log.info("the list of withdrawn items is mended: %d of %d items", len(wrong), len(page))
            records = dict(zip(page, raws, strict=True))
            await store.mend_withdrawn(wrong, {item_id: digest_of(records[item_id]) for item_id in wrong})


def put_items(recommender: Recommender, first: int, raws: Sequence[bytes | None]) -> None:
    """The records of the items from row `first` on."""
    for row, raw in enumerate(raws, first):
        if raw is not None:
            recommender.put_item(row, decode_item(raw))


def has_vectors(recommender: Recommender) -> bool:
    """Whether any item has that of a text."""
    return bool(recommender.catalog.text.any())


def date_unannounced(recommender: Recommender) -> None:
    """An item that was never announced counts as added when it was first met."""
    catalog, count = recommender.catalog, len(recommender.catalog)
    first = recommender.counters.popularity.first_ms[:count]
    silent = catalog.announced_ms[:count] < 0
    catalog.added_ms[:count][silent] = first[silent]
