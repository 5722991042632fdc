"""The catalog and the counters of this process, kept equal to the other workers' through the ledger.

Whoever changes or copies them holds `lock`: between the fold of a batch and its commit the counters are ahead
of the store, and a snapshot taken there would count that batch twice.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable, Sequence

from model.errors import FencedError, LedgerGapError
from streams.clock import Clock
from streams.learning.lesson import decode_lesson
from streams.ranking.model_in_service import ModelInService
from streams.recommender import Recommender
from streams.serving.background import Background, in_thread
from streams.serving.handover_lock import HandoverLock
from streams.serving.kept_counters import copied, pack, restore
from streams.settings.tree import Settings
from streams.state.catalog import decode_item
from streams.state.knowledge_graph import Graph
from streams.state.ledger import Record, decode_record
from streams.state.user_state import UserState
from streams.stores.base import START, LedgerEntry, Snapshot, Store, digest_of, order_of

log = logging.getLogger(__name__)

LEDGER_PAGE = 500
ITEM_PAGE = 5_000
GAP_ATTEMPTS = 5


class Replica:
    """`recommender` is this process's own; `activated` is the model that the ledger named last ("": none
    yet). `graph` is taken up by each `rebuild`.
    """

    def __init__(self, settings: Settings, store: Store, clock: Clock, graph: Graph | None = None) -> None:
        self.settings, self.store, self.clock = settings, store, clock
        self.lock = HandoverLock()
        self._background = Background()
        self.graph = graph
        self.recommender = Recommender(settings, graph)
        self.writer = ""
        self.position = self.own_position = START
        self.activated = ""
        self.followed = 0
        self.sound = False
        self.forgotten = False

    def forget(self) -> None:
        """The store does not know what it knew before: it was emptied, or restored from an older copy."""
        self.sound, self.forgotten = False, True

    async def rebuild(self, mend: bool = True) -> None:
        """Begin again from the snapshot, the ledger after it and the item records. The caller holds `lock`.

        mend: whether to write to the store, where its list of withdrawn items is wrong.

        This process becomes a new writer: what it wrote so far is read back like anybody else's. While
        `sound` is False, the counters must not be used.
        """
        self.sound = False
        for attempt in range(1, GAP_ATTEMPTS + 1):
            try:
                await self._rebuild(mend)
                self.sound = True
                return
            except LedgerGapError:  # a newer snapshot took the place of the one that we read
                if attempt == GAP_ATTEMPTS:
                    raise

    async def _rebuild(self, mend: bool) -> None:
        before, recommender = self.recommender, Recommender(self.settings, self.graph)
        snapshot = await self.store.snapshot()
        recommender.meet(await self.store.interned(0), 0)
        await self._read_items(recommender, mend)
        if snapshot is not None:
            await asyncio.to_thread(restore, recommender, snapshot.payload)
        self.recommender = recommender
        self._carry_over(before)  # at once: what follows may fail, and is begun again from here
        recommender.index_beside(True)
        await in_thread(recommender.prepare)
        self.writer = uuid.uuid4().hex
        self.position = snapshot.position if snapshot else START
        self.own_position = START
        while entries := await self.store.read_ledger(self.position, LEDGER_PAGE):
            await self._take(
                [
                    entry
                    for entry in entries
                    if snapshot is None
                    or entry.writer != snapshot.writer
                    or order_of(entry.position) > order_of(snapshot.own_position)
                ]
            )
            self.position = entries[-1].position
        _date_unannounced(recommender)

    async def _read_items(self, recommender: Recommender, mend: bool) -> None:
        """Take the item records, a page at a time.

        mend: where the list of withdrawn items that gateways go by differs from them, it is brought in line:
        a build before this one kept none.
        """
        ids = recommender.catalog.ids
        listed = (await self.store.withdrawals("")).changes if mend else {}
        for first in range(0, len(ids), ITEM_PAGE):
            page = ids[first : first + ITEM_PAGE]
            raws = await self.store.items(page)
            await in_thread(_put_items, recommender, first, raws)
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
                await self.store.mend_withdrawn(
                    wrong, {item_id: digest_of(records[item_id]) for item_id in wrong}
                )

    async def catch_up(self) -> int:
        """Count what other workers have applied since; how many entries came. The caller holds `lock`.

        Raises `LedgerGapError` where this process was away for too long: `rebuild` then.
        """
        came = 0
        while entries := await self.store.read_ledger(self.position, LEDGER_PAGE):
            others = [entry for entry in entries if entry.writer != self.writer]
            await self._take(others)
            self.position = entries[-1].position
            came += len(others)
        self.followed += came
        return came

    async def _take(self, entries: Sequence[LedgerEntry]) -> None:
        records = [decode_record(entry.payload) for entry in entries]
        newest = max(map(_newest_row, records), default=-1)
        if newest >= len(self.recommender.catalog):
            await self._meet_interned()
        for record in records:
            self.recommender.follow(record)
            if record.activate:
                self.activated = record.activate

    async def meet(self, item_ids: Sequence[str]) -> None:
        """Know these items, under the rows that all processes have for them. The caller holds `lock`.

        Nothing dates an item but what is stored of it: its announcement, else its first event.
        """
        known = self.recommender.catalog.rows
        new = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in known]
        if not new:
            return
        rows = await self.store.intern(new)
        first = len(self.recommender.catalog)
        if rows == list(range(first, first + len(new))):
            self.recommender.meet(new, 0)
        else:  # others have interned items that we don't know yet
            await self._meet_interned()
        if any(known.get(item_id) != row for item_id, row in zip(new, rows, strict=True)):
            self.forget()
            raise FencedError("the store's item rows are not those that this process knows: it was emptied")

    async def know(self, states: Iterable[UserState]) -> None:
        """Meet the items of states that another worker wrote; it may have interned some since we last asked.

        The caller holds `lock`.
        """
        newest = -1
        for state in states:
            newest = max(newest, state.consumed.newest(), int(state.items.max()) if len(state.items) else -1)
        if newest >= len(self.recommender.catalog):
            await self._meet_interned()

    async def check_kept(self) -> None:
        """Raises `FencedError` where the store's items are not those that this process knows. Caller holds
        `lock`.
        """
        ids = self.recommender.catalog.ids
        if ids and (await self.store.interned(len(ids) - 1))[:1] != ids[-1:]:
            self.forget()
            raise FencedError("the store has forgotten the items that this process knows: it was emptied")

    async def _meet_interned(self) -> None:
        ids = await self.store.interned(len(self.recommender.catalog))
        self.recommender.meet(ids, 0)

    def committed(self, position: str) -> None:
        """A batch of this process is in the ledger at `position` ("": it had nothing to tell)."""
        if position:
            self.own_position = position

    def _carry_over(self, before: Recommender) -> None:
        """The models go on serving; their item vectors are made anew from this catalog."""
        models = before.pipeline.models
        for model in models.all():
            model.forget_items()
        self.recommender.serve(models.active)
        for model in models.named.values():
            self.recommender.load(model)
        self.recommender.pipeline.models.missing.update(models.missing)

    def serve(self, model: ModelInService | None) -> None:
        """Swap the model; its item vectors are made anew from this catalog."""
        if model is not None:
            model.forget_items()
        self.recommender.serve(model)

    async def save_snapshot(self) -> int:
        """Keep the counters as they are between two batches; how many bytes. Raises `FencedError` if not
        leading.
        """
        async with self.lock:
            await self.check_kept()
            position, writer, own = self.position, self.writer, self.own_position
            copy = copied(self.recommender)
        payload = await self._background.call(pack, copy)
        await self.store.save_snapshot(Snapshot(position, writer, own, payload))
        return len(payload)

    async def close(self) -> None:
        """End the thread that packs snapshots."""
        await self._background.close()


def _put_items(recommender: Recommender, first: int, raws: Sequence[bytes | None]) -> None:
    """The records of the items from row `first` on."""
    for row, raw in enumerate(raws, first):
        if raw is not None:
            recommender.put_item(row, decode_item(raw))


def _date_unannounced(recommender: Recommender) -> None:
    """An item that was never announced counts as added when it was first met."""
    catalog, count = recommender.catalog, len(recommender.catalog)
    first = recommender.counters.popularity.first_ms[:count]
    silent = catalog.announced_ms[:count] < 0
    catalog.added_ms[:count][silent] = first[silent]


def _newest_row(record: Record) -> int:
    rows = [interaction.row for interaction in record.interactions]
    rows += [row for row, _ in record.items]
    rows += [int(shown.rows.max()) for shown in record.impressions if len(shown.rows)]
    lessons = map(decode_lesson, record.lessons)
    rows += [int(lesson.rows.max()) for lesson in lessons if len(lesson.rows)]
    return max(rows, default=-1)
