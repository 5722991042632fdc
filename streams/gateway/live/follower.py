"""One connection that follows a feed: at most one feed waits for it, the newest (latest wins).

While nothing is to be sent, a follower has no task of its own: thousands of them wait at the cost of some
objects each.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import NamedTuple, Protocol

from streams.gateway.live.metrics import LiveMetrics
from streams.gateway.shelf import ShownPart
from streams.settings.live import LiveSettings

log = logging.getLogger(__name__)


class LiveFeed(NamedTuple):
    """A feed as it is pushed: the same bytes for all who follow it. `made_ms`: when it was made (ms since the
    epoch), where it is news.
    """

    revision: str
    content: bytes
    shown: ShownPart
    made_ms: float | None = None


class Outlet(Protocol):
    """A way to a client. All but `abort` wait while the client does not read, and may raise `OSError` where
    it is gone.
    """

    async def room(self) -> None:
        """Returns once something may be sent."""
        ...

    async def feed(self, feed: LiveFeed) -> None: ...

    async def ping(self) -> None: ...

    async def end(self) -> None:
        """Tell the client that nothing more comes."""
        ...

    def abort(self) -> None:
        """Close at once, whatever still waits to be read."""
        ...


class Follower:
    """Follows the first `n` items of `user`'s feed. `known`: the revision that the client has, if any.

    sent: is told of each feed that went out.
    """

    def __init__(
        self,
        user: str,
        n: int,
        known: str | None,
        outlet: Outlet,
        settings: LiveSettings,
        metrics: LiveMetrics,
        sent: Callable[[LiveFeed], None],
    ) -> None:
        self.user, self.n = user, n
        self.first: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        """Done once the feed was read for the first time; an error where that was in vain."""
        self.had_own = False
        """Whether a feed of the user's own was there before; one of nobody's own then says it is gone."""
        self.cause = "client"
        """Why the connection ended."""
        self._known, self._outlet, self._settings, self._metrics = known, outlet, settings, metrics
        self._sent = sent
        self._waiting: LiveFeed | None = None
        self._pings = self._ends = self._open = False
        self._sender: asyncio.Task[None] | None = None
        now_s = asyncio.get_running_loop().time()
        self._ends_s = now_s + settings.longest_s * random.uniform(0.9, 1.0)
        self._ping_s = self._next_ping_s(now_s)

    def offer(self, feed: LiveFeed) -> None:
        """Have it sent, unless the client has it; an older one that still waits is skipped."""
        self.had_own = self.had_own or bool(feed.shown.stored)
        if self._waiting is not None and self._waiting.revision != feed.revision:
            self._metrics.skipped.inc()
        self._waiting = None if feed.revision == self._known else feed
        self._wake()

    def open(self) -> None:
        """The answer has begun: from now on feeds may be sent."""
        self._open = True
        self._wake()

    def end(self, cause: str) -> None:
        """End the connection, as soon as the client has read what is on its way."""
        if not self._ends:
            self.cause, self._ends = cause, True
            self._waiting = None
            self._wake()

    def look_after(self, now_s: float) -> None:
        """Ping where nothing was sent for long; end what is old."""
        if now_s >= self._ends_s:
            self.end("aged")
        elif now_s >= self._ping_s and self._sender is None:
            self._pings = True
            self._wake()

    def close(self) -> None:
        """The connection is over."""
        self._ends = True
        self._waiting = None
        if self._sender is not None:
            self._sender.cancel()

    def _wake(self) -> None:
        if self._open and self._sender is None and (self._waiting or self._pings or self._ends):
            self._sender = asyncio.create_task(self._send())

    async def _send(self) -> None:
        """Send what waits, until nothing does."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                async with asyncio.timeout(self._settings.slow_after_s):
                    if not await self._send_one():
                        return
                self._ping_s = self._next_ping_s(loop.time())
        except TimeoutError:
            self.cause, self._open = "slow", False
            self._outlet.abort()
        except OSError:
            self._open = False  # the client is gone, as whoever waits for that hears as well
        except Exception:
            log.exception("a live feed can't be sent")
            self.cause, self._open = "failed", False
            self._outlet.abort()
        finally:
            self._sender = None

    async def _send_one(self) -> bool:
        """Send one thing; False where there is none, or nothing may follow."""
        if self._ends:
            self._open = False
            await self._outlet.end()
            return False
        if self._waiting is not None:
            await self._outlet.room()
            feed, self._waiting = self._waiting, None
            if feed is not None:
                self._known = feed.revision
                await self._outlet.feed(feed)
                self._sent(feed)
        elif self._pings:
            await self._outlet.ping()
        else:
            return False
        self._pings = False
        return True

    def _next_ping_s(self, now_s: float) -> float:
        """Up to a fifth sooner than need be: clients that came together are not pinged together for ever."""
        return now_s + self._settings.ping_every_s * random.uniform(0.8, 1.0)
