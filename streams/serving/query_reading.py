"""A search's query, read before the core is asked: what it asks for, what its words find, and its vector.

One call in a pool's thread makes all of it. A call for each would be three ways there and back, each with a
turn of the loop and of the interpreter's lock. That costs more than work side by side gains.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from model.errors import RankerLateError
from model.schema import F32
from streams.search.index import SearchIndex
from streams.search.queries import Understood
from streams.search.words import Hits
from streams.serving.ranker_queries import Queries
from streams.state.event_meaning import Encode, encoded

log = logging.getLogger(__name__)

Key = tuple[str, bool]


class ReadQuery(NamedTuple):
    """`hits`: what the words find; None where they were not searched, see `QueryReader.begin`. `vector`: of
    the text, float32 [text_dim]; None without an encoder, for a query of signs alone, and where it is late.
    """

    understood: Understood
    hits: Hits | None
    vector: F32 | None


class Reading:
    """One query as it is being read: `make` fills in one thing after the other, in a thread."""

    def __init__(
        self,
        index: SearchIndex,
        text: str,
        search: bool,
        encode: Encode | None,
        known: Callable[[str], F32 | None],
    ) -> None:
        self.index, self.text, self._search, self._encode = index, text, search, encode
        self._known = known
        self.understood = index.understood(text)
        self.hits: Hits | None = None
        self.vector: F32 | None = None
        self.over: asyncio.Future[None] | None = None

    def at_hand(self) -> bool:
        """Whether it was read lately, and nothing is to be made."""
        understood = self.understood
        if understood is None:
            return False
        searches, text = self._searches(understood), self._to_encode(understood)
        hits = self.index.best_known(understood) if searches else None
        vector = self._known(text) if text else None
        if (searches and hits is None) or (text and vector is None):
            return False
        self.hits, self.vector = hits, vector
        return True

    def make(self) -> None:
        """In a thread: all that is not at hand."""
        understood = self.understood or self.index.understand(self.text)
        if self._searches(understood):
            self.hits = self.index.best(understood)
        self.understood = understood  # from here on words alone can search
        if text := self._to_encode(understood):
            known = self._known(text)
            self.vector = encoded([text], self._encode)[text] if known is None else known

    def _searches(self, understood: Understood) -> bool:
        return self._search and not understood.empty

    def _to_encode(self, understood: Understood) -> str:
        return "" if self._encode is None else understood.to_encode


class QueryReader:
    """`queries`: vectors that are at hand, and where new ones go. Who asks for what is being read already
    waits for that.
    """

    def __init__(self, queries: Queries, timeout_s: float) -> None:
        self._queries, self._timeout_s = queries, timeout_s
        self._under_way: dict[Key, Reading] = {}

    def begin(self, index: SearchIndex, text: str, search: bool, encode: Encode | None) -> Reading:
        """Begin to read, where that is not at hand. search: whether words are searched; else they are only
        understood.
        """
        key = (text, search)
        reading = self._under_way.get(key)
        if reading is not None and reading.index is index:
            return reading
        reading = Reading(index, text, search, encode, self._queries.at_hand)
        if not reading.at_hand():
            reading.over = self._queries.beside(reading.make)
            self._under_way[key] = reading
            reading.over.add_done_callback(lambda over: self._made(key, reading, over))
        return reading

    def _made(self, key: Key, reading: Reading, over: asyncio.Future[None]) -> None:
        if self._under_way.get(key) is reading:
            del self._under_way[key]
        if over.cancelled() or over.exception() is not None:
            return
        if reading.understood is not None and reading.vector is not None:
            self._queries.keep(reading.understood.to_encode, reading.vector)

    async def end(self, reading: Reading) -> ReadQuery:
        """What was read. Without a vector that does not come in time, words alone search. Raises
        `RankerLateError` where not even these were read, and what reading has raised.
        """
        if reading.over is not None:
            done, _ = await asyncio.wait([reading.over], timeout=self._timeout_s)
            if done:
                reading.over.result()
            elif reading.understood is not None:
                log.warning("a search goes by words alone: no vector within %.0f ms", 1_000 * self._timeout_s)
        if reading.understood is None:
            raise RankerLateError(f"the query's words were not read within {1_000 * self._timeout_s:.0f} ms")
        return ReadQuery(reading.understood, reading.hits, reading.vector)
