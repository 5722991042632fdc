"""Folds what is left of a batch. What waits decides the rung; examples are taken right before each event."""

from __future__ import annotations

from typing import Protocol

from model.errors import FencedError
from streams.batch import BatchResult, process
from streams.clock import Clock
from streams.examples.target import Target
from streams.ranking import degradation
from streams.ranking.degradation import Rung
from streams.recommender import Recommender
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.state.user_state import UserState
from streams.worker.look_up import Work
from streams.worker.waiting import Waiting


class Examples(Protocol):
    """The log of training examples: `begin` and `take` as a batch is folded, `keep` once it is written, and
    `undo` where it was not, which voids a batch that was folded on it as well.
    """

    def begin(self, recommender: Recommender) -> None: ...

    def take(self, event_id: str, state: UserState, now_ms: int, met: Target) -> None: ...

    def keep(self) -> None: ...

    def undo(self) -> None: ...


class Folding:
    """Folds on the replica, whose lock the caller holds. `rung` is the one of the last batch."""

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
        self.rung: Rung = "full"

    def fold(self, work: Work) -> BatchResult:
        """What a batch comes to. `keep` or `undo` follows, once it is known whether that was written.

        Raises `FencedError` where the counters can't be trusted: the batch before was not written.
        """
        if not self.replica.sound:
            raise FencedError("the batch before this one was not written")
        try:
            return self._process(work)
        except BaseException:
            self.undo()
            raise

    def keep(self) -> None:
        """The batch was written."""
        if self.examples is not None:
            self.examples.keep()

    def undo(self) -> None:
        """The counters are ahead of the store, or it is not known whether they are."""
        self.replica.sound = False
        if self.examples is not None:
            self.examples.undo()

    def _process(self, work: Work) -> BatchResult:
        now_ms = self.clock.now_ms()
        waited_s = self.waiting.age_of(each.message for each in work.reads)
        self.rung = degradation.choose(1_000 * waited_s, self.settings.ladder, self.rung)
        recommender = self.replica.recommender
        # Without a model its features are not worth their price.
        modelled = recommender.pipeline.models.active is not None or self.rung == "popular"
        if self.examples is not None:
            self.examples.begin(recommender)
        # A worker that is behind has no time for examples.
        before = self.examples.take if self.examples is not None and self.rung == "full" else None
        return process(
            recommender,
            [each.incoming for each in work.reads],
            work.states,
            now_ms,
            self.rung if modelled else "counters",
            before=before,
            kept=work.slates,
        )
