"""What a user should see now, from the store: in one call where their own slate suffices, else in two.

Users who are asked for in one turn of the event loop share these calls (`streams.gateway.joined_reads`).
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from model.errors import StoreError
from streams.clock import Clock
from streams.gateway.filling import filling, shown, without
from streams.gateway.joined_reads import JoinedReads
from streams.gateway.withdrawn import WithdrawnItems
from streams.ranking.slate import POPULAR_USER, PopularFeed, Slate, SlateItem, decode, decode_popular
from streams.state import user_state_codec
from streams.state.action_meaning import Meanings
from streams.state.consumed import Consumed
from streams.state.user_state import UserState
from streams.stores.base import Store

log = logging.getLogger(__name__)

T = TypeVar("T")


class ShownPart(NamedTuple):
    """The first `n` items of `slate` are shown, and no others.

    `own`: how many of them, the first ones, were ranked for the user; the rest comes from the popular feed.
    `withdrawn`: how many of the stored ones were left out. `stored`: the id of the user's own slate, as the
    store has it; "" where there is none.
    """

    slate: Slate
    n: int
    own: int
    withdrawn: int = 0
    stored: str = ""

    @property
    def items(self) -> list[SlateItem]:
        return self.slate.items[: self.n]


class _Read(NamedTuple):
    """What the store holds of one user: a feed; the popular one and the state, where both were asked for."""

    feed: bytes | None
    state: bytes | None
    withdrawals: str


class Shelf:
    """Reads feeds; raises `StoreUnavailableError`, after `timeout_s` at the latest."""

    def __init__(self, meanings: Meanings, store: Store, clock: Clock, timeout_s: float) -> None:
        self._store, self._clock, self._timeout_s = store, clock, timeout_s
        self._blocking = meanings.blocking
        self._withdrawn = WithdrawnItems(store)
        self._popular: tuple[bytes, PopularFeed | None] = (b"", None)
        self._own = JoinedReads(self._read_own, timeout_s)
        self._others = JoinedReads(self._read_others, timeout_s)

    async def prepare(self) -> None:
        """Load what is compiled: the first request must not wait for it."""
        consumed = Consumed(((1, np.arange(3, dtype=np.int32)),))
        state = user_state_codec.encode(UserState(consumed=consumed))
        await asyncio.to_thread(user_state_codec.decode, state)

    async def show(self, user: str, n: int) -> ShownPart:
        """The `n` items that the user should see now; fewer where no others can be had."""
        began_s = asyncio.get_running_loop().time()
        read = await self._own.read(user)
        own = _readable("a feed", decode, read.feed)
        gone = self._withdrawn.known(read.withdrawals)
        if own is not None and gone is not None and (made := _of_own(own, n, gone)) is not None:
            return made
        async with asyncio.timeout_at(began_s + self._timeout_s):
            return await self._completed(user, n, own, read.withdrawals)

    async def _completed(self, user: str, n: int, own: Slate | None, withdrawals: str) -> ShownPart:
        """The same where something must be read: what was withdrawn lately, or what fills the feed up."""
        gone = await self._withdrawn.up_to(withdrawals)
        if own is not None and (made := _of_own(own, n, gone)) is not None:
            return made
        read = await self._others.read(user)
        gone = await self._withdrawn.up_to(read.withdrawals)
        stored = [] if own is None else own.items
        kept = without(stored, gone)
        popular = self._popular_of(read.feed)
        filled: list[SlateItem] = []
        if popular is not None and (met := _met(read.state)) is not None:
            filled = filling(popular, met, self._blocking, gone, kept, n - len(kept))
        if own is None:
            return ShownPart(self._stranger(user, popular, filled), len(filled), 0)
        slate = shown(own, kept, filled, own.ts if popular is None else popular.ts)
        return ShownPart(slate, len(slate.items), len(kept), len(stored) - len(kept), own.slate_id)

    async def _read_own(self, users: Sequence[str]) -> list[_Read]:
        read = await self._store.read_feeds(users)
        return [_Read(feed, None, read.withdrawals) for feed in read.feeds]

    async def _read_others(self, users: Sequence[str]) -> list[_Read]:
        read = await self._store.read_feeds([POPULAR_USER], users)
        return [_Read(read.feeds[0], state, read.withdrawals) for state in read.states]

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


def _of_own(own: Slate, n: int, gone: Collection[str]) -> ShownPart | None:
    """The first `n` items of the user's own slate that are not `gone`; None where it has fewer."""
    stored = own.items
    kept = without(stored, gone)
    if len(kept) < n:
        return None
    if len(kept) == len(stored):
        return ShownPart(own, n, n, 0, own.slate_id)
    return ShownPart(shown(own, kept[:n], [], own.ts), n, n, len(stored) - len(kept), own.slate_id)


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
