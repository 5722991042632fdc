"""Exploration: some slates are drawn instead of taken best first, and each place says how likely that was.

A place that is drawn gets one of the candidates that are left, with the chance that softmax(score /
temperature) gives it: the Plackett-Luce ranking, drawn as the largest of score / temperature plus Gumbel
noise (Kool, van Hoof and Welling, ICML 2019, arXiv 1903.06059). The noise is a function of the slate's id, so
the slate can be drawn again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.draft import Draft
from streams.ranking.request import RankRequest
from streams.ranking.slate_of_draft import id_of

F64 = NDArray[np.float64]


class Drawn:
    """Stands behind all rerankers that move places for sure. It writes `propensities`: of each place, the
    probability of its item given the places above it. Their product is the probability of the slate.
    """

    def enable(self, request: RankRequest) -> bool:
        return request.plan.settings.exploration.share > 0

    def rerank(self, draft: Draft, chosen: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.intp]:
        """With the probability `exploration.share`, a slate that is drawn; else the places as they are."""
        settings = draft.request.plan.settings.exploration
        size = len(chosen)
        pool = order[: max(settings.pool, size)]
        if not size:
            return chosen
        random = np.random.default_rng(int(id_of(draft), 16))
        draws = np.zeros(size, np.bool_)
        draws[
            [place - 1 for place in settings.places if place <= size] if settings.places else slice(None)
        ] = 1
        scaled = scaled_scores(draft.score[pool], settings.temperature)
        places = chosen
        if random.random() < settings.share:
            places = pool[draw(scaled, draws, random.gumbel(size=len(pool)))]
        drawn = prefix_chances(scaled, draws, index_in(pool, places))
        same = np.cumprod(places == chosen)
        prefixes = (1 - settings.share) * same + settings.share * drawn
        draft.batch.propensities[draft.number] = given_above(prefixes)
        return places


def scaled_scores(scores: F32, temperature: float) -> F64:
    """float64 [m], what can be drawn with a chance: what is no number is never drawn before what is one."""
    scaled = scores.astype(np.float64) / temperature
    known = np.isfinite(scaled)
    scaled[~known] = scaled[known].min(initial=0.0) - 1e3
    return scaled


def index_in(pool: NDArray[np.intp], places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each of `places` stands in the pool; -1 where it does not."""
    found = places[:, None] == pool
    return np.where(found.any(axis=1), found.argmax(axis=1), -1)


def given_above(prefixes: F64) -> F32:
    """From the probabilities of the first k places, k = 1, 2, ..., that of each place given those above it.

    >>> given_above(np.array([0.5, 0.25, 0.25])).tolist()
    [0.5, 0.5, 1.0]
    """
    above = np.concatenate([[1.0], prefixes[:-1]])
    given: F64 = np.divide(prefixes, above, out=np.zeros(len(prefixes)), where=above > 0)
    return given.astype(np.float32)


@compiled
def draw(scaled: F64, draws: NDArray[np.bool_], noise: F64) -> NDArray[np.intp]:
    """Which of the candidates, best first, get the places [n]: where a place `draws`, the largest score with
    its noise of those that are left, else the first of them.
    """
    free = np.ones(len(scaled), np.bool_)
    places = np.empty(len(draws), np.intp)
    for place in range(len(draws)):
        best = -1
        for k in range(len(scaled)):
            if not free[k]:
                continue
            if best < 0 or (draws[place] and scaled[k] + noise[k] > scaled[best] + noise[best]):
                best = k
            if not draws[place]:
                break
        places[place] = best
        free[best] = False
    return places


@compiled
def prefix_chances(scaled: F64, draws: NDArray[np.bool_], places: NDArray[np.intp]) -> F64:
    """How likely `draw` is to give the first of the places, the first two, and so on: [n]. A place of -1 is
    none that it can give.
    """
    free = np.ones(len(scaled), np.bool_)
    chances, chance = np.zeros(len(places)), 1.0
    for place in range(len(places)):
        taken, first, largest = places[place], -1, -np.inf
        for k in range(len(scaled)):
            if free[k]:
                first = k if first < 0 else first
                largest = max(largest, scaled[k])
        if taken < 0 or not free[taken]:
            break
        if draws[place]:
            total = 0.0
            for k in range(len(scaled)):
                if free[k]:
                    total += np.exp(scaled[k] - largest)
            chance *= np.exp(scaled[taken] - largest) / total
        elif taken != first:
            break
        chances[place] = chance
        free[taken] = False
    return chances
