"""What was heard and not asked for yet: each user once, however often their feed was written meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from model.errors import StoreUnavailableError


class HeardFeeds:
    """`FeedNews` that whoever hears fills. `closed` is called once, when nobody listens any more."""

    def __init__(self, closed: Callable[[], None] = lambda: None) -> None:
        self._closed = closed
        self._users: dict[str, None] = {}
        self._lost: StoreUnavailableError | None = None
        self._some = asyncio.Event()

    def add(self, user: str) -> None:
        """A feed of this user was written, or is gone."""
        self._users[user] = None
        self._some.set()

    def lose(self, error: StoreUnavailableError) -> None:
        """Nothing more will be heard; what was heard before is still told."""
        self._lost = self._lost or error
        self._some.set()

    async def next(self) -> list[str]:
        """See `FeedNews`."""
        await self._some.wait()
        if not self._users:
            assert self._lost is not None
            raise self._lost
        users = list(self._users)
        self._users.clear()
        if self._lost is None:
            self._some.clear()
        return users

    def close(self) -> None:
        """Stop listening; whoever waits for news is told that the link is lost."""
        closed, self._closed = self._closed, lambda: None
        closed()
        self.lose(StoreUnavailableError("nobody listens to this store's news any more"))
