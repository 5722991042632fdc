"""Exploration: some slates are drawn instead of taken best first, and each place says how likely that was.

The policy `gumbel` draws places by the scores, and `thompson` by scores that are drawn themselves from the
learner's posterior: a contextual bandit. Either way a ranking is a Plackett-Luce one (`plackett_luce`). What
is drawn is a function of the slate's id and, under `thompson`, of the lessons so far, so the slate can be
drawn again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.draft import Draft
from streams.ranking.request import RankRequest
from streams.ranking.rerankers.plackett_luce import draw, given_above, scaled_scores
from streams.ranking.rerankers.posterior_scores import PosteriorScores
from streams.ranking.slate_of_draft import id_of
from streams.settings.exploration import ExplorationSettings

F64 = NDArray[np.float64]


class Drawn:
    """Stands behind all rerankers that move places for sure. It writes `propensities`: of each place, the
    probability of its item given the places above it. Their product is the probability of the slate. And it
    writes `explored`.

    posterior: where a learner has one. Without it, and for a slate that no model scored, `thompson` draws by
    the scores as they are.
    """

    def __init__(self, posterior: PosteriorScores | None = None) -> None:
        self.posterior = posterior

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.exploration.share > 0

    def rerank(self, draft: Draft, chosen: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.intp]:
        """With the probability `exploration.share`, a slate that is drawn; else the places as they are."""
        settings, size = draft.request.plan.settings.exploration, len(chosen)
        if not size:
            return chosen
        pool = pool_of(chosen, order[: max(settings.pool, size)])
        draws = np.zeros(size, np.bool_)
        draws[
            [place - 1 for place in settings.places if place <= size] if settings.places else slice(None)
        ] = 1
        samples = scaled_scores(self._scores(draft, pool, settings), settings.temperature)
        random = np.random.default_rng(int(id_of(draft), 16))
        places, at = chosen, np.arange(size)
        if random.random() < settings.share:
            noise = random.gumbel(size=len(pool))
            sample = samples[random.integers(len(samples))] if len(samples) > 1 else samples[0]
            at = draw(sample, draws, noise)
            places = pool[at]
            draft.batch.explored[draft.number] = draws & not_the_best(draft.score[pool], at)
        given = given_above(samples, draws, at, settings.share, places == chosen)
        draft.batch.propensities[draft.number] = given.astype(np.float32)
        return places

    def _scores(self, draft: Draft, pool: NDArray[np.intp], settings: ExplorationSettings) -> F64:
        """[S, m]: by which scores it may be drawn, each as likely as the others."""
        if settings.policy == "thompson" and self.posterior is not None and draft.batch.scored(draft.number):
            return self.posterior.of(draft, pool)
        return draft.score[pool].astype(np.float64)[None, :]


def pool_of(chosen: NDArray[np.intp], best: NDArray[np.intp]) -> NDArray[np.intp]:
    """What may have a place: the places as they are, then the others of the best. So a place that is not
    drawn gets the first of what stands on the slate for sure, a new item among it.
    """
    if (chosen == best[: len(chosen)]).all():
        return best
    return np.concatenate([chosen, best[~np.isin(best, chosen)]])


def not_the_best(scores: NDArray[np.float32], at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """bool [n]: which of the places `at` are worse than the best of `scores` [m] that was left."""
    left, worse = np.where(np.isnan(scores), -np.inf, scores), np.empty(len(at), np.bool_)
    for place, k in enumerate(at.tolist()):
        worse[place] = left[k] < left.max()
        left[k] = -np.inf
    return worse
