"""Plays the rest of the stream: it reads the user's feed before each event, then sends the event.

It plays a user's events in their order. The user sees each feed that is read. If it has the event's item,
the event is a click with slate and position; every other event is a review with its rating. What is compared
is counted by the arm that the user is drawn to.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from streams.clock import Clock
from streams.datasets.as_events import profile_of
from streams.datasets.interactions import Interactions
from streams.demo.gateway_client import GatewayClient, RefusedError
from streams.demo.popularity import K, PopularityBaseline
from streams.demo.tally import MODEL, Tally
from streams.demo.watch import Watch
from streams.events.schema import Click, Review
from streams.gateway.feeds import Feed

LANES = 8
WAITING_MAX = 64  # due events of a lane; behind a slow gateway the player waits, as users do


class _Due(NamedTuple):
    number: int
    user: str
    item: str
    rating: float


class Player:
    """Plays `stream` from event `at` on. `arm_of`: the arm of a user. `untold`: the profiles of users who
    come anew; each is told before the user's first event. `run_name` keeps the event ids of two runs apart.
    """

    def __init__(
        self,
        client: GatewayClient,
        stream: Interactions,
        at: int,
        rate: float,
        baseline: PopularityBaseline,
        tally: Tally,
        watch: Watch,
        arm_of: Callable[[str], str],
        untold: Mapping[str, Mapping[str, str]],
        clock: Clock,
        run_name: str,
    ) -> None:
        self._arm_of, self._untold = arm_of, dict(untold)
        self._client, self._stream, self._rate, self._clock = client, stream, rate, clock
        self._baseline, self._tally, self._watch, self._run_name = baseline, tally, watch, run_name
        self.at, self._start = at, at
        self._lanes: list[asyncio.Queue[_Due]] = [asyncio.Queue(WAITING_MAX) for _ in range(LANES)]
        self._looking: set[asyncio.Task[None]] = set()

    @property
    def played(self) -> int:
        return self.at - self._start

    @property
    def left(self) -> int:
        return len(self._stream) - self.at

    async def play(self) -> None:
        """Play until the stream ends; cancel it to stop earlier, then `drain`."""
        lanes = [asyncio.create_task(self._serve(lane)) for lane in self._lanes]
        try:
            begun_s = time.monotonic()
            while self.at < len(self._stream):
                due_s = begun_s + self.played / self._rate
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                events, k = self._stream, self.at
                rating = float(events.rating[k])
                due = _Due(k, events.user[k], events.item[k], rating)
                self._watch.consider(due.user, self._stream, k)
                self.at += 1
                # Not hash(): its values differ between processes.
                await self._lanes[zlib.crc32(due.user.encode()) % LANES].put(due)
        finally:
            for lane in self._lanes:
                await lane.join()
            for task in [*lanes, *self._looking]:
                task.cancel()
            await asyncio.gather(*lanes, *self._looking, return_exceptions=True)

    async def _serve(self, lane: asyncio.Queue[_Due]) -> None:
        while True:
            due = await lane.get()
            try:
                await self._live(due)
            except RefusedError as error:
                self._tally.errors[str(error)] += 1
            finally:
                lane.task_done()

    async def _live(self, due: _Due) -> None:
        """Play one event: read, compare, send."""
        if (profile := self._untold.pop(due.user, None)) is not None:
            told = profile_of(due.user, profile, self._clock.now_ms())
            await self._client.send(
                msgspec.structs.replace(told, event_id=f"{self._run_name}-{told.event_id}")
            )
        feed = await self._client.feed(due.user, K, impression=True)
        self._compare(due, feed)
        items = [item.item_id for item in feed.items]
        clicked = due.item in items
        self._tally.impressions += bool(items)
        event: Click | Review
        identity = f"{self._run_name}-{due.number}"
        if clicked:
            event = Click(
                event_id=identity,
                ts=self._clock.now_ms(),
                user_id=due.user,
                item_id=due.item,
                slate_id=feed.slate_id,
                position=items.index(due.item),
            )
        else:
            event = Review(
                event_id=identity,
                ts=self._clock.now_ms(),
                user_id=due.user,
                item_id=due.item,
                rating=None if np.isnan(due.rating) else due.rating,
            )
        await self._client.send(event)
        self._tally.accept(clicked)
        if due.user == self._watch.user:
            self._watch.acted(due.item, due.rating, clicked)
            task = asyncio.create_task(self._watch.look(self._client, due.user))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    def _compare(self, due: _Due, feed: Feed) -> None:
        """Count whether the feed and popularity have the item among the first ten, before they learn it."""
        tally, arm = self._tally, self._arm_of(due.user)
        tally.feeds += 1
        if arm == MODEL:
            tally.rungs[feed.rung] += 1
            tally.modelled += bool(feed.model)
            tally.freshness.take(feed.slate_id, feed.times)
        if not self._baseline.has_met(due.user, due.item):
            tally.compared[arm] += 1
            tally.hits[arm] += any(item.item_id == due.item for item in feed.items)
            if arm == MODEL:
                tally.hits["popularity"] += self._baseline.hits(due.user, due.item)
        self._baseline.learn(due.user, due.item)
