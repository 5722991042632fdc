"""A connection that follows a feed: what all kinds of it have in common."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any

from litestar.types import Receive, Scope, Send

from streams.gateway.live.follower import LiveFeed
from streams.gateway.live.wire import Wire
from streams.settings.live import LiveSettings


class Connection(ABC):
    """An `Outlet`, and what goes before and beside it. `kind`: under which it is counted; `begun`: whether
    the answer has begun.
    """

    kind: str
    status: int

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: LiveSettings) -> None:
        self._receive, self._settings = receive, settings
        self._send: Any = send
        self._wire = Wire(scope)
        self._cut = False
        self._main = asyncio.current_task()
        self.begun = False

    async def begin(self) -> None:
        """Begin the answer."""
        # The kernel's bound is for clients that are dead, or have read none of what it still keeps. It is
        # later than ours, which tells why.
        self._wire.narrow(self._settings.slow_after_s + self._settings.ping_every_s)
        self.begun = True
        await self._start()

    async def until_over(self) -> None:
        """Returns once the connection is closed, by whomever."""
        try:
            while not await self._is_over(await self._receive()):
                pass
        except asyncio.CancelledError:
            if not self._cut:
                raise
            assert self._main is not None
            self._main.uncancel()

    def abort(self) -> None:
        """See `Outlet`."""
        if not self._wire.cut() and self._main is not None:
            self._cut = True
            self._main.cancel()

    async def room(self) -> None:
        """See `Outlet`."""
        return

    @abstractmethod
    async def feed(self, feed: LiveFeed) -> None: ...

    @abstractmethod
    async def ping(self) -> None: ...

    @abstractmethod
    async def end(self) -> None: ...

    @abstractmethod
    async def _start(self) -> None: ...

    @abstractmethod
    async def _is_over(self, message: Any) -> bool: ...
