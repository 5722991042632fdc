"""A batch that is written, as the worker's metrics tell of it.

The loop does this for each batch: what is counted of events is counted once a batch, not once an event.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import TypeVar

from streams.clock import Clock
from streams.events.schema import Item
from streams.ranking.explanations import EXPLORED
from streams.ranking.slate import Slate, ranked_by
from streams.state.action_meaning import BUILT_IN
from streams.stores.base import order_of
from streams.worker.folding import Made
from streams.worker.look_up import Work
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCHES_OF_LATE = 256


class Counting:
    """Tells `metrics`; `action_names`: of the actions that are declared, by their codes."""

    def __init__(
        self, metrics: WorkerMetrics, clock: Clock, action_names: Mapping[int, str] = BUILT_IN.name_of
    ) -> None:
        self.metrics, self.clock, self.action_names = metrics, clock, action_names
        self.made_of_late: deque[tuple[float, list[Slate]]] = deque(maxlen=BATCHES_OF_LATE)
        """The slates of the newest batches, and when they were written (ms): reports look at them."""
        self._fold, self._recommend, self._pack = (
            metrics.stage_s.of(name) for name in ("fold", "recommend", "pack")
        )

    def count(self, work: Work, made: Made, position: str, pushed_ms: float) -> None:
        """A batch was written at `position` of the ledger, by a transaction that began at `pushed_ms`."""
        metrics, now_ms, outcome = self.metrics, self.clock.now_ms(), made.outcome
        slates = outcome.slates
        self._fold.observe(outcome.fold_s)
        self._pack.observe(made.encode_s)
        applied = [work.reads[at] for at in outcome.applied]
        for topic, count in _counted([each.message.topic for each in applied]):
            metrics.events.add(count, topic, "applied")
        metrics.applied_s.observe_all(
            [max(0.0, (now_ms - each.incoming.event.ts) / 1_000) for each in applied]
        )
        metrics.late.add(outcome.late)
        for tallies, counter in (
            (outcome.answers, metrics.answers),
            (outcome.showings, metrics.showings),
            (outcome.lessons, metrics.lessons),
        ):
            for name, count in tallies.items():
                counter.add(count, name)
        for code, count in _counted([each.action for each in outcome.record.interactions]):
            metrics.actions.add(count, self.action_names.get(code, "other"))
        if outcome.skipped:
            self._count_skipped(work, made)
        if slates:
            self._recommend.observe(outcome.recommend_s)
            for labels, count in _counted([(slate.rung, ranked_by(slate)) for slate in slates]):
                metrics.slates.add(count, *labels)
            for arm, count in explored_places(slates).items():
                metrics.explored.add(count, arm)
            written_ms = _written_ms(position, pushed_ms, now_ms)
            self.made_of_late.append((written_ms, slates))
            metrics.pushed_s.observe_all(
                [max(0.0, written_ms - slate.times["accepted"]) / 1_000 for slate in slates]
            )
        for user, error in outcome.unranked.items():
            metrics.unranked.inc()
            log.error("no slate for user %r: %r", user, error, exc_info=error)

    def _count_skipped(self, work: Work, made: Made) -> None:
        skipped = made.outcome.skipped
        for topic, count in Counter(work.reads[at].message.topic for at in skipped).items():
            self.metrics.events.add(count, topic, "skipped")
        for reason, count in Counter(skipped.values()).items():
            self.metrics.skipped.add(count, reason)
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


def explored_places(slates: Iterable[Slate]) -> Counter[str]:
    """How many places got another item than the best that was left, since they were drawn, by arm."""
    found = Counter[str]()
    for slate in slates:
        if slate.propensities is not None:
            found[slate.arm] += sum(item.reason == EXPLORED for item in slate.items)
    return found


def _counted(values: list[T]) -> Iterable[tuple[T, int]]:
    """Each value, and how often it is there. Most batches are of one event, for which a `Counter` is dear.

    >>> _counted(["a"]), list(_counted(["a", "b", "a"]))
    ((('a', 1),), [('a', 2), ('b', 1)])
    """
    return ((values[0], 1),) if len(values) == 1 else Counter(values).items()


def _written_ms(position: str, begun_ms: float, now_ms: float) -> float:
    """When the store wrote, between the two: its answer may have waited for its turn.

    >>> _written_ms("1000005-0", 1_000_003, 1_000_050), _written_ms("", 1_000_003, 1_000_050)
    (1000005, 1000050)
    >>> _written_ms("900000-0", 1_000_003, 1_000_050)  # the store's clock is slow
    1000003
    """
    return min(max(order_of(position)[0], begun_ms), now_ms) if position else now_ms
