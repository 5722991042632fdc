"""The vectors of queries and of candidates' texts: made in a thread, those asked for lately at hand."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar, TypeVarTuple

from model.errors import RankerLateError
from model.schema import F32
from streams.serving.background import in_thread
from streams.state.event_meaning import Encode, encoded

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

KEPT = 16_384
"""So many texts: with 64 numbers each, some 8 MiB. Of a text its digest is kept."""


class Queries:
    """Two who ask for one query at a time have it made once."""

    def __init__(self, timeout_s: float, kept: int = KEPT) -> None:
        self._timeout_s, self._kept = timeout_s, kept
        self._known: OrderedDict[bytes, F32] = OrderedDict()
        self._making: dict[str, asyncio.Future[dict[str, F32]]] = {}
        self._beside: set[asyncio.Future[Any]] = set()

    async def vector(self, text: str, encode: Encode | None) -> F32 | None:
        """float32 [text_dim], as the worker makes it; None for "", and without an encoder."""
        if encode is None or not text:
            return None
        if (known := self._find(text)) is not None:
            return known
        making = self._making.get(text)
        if making is None:
            making = self._making[text] = self.beside(encoded, [text], encode)
            making.add_done_callback(partial(self._made, text))
        done, _ = await asyncio.wait([making], timeout=self._timeout_s)
        if not done:
            raise RankerLateError(f"no vector of the query within {1_000 * self._timeout_s:.0f} ms")
        return making.result()[text]

    async def vectors(self, texts: Sequence[str], encode: Encode | None) -> dict[str, F32]:
        """The same of several texts, none of them "", made in one go; none without an encoder."""
        if encode is None:
            return {}
        found, missing = dict[str, F32](), list[str]()
        for text in dict.fromkeys(texts):
            if (known := self._find(text)) is None:
                missing.append(text)
            else:
                found[text] = known
        if missing:
            making = asyncio.create_task(in_thread(encoded, missing, encode))
            done, _ = await asyncio.wait([making], timeout=self._timeout_s)
            if not done:
                raise RankerLateError(f"no vectors of the texts within {1_000 * self._timeout_s:.0f} ms")
            for text, vector in making.result().items():
                found[text] = vector
                self.keep(text, vector)
        return found

    def beside(self, function: Callable[[*Ts], T], *arguments: *Ts) -> asyncio.Future[T]:
        """What `function` returns, called in a pool's thread. `close` waits for it."""
        making = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
        self._beside.add(making)
        making.add_done_callback(self._beside.discard)
        return making

    def at_hand(self, text: str) -> F32 | None:
        """The vector of a text, where it is kept. Any thread may ask."""
        return self._known.get(_digest(text))

    def _find(self, text: str) -> F32 | None:
        """The vector of a text that was asked for lately, which it is again from now on."""
        key = _digest(text)
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
        return known

    def keep(self, text: str, vector: F32) -> None:
        """Have it at hand: `text` is the one that was asked for last."""
        key = _digest(text)
        self._known[key] = vector
        self._known.move_to_end(key)
        while len(self._known) > self._kept:
            self._known.popitem(last=False)

    def _made(self, text: str, making: asyncio.Future[dict[str, F32]]) -> None:
        """Whoever waits hears of it after this; where nobody does, what it raised is of no use."""
        del self._making[text]
        if not making.cancelled() and making.exception() is None:
            self.keep(text, making.result()[text])

    async def close(self) -> None:
        """Wait for what is made."""
        if self._beside:
            await asyncio.wait(list(self._beside))


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
