"""Each served feed is an impression: logged to Kafka behind the answer, never before it.

What is shown within a few milliseconds is written together: a write of its own costs more than a read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from itertools import count

from streams.cancelling import cancelled
from streams.clock import Clock
from streams.events.schema import Impression
from streams.gateway.metrics import GatewayMetrics
from streams.kafka.producer import Acknowledgement, EventSink
from streams.ranking.slate import Slate

log = logging.getLogger(__name__)

CAPACITY = 10_000
BATCH = 256
GATHER_S = 0.01
"""Impressions that come within this time after the first one are written with it; no answer waits for it."""
RETRY_S = 0.5

_MINE, _numbers = secrets.token_hex(12), count()
"""An impression's id: what names this process, and a number; a random id for each costs ten times as much."""


def impression_of(
    slate: Slate, n: int, user_id: str, now_ms: int, surface: str = "feed", event_id: str = ""
) -> Impression:
    """What `user_id` saw: the first `n` items of the slate, in their order. `event_id`: a new one, where none
    is given.
    """
    return Impression(
        event_id=event_id or f"{_MINE}-{next(_numbers):x}",
        ts=now_ms,
        user_id=user_id,
        slate_id=slate.slate_id,
        items=[item.item_id for item in slate.items[:n]],
        surface=surface,
        arm=slate.arm,
        model=slate.model,
        propensities=None if slate.propensities is None else slate.propensities[:n],
        teams=None if slate.teams is None else slate.teams[:n],
    )


class ImpressionLog:
    """A bounded queue before Kafka. While Kafka is down they wait; past the capacity they are dropped."""

    def __init__(
        self,
        sink: EventSink,
        clock: Clock,
        metrics: GatewayMetrics,
        timeout_s: float,
        capacity: int = CAPACITY,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._queue: asyncio.Queue[Impression] = asyncio.Queue(capacity)
        self._writer: asyncio.Task[None] | None = None
        self._waiting = 0
        self._dropping = False
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write())

    def add(self, impression: Impression) -> None:
        """Queue it, or drop and count it; never waits."""
        try:
            self._queue.put_nowait(impression)
        except asyncio.QueueFull:
            if not self._dropping:
                log.warning("impressions are dropped: %d wait for Kafka already", self._queue.qsize())
            self._dropping = True
            self._metrics.impressions.labels("dropped").inc()
        else:
            self._count_waiting(1)

    async def stop(self, deadline_s: float) -> None:
        """Write what waits, for `deadline_s` at most; the rest is dropped and counted."""
        writer = self._writer
        if writer is None:
            return
        self._stopping.set()
        drained = asyncio.create_task(self._queue.join())
        await asyncio.wait([drained, writer], timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        await cancelled(drained, writer)
        if left := self._waiting:
            self._metrics.impressions.labels("dropped").inc(left)
            log.warning("%d impressions were dropped at shutdown: Kafka did not take them in time", left)

    async def _write(self) -> None:
        while True:
            waiting = [await self._queue.get()]
            if not self._stopping.is_set() and self._queue.qsize() < BATCH:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GATHER_S):
                        await self._stopping.wait()
            while len(waiting) < BATCH and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            while waiting:
                try:
                    delivery = await self._sink.deliver(waiting, self._clock.now_ms(), self._timeout_s)
                except Exception:  # nobody would begin anew, and each later impression would be dropped
                    log.exception("impressions are not written, and tried again")
                    delivery = Acknowledgement([False] * len(waiting))
                logged = sum(delivery.confirmed)
                for _ in range(logged):
                    self._queue.task_done()
                self._count_waiting(-logged)
                self._metrics.impressions.labels("logged").inc(logged)
                waiting = [event for event, ok in zip(waiting, delivery.confirmed, strict=True) if not ok]
                if waiting:
                    await asyncio.sleep(RETRY_S)
            self._dropping = False

    def _count_waiting(self, change: int) -> None:
        self._waiting += change
        self._metrics.impressions_waiting.set(self._waiting)
