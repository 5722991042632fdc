"""Looks every second where partitions end; says, counts and reads again what stands still.

The client that reads hears of ends as it reads. The brokers are asked less often, by another client, which
costs the loop 2 ms each time: where a partition has more than its reader has heard of, the reader stands
still.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from model.errors import BrokerUnavailableError
from streams.cancelling import cancelled
from streams.events.schema import EVENT_TOPICS
from streams.kafka.lag import Lag, Standing
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)

EVERY_S, ASK_EVERY_S = 1.0, 5.0
ANSWER_AT_MOST_S = 5.0
"""A broker that takes longer is not waited for: what it said before still holds."""


class Partitions(Protocol):
    """What is asked about the partitions of this process."""

    def standings(self) -> Mapping[str, Standing]:
        """How far each is; none while they are being assigned."""
        ...

    async def ends(self, places: Collection[str]) -> Mapping[str, int]:
        """Where each ends. Raises `BrokerUnavailableError`."""
        ...

    async def reread(self, place: str, offset: int) -> int:
        """Go on reading at `offset`."""
        ...


class LagWatch:
    """Runs until it is stopped. `waits`: whether what is applied next waits for the store or for Kafka;
    `in_turn`: the partitions of which events wait here for their turn, and for which others. `done` is told
    how far each is.
    """

    def __init__(
        self,
        kafka: Partitions,
        stalled_after_s: float,
        metrics: WorkerMetrics,
        waits: Callable[[], bool],
        now_s: Callable[[], float] = time.monotonic,
        in_turn: Callable[[], Mapping[str, Collection[str]]] = dict,
        done: Callable[[Mapping[str, Standing]], None] = lambda _: None,
    ) -> None:
        self.kafka, self.metrics, self.waits = kafka, metrics, waits
        self.in_turn, self.done = in_turn, done
        self.lag = Lag(stalled_after_s, now_s)
        self._stalled_after_s, self._now_s = stalled_after_s, now_s
        self._ends: dict[str, int] = {}
        self._asked_s = -ASK_EVERY_S
        self._answered_s = now_s()
        self._unanswered = ""
        self._said: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """Why the worker does not keep up with Kafka; "" where it does, or is not known to fail."""
        silent_s = self._now_s() - self._answered_s
        if self._unanswered and silent_s >= self._stalled_after_s:
            return f"not known for {silent_s:.0f} s: {self._unanswered}"
        return "; ".join(map(str, self.lag.stalled()))

    def start(self) -> None:
        self._answered_s = self._now_s()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            await cancelled(self._task)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the lag could not be counted")
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Bring everything up to date, once."""
        standings = self.kafka.standings()
        if self._now_s() - self._asked_s >= ASK_EVERY_S or not standings.keys() <= self._ends.keys():
            await self._ask(standings.keys())
            standings = self.kafka.standings()  # what was applied meanwhile waits no more
        self.done(standings)
        ends = {
            place: max(self._ends.get(place, each.offset), each.heard) for place, each in standings.items()
        }
        self.lag.look(standings, ends, excused=self.waits(), in_turn=self.in_turn())
        for topic in EVENT_TOPICS:
            self.metrics.lag_events.labels(topic).set(self.lag.of(topic))
            self.metrics.held_back_events.labels(topic).set(self.lag.held_back(topic))
        await self._tell()

    async def _ask(self, places: Collection[str]) -> None:
        """Where they end; asked again the next time if there is no answer."""
        try:
            if places:
                async with asyncio.timeout(ANSWER_AT_MOST_S):
                    self._ends = dict(await self.kafka.ends(places))
                self._asked_s = self._now_s()
            self._answered_s, self._unanswered = self._now_s(), ""
        except (BrokerUnavailableError, TimeoutError) as error:
            self._unanswered = str(error) or f"Kafka did not answer within {ANSWER_AT_MOST_S:g} s"

    async def _tell(self) -> None:
        stalled = self.lag.stalled()
        self.metrics.stalled_partitions.set(len(stalled))
        for each in stalled:
            if each.place not in self._said:
                log.error("%s; it is read again from there", each)
                await self.kafka.reread(each.place, each.offset)
        for place in self._said - {each.place for each in stalled}:
            log.info("%s goes on", place)
        self._said = {each.place for each in stalled}
