"""The search index of one process: it follows the items, and is committed on a timer.

What a replica reads and follows is noted in the core's thread. A commit runs in another one, so a query waits
for none. An index in a folder goes on where it was: only what has changed meanwhile is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from streams import gc_pauses
from streams.search import kept
from streams.search.index import SearchIndex
from streams.serving.background import in_thread
from streams.serving.memory import give_back
from streams.settings.search import SearchSettings
from streams.state.catalog import ItemRecord, decode_item
from streams.state.knowledge_graph import Graph
from streams.stores.base import Store

log = logging.getLogger(__name__)

MANY = 10_000
"""Documents of an index of which the garbage collector is told, and again when there are as many more."""
MERGED_AFTER = (1, 2, 4, 8, 16, 32, 64)
"""Turns of the timer after a commit at which the index is shown anew: its segments were merged meanwhile."""
PAGE = 2_000
"""Items that are read from the store at once, to make an index anew."""
FILLED_AT_ONCE = 100_000
"""Items that are read before the index takes them: it cuts them into few commits, and so has few segments."""


class ItemSearch:
    """`index`: what is searched now. `trouble`: why the last commit failed; "" where it did not. `rebuilds`:
    how often it was made anew by order.
    """

    def __init__(self, settings: SearchSettings) -> None:
        self.settings = settings
        self.index = _opened(settings)
        self.trouble, self.rebuilds = "", 0
        self._settled = 0
        self._next: SearchIndex | None = None
        self._rebuilding = asyncio.Lock()
        self._committing = asyncio.Lock()

    def reading(self, graph: Graph | None) -> None:
        """See `ItemWatch`."""
        self.index.knows(graph)
        self.index.reading()

    def note(self, row: int, record: ItemRecord) -> None:
        """See `ItemWatch`."""
        self.index.note(row, record)
        if self._next is not None:
            self._next.note(row, record)

    def have_read(self) -> None:
        """See `ItemWatch`."""
        self.index.have_read()

    async def commit(self) -> None:
        """Let what was noted be found. What can't be written is kept, and tried again the next time."""
        async with self._committing:
            try:
                await in_thread(self.index.commit)
            except (ValueError, OSError) as error:
                if self.trouble != str(error):
                    log.error("the search index is not written, and tried again: %s", error)
                self.trouble = str(error)
            else:
                self.trouble = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Commit on a timer, for as long as the block lasts."""
        timer = asyncio.create_task(self._run(), name="committing the search index")
        try:
            yield
        finally:
            timer.cancel()
            await asyncio.wait([timer])

    async def _run(self) -> None:
        quiet = 0
        while True:
            try:
                if self.index.waiting:
                    quiet = 0
                    await self.commit()
                    await self._settle()
                elif (quiet := quiet + 1) in MERGED_AFTER:
                    await self._show_merged()
            except Exception:  # nobody would begin anew, and search would stand still
                log.exception("the search index is not committed, and tried again")
            await asyncio.sleep(self.settings.commit_ms / 1_000)

    async def _show_merged(self) -> None:
        async with self._committing:
            await in_thread(self.index.words.show)

    async def _settle(self) -> None:
        """Once an index of many items is made, what that took goes back to the system. And the collector need
        not look at the index: a full collection stops all threads.
        """
        if not (self.index.being_read or self.index.waiting) and len(self.index.words) >= max(
            2 * self._settled, MANY
        ):
            self._settled = len(self.index.words)
            await in_thread(give_back)
            await in_thread(gc_pauses.freeze)

    async def rebuild(self, store: Store, item_ids: Sequence[str]) -> int:
        """Make the index anew from the store's records; how many items it has. The former one answers until
        then. `item_ids`: of all rows. Raises `StoreError`, and `OSError` where the folder can't be written.
        """
        async with self._rebuilding:
            made = await in_thread(_new, self.settings)
            made.knows(self.index.graph)
            made.begin_filling()
            self._next = made
            try:
                await fill(made, store, item_ids)
                async with self._committing:
                    await in_thread(made.commit)
                    made.filled()
                    made.queries = self.index.queries
                    former, self.index = self.index, made
            finally:
                self._next = None
            former.words.close()
            del former
            if made.folder is not None:
                await in_thread(kept.adopt, made.folder)
            await in_thread(give_back)
            self.rebuilds += 1
            log.info("the search index was made anew: %d items", len(made.words))
            return len(made.words)


async def fill(index: SearchIndex, store: Store, item_ids: Sequence[str]) -> None:
    """Index all items that have a record in the store, and wait until its segments are merged."""
    for first in range(0, len(item_ids), PAGE):
        raws = await store.items(item_ids[first : first + PAGE])
        for row, raw in enumerate(raws, first):
            if raw is not None:
                index.fill(row, decode_item(raw))
        if index.waiting >= FILLED_AT_ONCE:
            await in_thread(index.commit)
    await in_thread(index.commit)
    await in_thread(index.words.settle)


def _opened(settings: SearchSettings) -> SearchIndex:
    """The index that the folder has, where it can be read and nobody else writes it; else a new one."""
    if not settings.folder:
        return SearchIndex(settings)
    folder = Path(settings.folder)
    if (there := kept.current(folder)) is not None:
        try:
            index = SearchIndex(settings, folder=there)
            index.read_back()
        except (ValueError, OSError) as error:
            if "Lock" in str(error):
                log.warning("another process writes the search index in %s: this one is in memory", folder)
                return SearchIndex(settings)
            log.warning("the search index in %s can't be read, and is made anew: %s", there, error)
        else:
            log.info("the search index in %s has %d items", there, len(index.words))
            return index
    return _adopted(settings)


def _adopted(settings: SearchSettings) -> SearchIndex:
    try:
        index = _new(settings)
        assert index.folder is not None
        kept.adopt(index.folder)
    except (ValueError, OSError) as error:
        log.warning("no search index in %s, this one is in memory: %s", settings.folder, error)
        return SearchIndex(settings)
    return index


def _new(settings: SearchSettings) -> SearchIndex:
    return SearchIndex(settings, folder=kept.begin(Path(settings.folder)) if settings.folder else None)
