"""The catalog and the counters of this process, kept equal to the other workers' through the ledger.

The counters have what this process applied as soon as it is folded; lessons alone are learned as the ledger
brings them (`streams.serving.lessons`).

Two rules keep them whole. All of `recommender` is touched in the thread of `core` alone; what this class
knows besides (positions, the writer, whether it is sound) belongs to the loop's thread. And whoever changes
or copies them holds `lock`: between the fold of a batch and its commit the counters are ahead of the store,
and a snapshot taken there would count that batch twice.

The catalog gets new rows in `meet` alone, so whoever holds the lock may look up on the loop which items have
one.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence

from model.errors import FencedError, LedgerGapError
from streams.clock import Clock
from streams.experiments.measured import NOTHING_MEASURED, Measured
from streams.ranking.model_in_service import ModelInService
from streams.recommender import OnForgotten, Recommender
from streams.serving.background import Background
from streams.serving.core_thread import CoreThread
from streams.serving.handover_lock import HandoverLock
from streams.serving.item_watch import ItemWatch
from streams.serving.kept_counters import CountersCopy, restore
from streams.serving.ledger_pages import (
    LEDGER_PAGE,
    Page,
    follow_records,
    learn_entries,
    pieces,
    read_records,
)
from streams.serving.memory import give_back
from streams.serving.rebuilding import begun, carry_over, date_unannounced, has_vectors, read_items
from streams.serving.text_identity import agree
from streams.settings.tree import Settings
from streams.state.knowledge_graph import Graph
from streams.stores.base import Store
from streams.stores.ledger_entries import START, LedgerEntry, Snapshot, order_of

log = logging.getLogger(__name__)

FOLLOWED_AT_ONCE, LEARNED_AT_ONCE = 16, 64
"""Ledger entries that are counted, and learned from, before the core takes what else waits for it. Each piece
that is learned from has the learner look back once.
"""
GAP_ATTEMPTS = 5
PAUSE_S = 0.005
"""Between two pieces of a snapshot's copy."""


