"""Live feeds of one gateway: who may follow, for how long, and what is counted."""

from __future__ import annotations

import asyncio

from streams.cancelling import cancelled
from streams.clock import Clock
from streams.gateway.feeds import FeedReads
from streams.gateway.live.asked import LiveAsked
from streams.gateway.live.connection import Connection
from streams.gateway.live.fan_out import FanOut
from streams.gateway.live.follower import Follower, LiveFeed
from streams.gateway.live.hearing import keep_hearing
from streams.gateway.live.metrics import LiveMetrics
from streams.gateway.live.slots import Slots
from streams.gateway.live.traced_pushes import TracedPushes
from streams.settings.live import LiveSettings
from streams.stores.base import Store

LOOKS_S = 1.0
"""So often connections are looked after, at the longest."""


class LiveFeeds:
    """Begins to hear of new feeds when the first one is followed."""

    def __init__(
        self,
        settings: LiveSettings,
        store: Store,
        reads: FeedReads,
        clock: Clock,
        metrics: LiveMetrics,
        retry_after_s: int,
        traces: TracedPushes | None = None,
    ) -> None:
        self.settings, self.reads = settings, reads
        self.slots = Slots(settings, retry_after_s)
        self._store, self._clock, self._metrics = store, clock, metrics
        self._fan_out, self._traces = FanOut(reads), traces
        self._chores: list[asyncio.Task[None]] = []
        self._ending = False

    async def follow(self, asked: LiveAsked, connection: Connection) -> None:
        """Push the feed until the connection is over. Raises `ProblemError` before it begins to answer, and
        `OSError` where the client was gone by then.
        """
        with self.slots.claimed(asked.user):
            self._begin()

            def sent(feed: LiveFeed) -> None:
                self._count(feed)
                if self._traces is not None:
                    self._traces.sent(feed, connection.kind)
                # What comes in place of a deleted user's feed is none: it would begin the user anew.
                if asked.impression and (feed.shown.stored or not follower.had_own):
                    self.reads.log(feed.shown, asked.user)

            follower = Follower(
                asked.user, asked.n, asked.known, connection, self.settings, self._metrics, sent
            )
            open_now = self._metrics.connections[connection.kind]
            open_now.inc()
            try:
                await self._fan_out.add(follower)
                await connection.begin()
                follower.open()
                if self._ending:
                    follower.end("shutdown")
                await connection.until_over()
                self._metrics.closed[follower.cause].inc()
            finally:
                open_now.dec()
                self._fan_out.remove(follower)
                follower.close()

    def end(self) -> None:
        """End all connections, so that their clients go elsewhere; further ones end as soon as they began."""
        self._ending = True
        for follower in self._fan_out.followers():
            follower.end("shutdown")

    async def stop(self) -> None:
        """Hear no more."""
        chores, self._chores = self._chores, []
        await cancelled(*chores)
        self._ending = False  # an app may be started again

    def _begin(self) -> None:
        if not self._chores:
            hearing = keep_hearing(self._store, self._fan_out, self._metrics)
            self._chores = [asyncio.create_task(hearing), asyncio.create_task(self._look_after())]

    async def _look_after(self) -> None:
        every_s = min(LOOKS_S, self.settings.ping_every_s / 10, self.settings.longest_s / 10)
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every_s)
            now_s = loop.time()
            for follower in self._fan_out.followers():
                follower.look_after(now_s)

    def _count(self, feed: LiveFeed) -> None:
        self._metrics.pushed.inc()
        self.reads.count(feed.shown)
        if feed.made_ms is not None:
            self._metrics.lag_s.observe(max(0.0, self._clock.precise_ms() - feed.made_ms) / 1_000)
