"""One recommender on request: slates, and whatever else is asked of the core, from a replica that follows
the ledger. It never writes to the store.

    async with open_ranker(settings, store, clock) as ranker:
        answer = await ranker.slate(Asked("ann", size=10))
        near = await ranker.ask(near_items, "item-7")  # in the core's thread

What waits while a batch is ranked is the next batch (`streams.serving.ranker_queue`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from msgspec.structs import replace

from model.errors import (
    HeadraceError,
    RankerBusyError,
    RankerLateError,
    RankerUnreadyError,
    RequestError,
    StoreUnavailableError,
)
from model.schema import F32
from streams import gc_pauses
from streams.clock import Clock
from streams.recommender import Recommender
from streams.serving.background import in_thread
from streams.serving.compiling import load_compiled
from streams.serving.item_search import ItemSearch
from streams.serving.live import Live, Step, open_live
from streams.serving.meetings import with_rows_met
from streams.serving.ranker_asked import Answer, Asked
from streams.serving.ranker_batch import RankedBatch, rank
from streams.serving.ranker_explaining import Worth, worth
from streams.serving.ranker_queries import Queries
from streams.serving.ranker_queue import RankerQueue
from streams.serving.ranker_request import Waiting
from streams.serving.ranker_slates import RankedSlates
from streams.serving.ranker_watch import RankerWatch, Unwatched
from streams.settings.tree import Settings
from streams.state.event_meaning import Said
from streams.stores.base import Store

log = logging.getLogger(__name__)

R = TypeVar("R")
P = ParamSpec("P")

AGAIN_AFTER_S = (0.1, 10.0)
"""What could not be opened is tried again after the first of these, then after twice as long, up to the
second.
"""
LONGEST_S = 60.0
"""The same of what time alone seldom mends, such as a model that is missing: each attempt reads the store."""
DESCRIBED_MAX = 50
"""Candidates of one request whose texts come with it: the text encoder reads each of them."""
EXPLANATIONS = 2
"""So many may be asked for at a time: each takes the core as long as a dozen slates."""


class Ranker:
    """Opens in the background once it was told to begin. `slates`: those that it made of late. `live`: what
    it ranks with; None until it is there. `trouble`: why it can't rank, or may rank by old counters; "" where
    all is well. `items`: the search index over the items; None until there is one, and where `search.enabled`
    is false. `queries`: the vectors of texts that are at hand.
    """

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, watch: RankerWatch | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        self.live: Live | None = None
        self.items: ItemSearch | None = None
        self._store, self._opening = store, "the ranker has not begun"
        self._queue: RankerQueue[tuple[Asked, F32 | None, Said], Waiting, Answer] = RankerQueue(
            self._read,
            self._work,
            settings.ranker.batch_max,
            settings.ranker.queue_max,
            settings.ranker.timeout_ms / 1_000,
            watch or Unwatched(),
        )
        self.slates = RankedSlates(settings.ranker.slates_kept)
        self.queries = Queries(settings.ranker.timeout_ms / 1_000)
        self._asking = self._explaining = 0
        self._opened, self._over = asyncio.Event(), asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def watched_by(self, watch: RankerWatch) -> None:
        """Tell `watch` from now on."""
        self._queue.watch = watch

    @property
    def watch(self) -> RankerWatch:
        """Who is told what it does."""
        return self._queue.watch

    def begin(self) -> bool:
        """Open it in the background; False where that was begun before."""
        if self._running is not None:
            return False
        self._opening = "the ranker is starting"
        self._running = asyncio.create_task(self._run(), name="ranker")
        return True

    async def opened(self) -> None:
        """Returns once it ranks."""
        await self._opened.wait()

    async def close(self) -> None:
        """End it, with all that waits; what is being loaded has `gateway.drain_deadline_s`."""
        await self._queue.close()
        await self.queries.close()
        self._over.set()
        if self._running is not None:
            if self.live is None:
                self._running.cancel()
            await asyncio.wait([self._running], timeout=self.settings.gateway.drain_deadline_s)

    @property
    def trouble(self) -> str:
        live = self.live
        return self._opening if live is None else live.trouble

    async def slate(self, asked: Asked) -> Answer:
        """A slate, ranked now with all that waits beside it.

        Raises `RankerUnreadyError`, `RankerBusyError`, `RankerLateError`, `RequestError` for what can't be
        asked, and `StoreError` where the user's state can't be read.
        """
        live, started = self.ready(), time.perf_counter()
        query: F32 | None = None
        texts: Said = {}
        if asked.given:
            texts = await self.queries.vectors(_to_describe(asked, live.recommender), live.encode)
        if asked.query:
            query = await self.vector(asked.query)
        answer = await self._queue.answer((asked, query, texts))
        self._queue.watch.took("whole", time.perf_counter() - started)
        # Without the texts, which nobody asks for again.
        self.slates.keep(replace(asked, given={}) if asked.given else asked, answer)
        return answer

    async def worth(self, answer: Answer, places: int, history: int) -> Worth:
        """What the items of the user's history are worth to the first places of a slate that was made
        here. Raises what `ask` raises.
        """
        if answer.request is None:
            return {}
        if self._explaining >= EXPLANATIONS:
            raise RankerBusyError(f"{self._explaining} explanations are being made already")
        items = [item.item_id for item in answer.slate.items[:places]]
        self._explaining += 1
        try:
            return await self.ask(worth, answer.request, items, history)
        finally:
            self._explaining -= 1

    async def ask(
        self, function: Callable[Concatenate[Recommender, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What `function(recommender, ...)` returns, called in the core's thread between two batches. It
        should not take longer than a batch does.

        Raises `RankerUnreadyError`, `RankerLateError`, `RankerBusyError` where `ranker.queue_max` calls wait
        already, and what the function raises. What nobody waits for any more is not called.
        """
        live, ranker, over = self.ready(), self.settings.ranker, False
        if self._asking >= ranker.queue_max:
            raise RankerBusyError(f"{self._asking} calls wait for the core already")

        def call() -> R:
            if over:
                raise RankerLateError("nobody waits for this call any more")
            return function(live.recommender, *args, **kwargs)

        self._asking += 1
        calling = asyncio.create_task(live.replica.core.call(call))
        calling.add_done_callback(self._asked)
        try:
            done, _ = await asyncio.wait([calling], timeout=ranker.timeout_ms / 1_000)
        finally:
            over = True
        if not done:
            raise RankerLateError(f"the core did not answer within {ranker.timeout_ms} ms")
        return calling.result()

    def _asked(self, calling: asyncio.Task[object]) -> None:
        """A call is over; where nobody waits for it any more, what it raised is of no use."""
        self._asking -= 1
        if not calling.cancelled():
            calling.exception()

    async def vector(self, text: str) -> F32 | None:
        """The vector of a query, float32 [text_dim]; None for "", and where there is no text encoder."""
        live = self.ready()
        return await self.queries.vector(text, live.encode)

    def ready(self) -> Live:
        live = self.live
        if live is None:
            raise RankerUnreadyError(self._opening)
        if not live.replica.sound:
            raise RankerUnreadyError(live.trouble)
        return live

    async def _read(self, batch: Sequence[tuple[Asked, F32 | None, Said]]) -> list[Waiting]:
        """`batch`: what is asked, with the vectors of its query and of other texts. The users' states are
        read in one call.
        """
        live, started = self.ready(), time.perf_counter()
        everyone = [user for asked, *_ in batch for user in (asked.user, asked.session) if user]
        users = list(dict.fromkeys(everyone))
        viewers = list(dict.fromkeys(asked.user for asked, *_ in batch if asked.not_seen_for_ms))
        loaded = await live.store.load(users, (), viewers)
        states = dict(zip(users, loaded.states, strict=True))
        slates = dict(zip(viewers, loaded.slates, strict=True))
        self._queue.watch.took("read", time.perf_counter() - started)
        return [
            Waiting(
                asked,
                states[asked.user],
                query,
                None if asked.session == asked.user else states.get(asked.session),
                slates.get(asked.user),
                texts,
            )
            for asked, query, texts in batch
        ]

    async def _work(self, take: Callable[[], list[Waiting]]) -> Sequence[Answer | Exception]:
        """All slates of a batch in one call of the core. Where a state names items that were met since the
        ledger was last read, these are met first.
        """
        live, took_s = self.ready(), list[float]()

        def make(core: Recommender, again: bool) -> RankedBatch:
            waiting, started = take(), time.perf_counter()
            made = rank(core, waiting, self.clock.now_ms(), whole=again)
            took_s.append(time.perf_counter() - started)
            return made

        made = await with_rows_met(live, make)
        if waiting := take():
            self._queue.watch.took("rank", took_s[0])
            self._queue.watch.ranked(len(waiting))
        live.models.fell_back(made.missed)
        return made.answers

    async def _run(self) -> None:
        # Alone, and first: where this process has to compile, little else in it gets its turn in time.
        await _aside(load_compiled, self.settings, True)
        pause_s, _ = AGAIN_AFTER_S
        loop = asyncio.get_running_loop()
        while not self._over.is_set():
            try:
                items = self.items = await self._open_items()
                async with (
                    contextlib.nullcontext() if items is None else items.running(),
                    open_live(
                        self.settings,
                        self._store,
                        self.clock,
                        read_only=True,
                        items=items,
                        on_forgotten=partial(self._forget, loop),
                        attempt=self._until_there,
                    ) as live,
                ):
                    gc_pauses.freeze()
                    self.live, self._opening = live, ""
                    log.info("the ranker answers, with model %r", live.models.name)
                    self._opened.set()
                    await self._over.wait()
            except Exception as error:  # whatever a library raises, it may work the next time
                came = str(error) or type(error).__name__
                if self._opening != came:  # said once
                    seen = None if isinstance(error, HeadraceError | OSError) else error
                    log.error("the ranker can't be opened, and is tried again: %s", came, exc_info=seen)
                self._opening = came
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_S)
            finally:
                self.live = None

    def _forget(self, loop: asyncio.AbstractEventLoop, digests: Sequence[bytes] | None) -> None:
        """In the core's thread; the slates belong to the loop's."""
        loop.call_soon_threadsafe(self.slates.forget, digests)

    async def _open_items(self) -> ItemSearch | None:
        if not self.settings.search.enabled:
            return None
        return self.items or await in_thread(ItemSearch, self.settings.search)

    async def _until_there(self, step: Step) -> None:
        """A store that is away is waited for."""
        pause_s, longest_s = AGAIN_AFTER_S
        while True:
            try:
                return await step()
            except StoreUnavailableError as error:
                if self._opening != str(error):
                    log.warning("the ranker waits: %s", error)
                self._opening = str(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)


