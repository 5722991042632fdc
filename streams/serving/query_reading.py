"""A search's query, read: what it asks for, what its words find, and its vector.

The core's thread reads it, as part of the batch that answers it. In a thread beside, it would take turns with
the core and the loop for the interpreter's lock: that costs a tenth of a search, and a second way there and
back. A text encoder that takes long, or a long query, is another thing: then a pool's thread reads, and the
core goes on.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
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
IN_CORE_S = 0.01
"""So much CPU a query may take for the core to read it: others wait for its batch. By the clock, a busy
machine would have queries read beside, which costs it more.
"""
LONG = 256
"""A query of more characters is read beside whatever others take: one of thousands takes tens of ms."""
NEWEST = 0.1
"""What the newest query counts in how long they take."""


class ReadQuery(NamedTuple):
    """`hits`: what the words find; None where they were not searched, see `QueryReader.begin`. `vector`: of
    the text, float32 [text_dim]; None without an encoder, for a query of signs alone, and where it is late.
    """

    understood: Understood
    hits: Hits | None
    vector: F32 | None


class Reading:
    """One query as it is being read. `over`: of the call that reads it in a pool's thread; None where the
    core's thread does, and where all is at hand. `took_s`: how much CPU; None before.
    """

    def __init__(
        self,
        index: SearchIndex,
        text: str,
        search: bool,
        encode: Encode | None,
        known: Callable[[str], F32 | None],
    ) -> None:
        self.index, self.text, self.searches, self._encode = index, text, search, encode
        self._known, self._complete = known, False
        self.understood = index.understood(text)
        self.hits: Hits | None = None
        self.vector: F32 | None = None
        self.over: asyncio.Future[None] | None = None
        self.took_s: float | None = None

    def at_hand(self) -> bool:
        """Whether it was read lately, and nothing is to be made."""
        understood = self.understood
        if understood is None:
            return False
        searches, text = self._has_words(understood), self._to_encode(understood)
        hits = self.index.best_known(understood) if searches else None
        vector = self._known(text) if text else None
        if (searches and hits is None) or (text and vector is None):
            return False
        self.hits, self.vector, self._complete = hits, vector, True
        return True

    def read(self) -> ReadQuery:
        """In the core's thread: what was read. It is read now, where no other thread has been asked to."""
        if self.over is None and not self._complete:
            self.make()
        assert self.understood is not None
        return ReadQuery(self.understood, self.hits, self.vector)

    def make(self) -> None:
        """In one thread: all that is not at hand, one thing after the other."""
        began_s = time.thread_time()
        understood = self.understood or self.index.understand(self.text)
        if self._has_words(understood):
            self.hits = self.index.best(understood)
        self.understood = understood  # from here on words alone can search
        if text := self._to_encode(understood):
            known = self._known(text)
            self.vector = encoded([text], self._encode)[text] if known is None else known
        self.took_s, self._complete = time.thread_time() - began_s, True

    def _has_words(self, understood: Understood) -> bool:
        return self.searches and not understood.empty

    def _to_encode(self, understood: Understood) -> str:
        return "" if self._encode is None else understood.to_encode


class QueryReader:
    """`queries`: vectors that are at hand, and where new ones go. Who asks for what is being read already
    waits for that. `takes_s`: how much CPU a query takes, of late; without an end until one was read.
    """

    def __init__(self, queries: Queries, timeout_s: float) -> None:
        self._queries, self._timeout_s = queries, timeout_s
        self._under_way: dict[Key, Reading] = {}
        self.takes_s = math.inf

    def begin(self, index: SearchIndex, text: str, search: bool, encode: Encode | None) -> Reading:
        """Begin to read, where that is not at hand. search: whether words are searched; else they are only
        understood.
        """
        key = (text, search)
        reading = self._under_way.get(key)
        if reading is not None and reading.index is index:
            return reading
        reading = Reading(index, text, search, encode, self._queries.at_hand)
        if reading.at_hand():
            return reading
        self._under_way[key] = reading
        if self.takes_s > IN_CORE_S or len(text) > LONG:
            reading.over = self._queries.beside(reading.make)
            reading.over.add_done_callback(lambda over: self._made(reading, over))
        return reading

    async def beside(self, reading: Reading) -> None:
        """Returns once the core can take it: at once where the core reads it. Without a vector that does not
        come in time, words alone search. Raises `RankerLateError` where not even these were read, and what
        reading has raised.
        """
        if reading.over is None:
            return
        done, _ = await asyncio.wait([reading.over], timeout=self._timeout_s)
        if done:
            reading.over.result()
        elif reading.understood is None:
            raise RankerLateError(f"the query's words were not read within {1_000 * self._timeout_s:.0f} ms")
        else:
            log.warning("a search goes by words alone: no vector within %.0f ms", 1_000 * self._timeout_s)

    def end(self, reading: Reading) -> None:
        """Who has asked the core to read it has an answer, or waits no more."""
        if reading.over is None:
            self._end(reading)

    def _made(self, reading: Reading, over: asyncio.Future[None]) -> None:
        if not over.cancelled():
            over.exception()  # whoever waits is told
        self._end(reading)

    def _end(self, reading: Reading) -> None:
        key = (reading.text, reading.searches)
        if self._under_way.get(key) is reading:
            del self._under_way[key]
        took_s, reading.took_s = reading.took_s, None
        if took_s is None:
            return
        if len(reading.text) <= LONG:
            known = math.isfinite(self.takes_s)
            self.takes_s = (1.0 - NEWEST) * self.takes_s + NEWEST * took_s if known else took_s
        if reading.understood is not None and reading.vector is not None:
            self._queries.keep(reading.understood.to_encode, reading.vector)