class Replica:
    """`recommender` is this process's own; `activated` is the model that the ledger named last ("": none
    yet). `graph` is taken up by each `rebuild`. `measured`: the experiments that run; the next batch goes by
    it. `knows_users`: whether it keeps what the ledger says of users (`streams.state.recent_users`); a
    process that folds events itself finds only others' users there. `on_forgotten`: as the recommender has
    it. `texts_by`: the text encoder's identity,
    by which the store's texts must have been read; "" for none.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        graph: Graph | None = None,
        items: ItemWatch | None = None,
        knows_users: bool = False,
        on_forgotten: OnForgotten | None = None,
    ) -> None:
        self.settings, self.store, self.clock, self.items = settings, store, clock, items
        self.on_forgotten = on_forgotten
        self.knows_users = knows_users
        self.lock = HandoverLock()
        self.core = CoreThread()
        self._background = Background()
        self.graph = graph
        self.texts_by = ""
        self.measured: Measured = NOTHING_MEASURED
        self.recommender = begun(settings, graph, knows_users=knows_users)
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

        mend: whether to write to the store: where its list of withdrawn items is wrong, and by which encoder
        its texts are read where it does not say so.

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
        before = self.recommender
        recommender = await self.core.call(begun, self.settings, self.graph, self.items, self.knows_users)
        if self.texts_by:  # before all is read for nothing
            await agree(self.store, self.texts_by, vectors=False, writes=False)
        snapshot = await self.store.snapshot()
        await self.core.call(recommender.meet, await self.store.interned(0), 0)
        await read_items(self.core, recommender, self.store, mend)
        if snapshot is not None:
            await self.core.call(restore, recommender, snapshot.payload, snapshot.position)
        # Who was deleted in what the ledger holds no more can't be told.
        passed = START if snapshot is None else max(snapshot.position, snapshot.own_position, key=order_of)
        heard_all = order_of(passed) <= order_of(self.position)
        await self.core.call(carry_over, before, recommender, heard_all)
        recommender.on_forgotten = self.on_forgotten
        if self.on_forgotten is not None and not heard_all:
            await self.core.call(self.on_forgotten, None)
        self.recommender = recommender  # what follows may fail, and is begun again from here
        await self.core.call(recommender.index_beside, True)
        await self.core.call(recommender.prepare)
        self.writer = uuid.uuid4().hex
        self.position = snapshot.position if snapshot else START
        self.own_position = START
        while entries := await self.store.read_ledger(self.position, LEDGER_PAGE):
            uncounted = [
                entry
                for entry in entries
                if snapshot is None
                or entry.writer != snapshot.writer
                or order_of(entry.position) > order_of(snapshot.own_position)
            ]
            await self._take(self.position, entries, uncounted)
            self.position = entries[-1].position
        await self.core.call(date_unannounced, recommender)
        if self.items is not None:
            await self.core.call(self.items.have_read)
        if self.texts_by:
            vectors = await self.core.call(has_vectors, recommender)
            await agree(self.store, self.texts_by, vectors, writes=mend)

    async def unread(self) -> Page | None:
        """What the ledger holds of other workers behind what is counted here; None for nothing. What this
        process wrote itself is learned from on the way.

        The caller need not hold `lock`: no batch waits for the ledger where nobody else writes. Raises
        `LedgerGapError` as `catch_up` does.
        """
        while True:
            recommender, page = self.recommender, await self._next_page()
            if not self._follows(page) or any(entry.writer != page.writer for entry in page.entries):
                return page
            if page.entries:
                await self.core.call(learn_entries, recommender, page.after, page.entries)
                if not self._follows(page):  # the counters were read anew meanwhile
                    return page
            self.position = page.end
            if page.last:
                return None

    async def catch_up(self, page: Page | None = None) -> int:
        """Count what other workers have applied since; how many entries came. The caller holds `lock`.

        page: what `unread` gave; it is read anew where something was counted since. Raises `LedgerGapError`
        where this process was away for too long: `rebuild` then.
        """
        came = 0
        while True:
            if page is None or not self._follows(page):
                page = await self._next_page()
            others = [entry for entry in page.entries if entry.writer != page.writer]
            await self._take(page.after, page.entries, others)
            came += len(others)
            self.followed += len(others)
            self.position = page.end
            if page.last:
                return came
            page = None

    async def _next_page(self) -> Page:
        after, writer = self.position, self.writer
        return Page(after, writer, await self.store.read_ledger(after, LEDGER_PAGE))

    def _follows(self, page: Page) -> bool:
        """Whether it is still the next one."""
        return (page.after, page.writer) == (self.position, self.writer)

    async def _take(
        self, after: str, entries: Sequence[LedgerEntry], uncounted: Sequence[LedgerEntry]
    ) -> None:
        """Count some of the entries behind `after`, and learn from all of them: in pieces, between which
        slates are made.
        """
        for piece in pieces(uncounted, FOLLOWED_AT_ONCE):
            records, newest = await self.core.call(read_records, piece)
            if newest >= len(self.recommender.catalog):
                await self._meet_interned()
            await self.core.call(follow_records, self.recommender, records)
            for record in records:
                self.activated = record.activate or self.activated
        for piece in pieces(entries, LEARNED_AT_ONCE):
            if not await self.core.call(learn_entries, self.recommender, after, piece):
                raise LedgerGapError(f"lessons before {after} were not learned; load the snapshot")
            after = piece[-1].position

    async def meet(self, item_ids: Sequence[str]) -> None:
        """Know these items, under the rows that all processes have for them. The caller holds `lock`.

        Nothing dates an item but what is stored of it: its announcement, else its first event.
        """
        known = self.recommender.catalog.rows
        if known.keys() >= set(item_ids):  # as good as always
            return
        new = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in known]
        rows = await self.store.intern(new)
        first = len(self.recommender.catalog)
        if rows == list(range(first, first + len(new))):
            await self.core.call(self.recommender.meet, new, 0)
        else:  # others have interned items that we don't know yet
            await self._meet_interned()
        if any(known.get(item_id) != row for item_id, row in zip(new, rows, strict=True)):
            self.forget()
            raise FencedError("the store's item rows are not those that this process knows: it was emptied")

    async def know(self, newest: int) -> None:
        """Meet the items of what another worker wrote, up to the row `newest`; it may have interned some
        since we last asked. The caller holds `lock`.
        """
        if newest >= len(self.recommender.catalog):
            await self._meet_interned()

    async def check_kept(self) -> None:
        """Raises `FencedError` where the store's items are not those that this process knows. The caller need
        not hold `lock`.
        """
        recommender = self.recommender
        count, last = await self.core.call(_last_item, recommender)
        if not count or (await self.store.interned(count - 1))[:1] == [last]:
            return
        if self.recommender is recommender:  # else the counters were read anew meanwhile
            self.forget()
            raise FencedError("the store has forgotten the items that this process knows: it was emptied")

    async def _meet_interned(self) -> None:
        ids = await self.store.interned(len(self.recommender.catalog))
        await self.core.call(self.recommender.meet, ids, 0)

    def committed(self, position: str) -> None:
        """A batch of this process is in the ledger at `position` ("": it had nothing to tell)."""
        if position:
            self.own_position = position

    def serve(self, model: ModelInService | None) -> None:
        """Swap the model; its item vectors are made anew from this catalog. Called in the thread of `core`,
        or while nothing else runs.
        """
        if model is not None:
            model.forget_items()
        self.recommender.serve(model)

    async def save_snapshot(self) -> int:
        """Keep the counters as they are between two batches; how many bytes. Raises `FencedError` if not
        leading.

        They are copied piece by piece, and batches go on meanwhile.
        """
        while True:
            async with self.lock:
                await self.check_kept()
                position, writer, own = self.position, self.writer, self.own_position
                copy = await self.core.call(CountersCopy, self.recommender)
            try:
                await self._finish(copy)
            finally:
                await self.core.call(copy.end)
            if not copy.spoilt:
                break
        payload = await self._background.call(copy.pack)
        size = len(payload)
        await self.store.save_snapshot(Snapshot(position, writer, own, payload))
        del payload
        await self._background.call(give_back)
        log.info(
            "snapshot: %d bytes, the longest piece of its copy took %.1f ms", size, 1_000 * copy.longest_s
        )
        return size

    async def _finish(self, copy: CountersCopy) -> None:
        """All pieces, each in its turn in the core's thread, with room between them for what matters more."""
        whole = False
        while not whole:
            whole = await self.core.call(copy.step)
            await asyncio.sleep(PAUSE_S)

    async def close(self) -> None:
        """End the core's thread, and the one that packs snapshots."""
        await self.core.close()
        await self._background.close()


def _last_item(recommender: Recommender) -> tuple[int, str]:
    """How many items there are, and the last one."""
    ids = recommender.catalog.ids
    return len(ids), ids[-1] if ids else ""