def _to_describe(asked: Asked, recommender: Recommender) -> list[str]:
    """The texts of candidates for which the catalogue has none; raises `RequestError` for too many."""
    catalog = recommender.catalog
    texts = [
        text
        for item, told in asked.given.items()
        if not catalog.has_own_text(catalog.rows.get(item, -1)) and (text := told.as_text)
    ]
    if len(texts) > DESCRIBED_MAX:
        raise RequestError(
            f"{len(texts)} of the candidates are described and were never announced; expected "
            f"{DESCRIBED_MAX} at most. Announce items with PUT /v1/items, and name them by their ids"
        )
    return texts


@asynccontextmanager
async def open_ranker(
    settings: Settings, store: Store, clock: Clock, watch: RankerWatch | None = None
) -> AsyncIterator[Ranker]:
    """A ranker that answers, for as long as the block lasts. The store stays the caller's to close."""
    ranker = Ranker(settings, store, clock, watch)
    ranker.begin()
    try:
        await ranker.opened()
        yield ranker
    finally:
        await ranker.close()


async def _aside(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call it in a thread that keeps no process alive: whoever ends the ranker does not wait for it."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def call() -> None:
        try:
            function(*args, **kwargs)
        except Exception:
            log.exception("what a ranker does beforehand has failed, and is done when it is needed")
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(over.set)

    threading.Thread(target=call, name="warm up", daemon=True).start()
    await over.wait()
