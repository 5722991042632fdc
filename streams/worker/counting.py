"""A batch that is written, as the worker's metrics tell of it.

The loop does this for each batch: what is counted of events is counted once a batch, not once an event.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping

from streams.clock import Clock
from streams.events.schema import Item
from streams.state.action_meaning import BUILT_IN
from streams.stores.base import order_of
from streams.worker.folding import Made
from streams.worker.look_up import Work
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)


class Counting:
    """Tells `metrics`; `action_names`: of the actions that are declared, by their codes."""

    def __init__(
        self, metrics: WorkerMetrics, clock: Clock, action_names: Mapping[int, str] = BUILT_IN.name_of
    ) -> None:
        self.metrics, self.clock, self.action_names = metrics, clock, action_names
        self._fold, self._recommend, self._pack = (
            metrics.stage_s.of(name) for name in ("fold", "recommend", "pack")
        )

    def count(self, work: Work, made: Made, position: str, pushed_ms: float) -> None:
        """A batch was written at `position` of the ledger, by a transaction that began at `pushed_ms`."""
        metrics, now_ms, outcome = self.metrics, self.clock.now_ms(), made.outcome
        applied, slates = [work.reads[at] for at in outcome.applied], outcome.slates
        self._fold.observe(outcome.fold_s)
        self._pack.observe(made.encode_s)
        for topic, count in Counter(each.message.topic for each in applied).items():
            metrics.events.labels(topic, "applied").inc(count)
        if applied:
            metrics.applied_s.observe_all([max(0.0, (now_ms - each.event.ts) / 1_000) for each in applied])
        if outcome.late:
            metrics.late.inc(outcome.late)
        for name, count in outcome.answers.items():
            metrics.answers.labels(name).inc(count)
        for name, count in outcome.showings.items():
            metrics.showings.labels(name).inc(count)
        for name, count in outcome.lessons.items():
            metrics.lessons.labels(name).inc(count)
        for code, count in Counter(each.action for each in outcome.record.interactions).items():
            metrics.actions.labels(self.action_names.get(code, "other")).inc(count)
        if outcome.skipped:
            self._count_skipped(work, made)
        if slates:
            self._recommend.observe(outcome.recommend_s)
            for rung, count in Counter(slate.rung for slate in slates).items():
                metrics.slates.labels(rung).inc(count)
            written_ms = _written_ms(position, pushed_ms, now_ms)
            waits_ms = [max(0.0, written_ms - slate.times["accepted"]) for slate in slates]
            metrics.pushed_s.observe_all([wait_ms / 1_000 for wait_ms in waits_ms])
        for user, error in outcome.unranked.items():
            metrics.unranked.inc()
            log.error("no slate for user %r: %r", user, error, exc_info=error)

    def _count_skipped(self, work: Work, made: Made) -> None:
        skipped = made.outcome.skipped
        for topic, count in Counter(work.reads[at].message.topic for at in skipped).items():
            self.metrics.events.labels(topic, "skipped").inc(count)
        for reason, count in Counter(skipped.values()).items():
            self.metrics.skipped.labels(reason).inc(count)
        # The gateway has said "accepted": what came of it is said here, a line a batch.
        late = [at for at, reason in skipped.items() if reason == "older"]
        events = [event for at in late if isinstance(event := work.reads[at].event, Item)]
        if events:
            log.warning(
                "%d item updates change nothing: newer ones are known. The first: item %r, event %r, ts %d",
                len(events),
                events[0].item_id,
                events[0].event_id,
                events[0].ts,
            )


def _written_ms(position: str, begun_ms: float, now_ms: float) -> float:
    """When the store wrote, between the two: its answer may have waited for its turn.

    >>> _written_ms("1000005-0", 1_000_003, 1_000_050), _written_ms("", 1_000_003, 1_000_050)
    (1000005, 1000050)
    >>> _written_ms("900000-0", 1_000_003, 1_000_050)  # the store's clock is slow
    1000003
    """
    return min(max(order_of(position)[0], begun_ms), now_ms) if position else now_ms
