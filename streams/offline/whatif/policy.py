"""How an arm ranks at one moment: with which probability it shows which slate.

It is what `streams.ranking.rerankers.drawn` draws from: with the probability 1 - share the places as they
are, else a Plackett-Luce ranking of the pool.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace as changed
from numpy.typing import NDArray

from streams.experiments.off_policy.marginals import marginals
from streams.ranking.draft import Draft
from streams.ranking.rerankers.drawn import pool_of
from streams.ranking.rerankers.plackett_luce import index_in, prefix_chances, scaled_scores
from streams.ranking.stage_plan import StagePlan
from streams.settings.exploration import ExplorationSettings

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]


class Policy(NamedTuple):
    """It shows K places at most: what is shown behind them has no chance. `rows` [m]: the catalog's rows of
    the pool, best first; `scaled` [m]: their scores over the temperature; `places` [K]: of the pool, as they
    are where nothing is drawn; `draws` [K]: which places are drawn, in the `share` of slates that are.
    """

    rows: Rows
    scaled: F64
    places: Rows
    draws: NDArray[np.bool_]
    share: float

    def prefixes(self, shown: Rows) -> F64:
        """[n]: how likely the first 1, 2, ... of the places show these rows."""
        found = np.zeros(len(shown))
        same, drawn = self._prefixes(shown)
        found[: len(same)] = (1.0 - self.share) * same + self.share * drawn
        return found

    def _prefixes(self, shown: Rows) -> tuple[F64, F64]:
        """[min(n, K)] each: of a slate that is best first, and of one that is drawn."""
        at = index_in(self.rows, shown[: len(self.places)])
        same = np.cumprod(at == self.places[: len(at)]).astype(np.float64)
        if not self.share:
            return same, np.zeros(len(at))
        return same, prefix_chances(self.scaled[None], self.draws[: len(at)], at)

    def given_above(self, shown: Rows) -> F64:
        """[n]: how likely each place shows its row, given the rows above; 0 behind what can't be."""
        prefixes = self.prefixes(shown)
        above = np.concatenate([[1.0], prefixes[:-1]])
        given: F64 = np.divide(prefixes, above, out=np.zeros(len(prefixes)), where=above > 0)
        return given

    def choices(self, shown: Rows) -> F64:
        """[n, m]: how likely each place shows each row of the pool, given the rows above as they are shown; 0
        behind what can't be.
        """
        at, m = index_in(self.rows, shown), len(self.rows)
        same, drawn = (np.concatenate([[1.0], each[:-1]]) for each in self._prefixes(shown))
        found, free = np.zeros((len(at), m)), np.ones(m, bool)
        for place in range(len(same)):
            above = (1.0 - self.share) * same[place] + self.share * drawn[place]
            if above <= 0:
                break
            found[place, self.places[place]] += (1.0 - self.share) * same[place]
            if self.share and drawn[place] > 0:
                found[place] += self.share * drawn[place] * self._drawn(place, free)
            found[place] /= above
            if at[place] >= 0:
                free[at[place]] = False
        return found

    def _drawn(self, place: int, free: NDArray[np.bool_]) -> F64:
        """[m]: what a drawn slate has at a place, of what is left."""
        if not self.draws[place]:
            return np.asarray(np.arange(len(free)) == int(np.argmax(free)), np.float64)
        likely = np.where(free, np.exp(self.scaled - self.scaled[free].max()), 0.0)
        return np.asarray(likely / likely.sum())

    def anywhere(self, shown: Rows) -> F64 | None:
        """[n]: how likely each place shows its row, whatever stands above it; None where that has no closed
        form, since some places are drawn and others not.
        """
        at = index_in(self.rows, shown[: len(self.places)])
        n, found = len(at), np.zeros(len(shown))
        found[:n] = (1.0 - self.share) * (at == self.places[:n])
        if not self.share:
            return found
        if not self.draws[:n].all():
            return None
        found[:n] += np.where(at >= 0, self.share * marginals(self.scaled, at), 0.0)
        return found


def best_first(plan: StagePlan) -> StagePlan:
    """The same plan, which draws nothing: its slates are the places as they are."""
    settings = changed(plan.settings, exploration=changed(plan.settings.exploration, share=0.0))
    return replace(plan, settings=settings)


def policy_of(draft: Draft, exploration: ExplorationSettings) -> Policy:
    """How a draft that was made best first (`best_first`) is ranked under these settings."""
    chosen = draft.order
    order = np.argsort(-draft.score[: draft.placed], kind="stable")  # as `Rerank` does: ties in pool's order
    pool = pool_of(chosen, order[: max(exploration.pool, len(chosen))])
    draws = np.zeros(len(chosen), np.bool_)
    named = [place - 1 for place in exploration.places if place <= len(chosen)]
    draws[named if exploration.places else slice(None)] = True
    scaled = scaled_scores(draft.score[pool], exploration.temperature)
    return Policy(draft.rows[pool].astype(np.intp), scaled, index_in(pool, chosen), draws, exploration.share)
