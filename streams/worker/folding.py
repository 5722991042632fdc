"""Folds what is left of a batch. What waits decides the rung; examples are taken right before each event.

Fold, draft, scores and encoding are one call in the core's thread (streams/serving/core_thread.py), from
which a batch comes back as bytes. What surrounds the call (the rung, whether the counters are sound) belongs
to the loop's thread. The examples belong to the core's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

from model.errors import FencedError
from streams.batch import BatchResult, process
from streams.clock import Clock
from streams.examples.target import Target
from streams.ranking.degradation import Rung
from streams.ranking.ladder import Ladder
from streams.recommender import Recommender
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.state.tombstone import LEAST_MS
from streams.state.user_state import UserState
from streams.worker.encoding import Encoded, encoded
from streams.worker.look_up import BatchWork
from streams.worker.waiting import Waiting

BETWEEN_MOST = 2.0
"""A batch that held up the next one for more than so many times its turn in the core waited for others."""


class FoldedBatch(NamedTuple):
    """What a batch comes to, and as bytes. `missed`: how many requests named a model that is not in service,
    by its name. `encode_s`: the time that the bytes took. `rung`: which the ladder chose for it.
    """

    outcome: BatchResult
    encoded: Encoded
    missed: Counter[str]
    encode_s: float
    rung: Rung


class Examples(Protocol):
    """The log of training examples: `begin` and `take` as a batch is folded, `keep` once it is written, and
    `undo` where it was not, which voids a batch that was folded on it as well. All in the core's thread.
    """

    def begin(self, recommender: Recommender) -> None: ...

    def take(self, event_id: str, state: UserState, now_ms: int, met: Target) -> None: ...

    def keep(self) -> None: ...

    def undo(self) -> None: ...


class _Turn(NamedTuple):
    """A batch's turn in the core: from when on, for how long, and whether more was waiting by then."""

    rung: Rung
    events: int
    begun_s: float
    took_s: float
    pressed: bool


class Folding:
    """Folds on the replica, whose lock the caller holds. `rung` is the one of the last batch. `behind`: how
    many events wait behind the batch that is folded.
    """

    def __init__(
        self,
        settings: Settings,
        replica: Replica,
        clock: Clock,
        examples: Examples | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self.settings, self.replica, self.clock = settings, replica, clock
        self.examples, self.waiting = examples, waiting or Waiting()
        self.behind: Callable[[], int] = lambda: 0
        self._ladder = Ladder(settings.ladder)
        self._last: _Turn | None = None

    @property
    def rung(self) -> Rung:
        return self._ladder.rung

    async def fold(self, work: BatchWork, begun_ms: float) -> FoldedBatch:
        """What a batch comes to that was begun at `begun_ms`. `keep` or `undo` follows, once it is known
        whether that was written.

        Raises `FencedError` where the counters can't be trusted: the batch before was not written.
        """
        if not self.replica.sound:
            raise FencedError("the batch before this one was not written")
        begun_s, behind, events = time.perf_counter(), self.behind(), len(work.reads)
        self._learn(begun_s)
        waited_s = self.waiting.age_of(each.message for each in work.reads)
        rung = self._ladder.choose(1_000 * waited_s, events, behind)
        try:
            recommender = self.replica.recommender
            made = await self.replica.core.call(self._made, recommender, work, rung, begun_ms)
        except BaseException:
            self.undo()
            raise
        self._last = _Turn(rung, events, begun_s, time.perf_counter() - begun_s, behind > 0)
        return made

    def _learn(self, now_s: float) -> None:
        """Tell the ladder how long the last batch held up this one. What the loop does in between counts
        where this one was there already; what the store or Kafka are waited for does not.
        """
        last, self._last = self._last, None
        if last is not None:
            held_up_s = min(now_s - last.begun_s, BETWEEN_MOST * last.took_s) if last.pressed else last.took_s
            self._ladder.took(last.rung, last.events, 1_000 * held_up_s)

    def keep(self) -> None:
        """The batch was written."""
        if self.examples is not None:
            self.replica.core.post(self.examples.keep)

    def undo(self) -> None:
        """The counters are ahead of the store, or it is not known whether they are."""
        self.replica.sound = False
        if self.examples is not None:
            self.replica.core.post(self.examples.undo)

    def _made(self, recommender: Recommender, work: BatchWork, rung: Rung, begun_ms: float) -> FoldedBatch:
        """In the core's thread."""
        models = recommender.pipeline.models
        if self.examples is not None:
            self.examples.begin(recommender)
        # A worker that is behind has no time for examples.
        before = self.examples.take if self.examples is not None and rung == "full" else None
        outcome = process(
            recommender,
            [each.incoming for each in work.reads],
            work.states,
            self.clock.now_ms(),
            rung,
            before=before,
            kept=work.slates,
            passed={"begun": begun_ms, "applied": self.clock.precise_ms()},
            arm_of=recommender.arms_of,
            measured=work.measured,
            stages_of=recommender.worthwhile(rung),
        )
        started = time.perf_counter()
        tombstone_ms = max(self.settings.events.max_late_ms, LEAST_MS)
        out = encoded(work, outcome, self.clock.precise_ms(), tombstone_ms)
        return FoldedBatch(outcome, out, models.missed(), time.perf_counter() - started, rung)
