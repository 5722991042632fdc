"""Beside the replayed core: at each slate that the log shows, how likely the arm would have shown it.

The core is told the log's events and nothing else, so at each slate it knows what it knew then. The arm is
asked at that moment with the same user, counters and catalog; it changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from streams.batch import BatchResult
from streams.events.schema import Impression
from streams.learning.slate_ids import MARK
from streams.offline.whatif.log import is_drawn
from streams.offline.whatif.policy import F64, Policy, Rows, best_first, policy_of
from streams.ranking.degradation import Rung
from streams.ranking.rerankers.plackett_luce import UNKNOWN, index_in
from streams.ranking.slate import Slate
from streams.recommender import Recommender
from streams.state.user_state import UserState

TOLERANCE = 1e-3
"""Propensities are logged as float32 of a product; by so much they may differ, as a part of them."""


class ShownSlate(NamedTuple):
    """One slate as it was shown: its user, rows [n]; conditional propensities of the log and of the arm [n];
    marginal ones, where they have a closed form; features of what was shown and of what the arm would show
    [n, F].
    """

    user: str
    rows: Rows
    logged: F64
    target: F64
    logged_at: F64 | None
    target_at: F64 | None
    shown: F64
    meant: F64


class _Made(NamedTuple):
    logged: Policy
    asked: Policy


class AskedArm:
    """`arm`: of the core's settings, the one that is asked. `awaited`: ids of the slates that the log shows.
    `rewarding`: the codes of the actions that count.

    `slates`: by id, what was shown; `answered`: by id, the rows on which a rewarding action came before the
    slate was shown again: how often it comes again depends on what users did with it, so the first time
    counts alone. `counts`: what became of the impressions, `OUTCOMES`.
    """

    OUTCOMES = ("drawn", "again", "not drawn", "changed", "unknown", "other propensities")

    def __init__(
        self, core: Recommender, arm: str, rung: Rung, awaited: Collection[str], rewarding: Collection[int]
    ) -> None:
        self.core, self.arm, self.rung, self.rewarding = core, arm, rung, frozenset(rewarding)
        self.slates: dict[str, ShownSlate] = {}
        self.answered: dict[str, set[int]] = {}
        self.counts: Counter[str] = Counter()
        self._awaited = awaited
        self._made: dict[str, _Made] = {}
        self._again: set[str] = set()
        self._plans = {
            name: best_first(core.arms.declared[name, rung])
            for name, its_rung in core.arms.declared
            if its_rung == rung
        }

    def watch(self, outcome: BatchResult) -> None:
        """What an event came to (`World`): slates that were made, and answers."""
        for slate in outcome.slates:
            if slate.slate_id in self._awaited:
                state = outcome.states[slate.user_id]
                self._made[slate.slate_id] = _Made(
                    self._policy(slate, state, slate.arm), self._policy(slate, state, self.arm)
                )
        for each in outcome.record.interactions:
            if each.slate_id and each.action in self.rewarding:
                made = each.slate_id.split(MARK)[0]
                if made not in self._again:
                    self.answered.setdefault(made, set()).add(each.row)

    def _policy(self, slate: Slate, state: UserState, arm: str) -> Policy:
        plan = self._plans[arm]
        request = self.core.request(
            state,
            slate.ts,
            rung=self.rung,
            arm=arm,
            plan=plan,
            user=slate.user_id,
            cause=slate.cause,
            explain=False,
        )
        settings = self.core.arms.declared[arm, self.rung].settings
        return policy_of(self.core.draft(request), settings.exploration)

    def shown(self, event: Impression) -> None:
        """A slate was shown; the one that shows most of it counts."""
        if not is_drawn(event):
            self.counts["not drawn"] += 1
            return
        if MARK in event.slate_id:
            self.counts["changed"] += 1
            return
        made = self._made.get(event.slate_id)
        if made is None:
            self.counts["unknown"] += 1
            return
        before = self.slates.get(event.slate_id)
        if before is not None and len(before.rows) >= len(event.items):
            self.counts["again"] += 1
            self._again.add(event.slate_id)
            return
        rows = np.array([self.core.catalog.rows[item] for item in event.items], np.intp)
        told, known = np.array(event.propensities, np.float64), made.logged.given_above(rows)
        if not np.allclose(known, told, rtol=TOLERANCE, atol=1e-7):
            self.counts["other propensities"] += 1
            return
        self.counts["drawn" if before is None else "again"] += 1
        self.slates[event.slate_id] = _shown(event.user_id, rows, known, made)


def _shown(user: str, rows: Rows, logged: F64, made: _Made) -> ShownSlate:
    n, asked = len(rows), made.asked
    features = features_of(asked)
    at = index_in(asked.rows, rows)
    shown = np.where((at >= 0)[:, None], features[at], 0.0)
    meant = asked.choices(rows) @ features
    discount = np.arange(1, n + 1)[:, None] ** -0.5
    return ShownSlate(
        user,
        rows,
        logged,
        asked.given_above(rows),
        made.logged.anywhere(rows),
        asked.anywhere(rows),
        np.concatenate([shown, shown[:, :1] * discount], 1),
        np.concatenate([meant, meant[:, :1] * discount], 1),
    )


def features_of(policy: Policy) -> F64:
    """[m, 2]: the score among the pool's, and the logarithm of the rank. A score that is not known stands far
    below all others (`plackett_luce.UNKNOWN`); here it is the lowest known one, or the others would be alike.
    """
    score = policy.scaled
    lowest = np.unique(score)[:2]
    if len(lowest) == 2 and lowest[1] - lowest[0] >= UNKNOWN:
        score = np.maximum(score, lowest[1])
    spread = float(score.std()) or 1.0
    return np.column_stack([(score - score.mean()) / spread, np.log1p(np.arange(len(score)))])
