"""Batches that are written, as the worker's metrics tell of them.

The loop does this for each batch, so what is counted waits until it is worth it: some events have gathered,
or somebody looks. What is logged is logged at once.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streams.batch import BatchResult
from streams.clock import Clock
from streams.events.schema import Item
from streams.ranking.explanations import EXPLORED
from streams.ranking.slate import Slate, ranked_by
from streams.state.action_meaning import BUILT_IN
from streams.stores.ledger_entries import order_of
from streams.worker.folding import FoldedBatch
from streams.worker.look_up import BatchWork
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import ReadMessage

log = logging.getLogger(__name__)

BATCHES_OF_LATE = 256
EVENTS_AT_ONCE = 32
"""When so many events are written, they are counted."""


class _Written(NamedTuple):
    """What is to be counted of a batch that was written at `written_ms`, and found written at `now_ms`."""

    reads: Sequence[ReadMessage]
    outcome: BatchResult
    encode_s: float
    written_ms: float
    now_ms: int


class Counting:
    """Tells `metrics`; `action_names`: of the actions that are declared, by their codes. Belongs to the loop.

    Whoever looks at the metrics calls `catch_up` before.
    """

    def __init__(
        self, metrics: WorkerMetrics, clock: Clock, action_names: Mapping[int, str] = BUILT_IN.name_of
    ) -> None:
        self.metrics, self.clock, self.action_names = metrics, clock, action_names
        self.made_of_late: deque[tuple[float, list[Slate]]] = deque(maxlen=BATCHES_OF_LATE)
        """The slates of the newest batches, and when they were written (ms): reports look at them."""
        self._fold, self._recommend, self._pack = (
            metrics.stage_s.of(name) for name in ("fold", "recommend", "pack")
        )
        self._uncounted: list[_Written] = []
        self._events = 0

    def count(self, work: BatchWork, made: FoldedBatch, position: str, pushed_ms: float) -> None:
        """A batch was written at `position` of the ledger, by a transaction that began at `pushed_ms`."""
        outcome, now_ms = made.outcome, self.clock.now_ms()
        written_ms = _written_ms(position, pushed_ms, now_ms)
        self._uncounted.append(_Written(work.reads, outcome, made.encode_s, written_ms, now_ms))
        if outcome.slates:
            self.made_of_late.append((written_ms, outcome.slates))
        if outcome.skipped:
            _warn_of_late(work.reads, outcome.skipped)
        for user, error in outcome.unranked.items():
            self.metrics.unranked.inc()
            log.error("no slate for user %r: %r", user, error, exc_info=error)
        self._events += len(work.reads)
        if self._events >= EVENTS_AT_ONCE:
            self.catch_up()

    def catch_up(self) -> None:
        """Have the metrics tell of all batches so far."""
        batches, self._uncounted, self._events = self._uncounted, [], 0
        outcomes, metrics = [each.outcome for each in batches], self.metrics
        self._fold.observe_all([each.fold_s for each in outcomes])
        self._pack.observe_all([each.encode_s for each in batches])
        self._recommend.observe_all([each.recommend_s for each in outcomes if each.slates])
        applied = [(each.now_ms, each.reads[at]) for each in batches for at in each.outcome.applied]
        for topic, count in Counter([read.message.topic for _, read in applied]).items():
            metrics.events.add(count, topic, "applied")
        metrics.applied_s.observe_all(
            [max(0.0, (now_ms - read.incoming.event.ts) / 1_000) for now_ms, read in applied]
        )
        metrics.late.add(sum([each.late for each in outcomes]))
        for outcome in outcomes:
            for tallies, counter in (
                (outcome.answers, metrics.answers),
                (outcome.showings, metrics.showings),
                (outcome.lessons, metrics.lessons),
            ):
                for name, count in tallies.items():
                    counter.add(count, name)
        done = [interaction for each in outcomes for interaction in each.record.interactions]
        for code, count in Counter([each.action for each in done]).items():
            metrics.actions.add(count, self.action_names.get(code, "other"))
        skipped = [(each.reads[at], why) for each in batches for at, why in each.outcome.skipped.items()]
        for topic, count in Counter([read.message.topic for read, _ in skipped]).items():
            metrics.events.add(count, topic, "skipped")
        for reason, count in Counter([why for _, why in skipped]).items():
            metrics.skipped.add(count, reason)
        slates = [(each.written_ms, slate) for each in batches for slate in each.outcome.slates]
        for labels, count in Counter([(slate.rung, ranked_by(slate)) for _, slate in slates]).items():
            metrics.slates.add(count, *labels)
        for arm, count in explored_places([slate for _, slate in slates]).items():
            metrics.explored.add(count, arm)
        metrics.pushed_s.observe_all(
            [max(0.0, written_ms - slate.times["accepted"]) / 1_000 for written_ms, slate in slates]
        )


def _warn_of_late(reads: Sequence[ReadMessage], skipped: Mapping[int, str]) -> None:
    """The gateway has said "accepted": what came of it is said here, a line a batch."""
    late = [at for at, reason in skipped.items() if reason == "older"]
    events = [event for at in late if isinstance(event := reads[at].event, Item)]
    if events:
        log.warning(
            "%d item updates change nothing: newer ones are known. The first: item %r, event %r, ts %d",
            len(events),
            events[0].item_id,
            events[0].event_id,
            events[0].ts,
        )


def explored_places(slates: Iterable[Slate]) -> Counter[str]:
    """How many places got another item than the best that was left, since they were drawn, by arm."""
    found = Counter[str]()
    for slate in slates:
        if slate.propensities is not None:
            found[slate.arm] += sum(item.reason == EXPLORED for item in slate.items)
    return found


def _written_ms(position: str, begun_ms: float, now_ms: float) -> float:
    """When the store wrote, between the two: its answer may have waited for its turn.

    >>> _written_ms("1000005-0", 1_000_003, 1_000_050), _written_ms("", 1_000_003, 1_000_050)
    (1000005, 1000050)
    >>> _written_ms("900000-0", 1_000_003, 1_000_050)  # the store's clock is slow
    1000003
    """
    return min(max(order_of(position)[0], begun_ms), now_ms) if position else now_ms
