"""What a user should see now, from the store: in one call where their own slate suffices, else in two."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from model.errors import StoreError
from streams.clock import Clock
from streams.gateway.filling import filling, shown, without
from streams.gateway.withdrawn import WithdrawnItems
from streams.ranking.slate import POPULAR_USER, PopularFeed, Slate, SlateItem, decode, decode_popular
from streams.state import user_state_codec
from streams.state.action_meaning import Meanings
from streams.state.consumed import Consumed
from streams.state.user_state import UserState
from streams.stores.base import Store

log = logging.getLogger(__name__)

T = TypeVar("T")


class Shown(NamedTuple):
    """A slate with the items that are shown, and no others.

    `own`: how many of them, the first ones, were ranked for the user; the rest comes from the popular feed.
    `withdrawn`: how many of the stored ones were left out.
    """

    slate: Slate
    own: int
    withdrawn: int = 0


class Shelf:
    """Reads feeds; raises `StoreUnavailableError`."""

    def __init__(self, meanings: Meanings, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._blocking = meanings.blocking
        self._withdrawn = WithdrawnItems(store)
        self._popular: tuple[bytes, PopularFeed | None] = (b"", None)

    async def prepare(self) -> None:
        """Load what is compiled: the first request must not wait for it."""
        consumed = Consumed(((1, np.arange(3, dtype=np.int32)),))
        state = user_state_codec.encode(UserState(consumed=consumed))
        await asyncio.to_thread(user_state_codec.decode, state)

    async def show(self, user: str, n: int) -> Shown:
        """The `n` items that the user should see now; fewer where no others can be had."""
        read = await self._store.read_feeds([user])
        gone = await self._withdrawn.up_to(read.withdrawals)
        own = _readable("a feed", decode, read.feeds[0])
        stored = [] if own is None else own.items
        kept = without(stored, gone)
        if own is not None and len(kept) >= n:
            return Shown(shown(own, kept[:n], [], own.ts), n, len(stored) - len(kept))
        read = await self._store.read_feeds([POPULAR_USER], [user])
        gone = await self._withdrawn.up_to(read.withdrawals)
        kept = without(kept, gone)
        popular = self._popular_of(read.feeds[0])
        filled: list[SlateItem] = []
        if popular is not None and (met := _met(read.states[0])) is not None:
            filled = filling(popular, met, self._blocking, gone, kept, n - len(kept))
        if own is None:
            return Shown(self._stranger(user, popular, filled), 0)
        made = shown(own, kept, filled, own.ts if popular is None else popular.ts)
        return Shown(made, len(kept), len(stored) - len(kept))

    def _stranger(self, user: str, popular: PopularFeed | None, items: list[SlateItem]) -> Slate:
        """The slate of a user without one of their own."""
        if popular is None or not items:
            return Slate(uuid.uuid4().hex, user, self._clock.now_ms(), [], model="", rung="empty")
        return Slate(
            uuid.uuid4().hex, user, popular.ts, items, popular.model, "popular", popular.arm, popular.cause,
            popular.times,
        )  # fmt: skip

    def _popular_of(self, raw: bytes | None) -> PopularFeed | None:
        """The popular feed, decoded once for as long as it stays the same."""
        if raw is None:
            return None
        if raw != self._popular[0]:
            self._popular = raw, _readable("the popular feed", decode_popular, raw)
        return self._popular[1]


def _readable(what: str, read: Callable[[bytes], T], raw: bytes | None) -> T | None:
    """The slate, or None where there is none that this build can read."""
    if raw is None:
        return None
    try:
        return read(raw)
    except StoreError:
        log.exception("%s in the store can't be read, going on without it", what)
        return None


def _met(raw: bytes | None) -> Consumed | None:
    """What the user has met; None where that can't be told: then nothing is filled in."""
    try:
        return user_state_codec.decode(raw).consumed
    except StoreError as error:
        log.warning("a feed is not filled up: %s", error)
        return None
