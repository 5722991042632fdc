"""A folded batch to Kafka and the store: its dead letters first, then everything else in one transaction.

Neither gives up while Kafka or the store are away.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from model.errors import BrokerUnavailableError, EventError, StoreError, StoreUnavailableError
from streams.batch import BatchResult
from streams.clock import Clock
from streams.kafka.dead_letters import DeadLetters, dead_letter
from streams.stores.base import Store
from streams.stores.commit import Commit
from streams.worker.look_up import BatchWork
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_S = (0.05, 1.0)
"""The first and the longest pause before the store or Kafka is asked again."""


class Writing:
    """Writes what a batch came to; `trouble` says what it waits for, if anything."""

    def __init__(self, store: Store, letters: DeadLetters, metrics: WorkerMetrics, clock: Clock) -> None:
        self.store, self.letters, self.metrics, self.clock = store, letters, metrics, clock
        self.trouble = ""
        self._commit_s = metrics.stage_s.of("commit")

    async def send_letters(self, work: BatchWork, outcome: BatchResult) -> None:
        """Returns once they are safe in Kafka."""
        letters = work.letters + [
            dead_letter(work.reads[at].message, _reason(error), error, self.clock.now_ms())
            for at, error in outcome.failed.items()
        ]
        if letters:
            await self.until_answered(lambda: self.letters.send(letters))
            for letter in letters:
                self.metrics.dead_letters.add(1, letter.reason)
                self.metrics.events.add(1, letter.message.topic, "dead_letter")

    async def commit(self, commit: Commit, writer: str) -> str:
        """Returns its place in the ledger once it is written. Raises `FencedError` where it can't be."""
        started = time.perf_counter()
        position = await self.until_answered(lambda: self.store.commit(commit, writer))
        self._commit_s.observe(time.perf_counter() - started)
        return position

    async def until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, however long the store or Kafka are away."""
        pause_s, longest_s = RETRY_S
        while True:
            try:
                answer = await ask()
            except (StoreUnavailableError, BrokerUnavailableError) as error:
                self.troubled(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            else:
                self.trouble = ""
                return answer

    def troubled(self, error: StoreError | BrokerUnavailableError) -> None:
        """Note that something is waited for."""
        (
            self.metrics.broker_errors
            if isinstance(error, BrokerUnavailableError)
            else self.metrics.store_errors
        ).inc()
        if not self.trouble:
            log.warning("waiting: %s", error)
        self.trouble = str(error)


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, EventError) else "apply_failed"
