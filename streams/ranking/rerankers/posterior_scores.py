"""The scores of a slate's best candidates as samples of the learner's posterior give them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.learning.experts.adaptive_learner import Level
from streams.ranking.adaptation import signals_of
from streams.ranking.draft import Draft
from streams.state.user_state import UserState

F64 = NDArray[np.float64]


class Sampled(Protocol):
    """A learner with a posterior. `reads` int64 [K]: the columns that are its signals. `worth`: what a point
    of the slate's score is worth in what samples say.
    """

    reads: NDArray[np.int64]

    @property
    def worth(self) -> float: ...

    def level(self, arm: str, surface: str, state: UserState) -> Level:
        """Whose mixture a request of this user asks."""
        ...

    def sampled(self, signals: F32, among: int, chosen: NDArray[np.intp], level: Level) -> F64:
        """[S, m]: what S samples, all as likely as each other, say of the candidates `chosen` [m]; signals
        float32 [n, K] of all candidates, of which the first `among` may have a place.
        """
        ...


class PosteriorScores:
    """Of slates that a model scored; where none did, there are no signals to read."""

    def __init__(self, learner: Sampled) -> None:
        self.learner = learner

    def of(self, draft: Draft, pool: NDArray[np.intp]) -> F64:
        """float64 [S, m] of the candidates `pool` [m]; what was averted is taken off, and what the
        caller says for a candidate is added."""
        batch, number, request = draft.batch, draft.number, draft.request
        signals = signals_of(batch, np.array([number], np.int64), self.learner.reads)
        level = self.learner.level(request.arm, request.surface, request.state)
        scores = self.learner.sampled(signals, draft.placed, pool, level)
        averted = batch.averted.get(number)
        if averted is not None:
            scores -= self.learner.worth * averted[pool]
        for favoured in batch.favoured.get(number, {}).values():
            scores += self.learner.worth * favoured[pool]
        return scores
