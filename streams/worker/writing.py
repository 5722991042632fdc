"""A folded batch to Kafka and the store: its dead letters first, then everything else in one transaction.

Neither gives up while Kafka or the store are away.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from model.errors import BrokerUnavailableError, EventError, StoreError, StoreUnavailableError
from streams.batch import BatchResult
from streams.clock import Clock
from streams.events.schema import Item
from streams.kafka.dead_letters import DeadLetters, dead_letter
from streams.state.action_meaning import BUILT_IN
from streams.stores.base import Commit, Store, order_of
from streams.worker.folding import Made
from streams.worker.look_up import Work
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_S = (0.05, 1.0)
"""The first and the longest pause before the store or Kafka is asked again."""


class Writing:
    """Writes what a batch came to; `trouble` says what it waits for, if anything."""

    def __init__(
        self,
        store: Store,
        letters: DeadLetters,
        metrics: WorkerMetrics,
        clock: Clock,
        action_names: Mapping[int, str] = BUILT_IN.name_of,
    ) -> None:
        self.store, self.letters, self.metrics, self.clock = store, letters, metrics, clock
        self.action_names = action_names
        self.trouble = ""

    async def send_letters(self, work: Work, outcome: BatchResult) -> None:
        """Returns once they are safe in Kafka."""
        letters = work.letters + [
            dead_letter(work.reads[at].message, _reason(error), error, self.clock.now_ms())
            for at, error in outcome.failed.items()
        ]
        if letters:
            await self.until_answered(lambda: self.letters.send(letters))
            for letter in letters:
                self.metrics.dead_letters.labels(letter.reason).inc()
                self.metrics.events.labels(letter.message.topic, "dead_letter").inc()

    async def commit(self, commit: Commit, writer: str) -> str:
        """Returns its place in the ledger once it is written. Raises `FencedError` where it can't be."""
        started = time.perf_counter()
        position = await self.until_answered(lambda: self.store.commit(commit, writer))
        self.metrics.stage_s.labels("commit").observe(time.perf_counter() - started)
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

    def count(self, work: Work, made: Made, position: str, pushed_ms: float) -> None:
        """Tell the metrics of a batch that is written, at `position` of the ledger, by a transaction that
        began at `pushed_ms`.
        """
        metrics, now_ms, outcome = self.metrics, self.clock.now_ms(), made.outcome
        metrics.stage_s.labels("fold").observe(outcome.fold_s)
        metrics.stage_s.labels("pack").observe(made.encode_s)
        if outcome.slates:
            metrics.stage_s.labels("recommend").observe(outcome.recommend_s)
        for topic, count in Counter(work.reads[at].message.topic for at in outcome.applied).items():
            metrics.events.labels(topic, "applied").inc(count)
        for at in outcome.applied:
            metrics.applied_s.observe(max(0.0, (now_ms - work.reads[at].event.ts) / 1_000))
        metrics.late.inc(outcome.late)
        for name, count in outcome.answers.items():
            metrics.answers.labels(name).inc(count)
        for name, count in outcome.showings.items():
            metrics.showings.labels(name).inc(count)
        for name, count in outcome.lessons.items():
            metrics.lessons.labels(name).inc(count)
        for code, count in Counter(each.action for each in outcome.record.interactions).items():
            metrics.actions.labels(self.action_names.get(code, "other")).inc(count)
        for at, reason in outcome.skipped.items():
            metrics.events.labels(work.reads[at].message.topic, "skipped").inc()
            metrics.skipped.labels(reason).inc()
        _tell_of_late_items(work, outcome)
        for rung, count in Counter(slate.rung for slate in outcome.slates).items():
            metrics.slates.labels(rung).inc(count)
        written_ms = _written_ms(position, pushed_ms, now_ms)
        for slate in outcome.slates:
            metrics.pushed_s.observe(max(0.0, (written_ms - slate.times["accepted"]) / 1_000))
        for user, error in outcome.unranked.items():
            metrics.unranked.inc()
            log.error("no slate for user %r: %r", user, error, exc_info=error)


def _tell_of_late_items(work: Work, outcome: BatchResult) -> None:
    """The gateway has said "accepted": what came of it is said here, a line a batch."""
    late = [at for at, reason in outcome.skipped.items() if reason == "older"]
    events = [event for at in late if isinstance(event := work.reads[at].event, Item)]
    if events:
        log.warning(
            "%d item updates change nothing: newer ones are known. The first: item %r, event %r, ts %d",
            len(events),
            events[0].item_id,
            events[0].event_id,
            events[0].ts,
        )


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, EventError) else "apply_failed"


def _written_ms(position: str, begun_ms: float, now_ms: float) -> float:
    """When the store wrote, between the two: its answer may have waited for the fold of the next batch.

    >>> _written_ms("1000005-0", 1_000_003, 1_000_050), _written_ms("", 1_000_003, 1_000_050)
    (1000005, 1000050)
    >>> _written_ms("900000-0", 1_000_003, 1_000_050)  # the store's clock is slow
    1000003
    """
    return min(max(order_of(position)[0], begun_ms), now_ms) if position else now_ms
