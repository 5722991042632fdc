"""What users do in one world: they read their feed, look, click, and say later what they think of it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.events.schema import Click, Impression, Review
from streams.offline.simulation.attacks import Attackers
from streams.offline.simulation.choice import Rows, best, clicked, ndcg, tempts, value_of
from streams.offline.simulation.draws import F64, Draws
from streams.offline.simulation.satiation import Satiation
from streams.offline.simulation.schedule import Visit
from streams.offline.simulation.truth import Truth
from streams.offline.simulation.world import World

CLICK_S, STARS_S, SPREAD = 5.0, 60.0, 1.0
"""Medians of the times from a look to a click, and from a click to a rating; their logarithms' deviation."""
BEFORE_NEXT = 0.9
"""Clicks come within this part of the time to the user's next visit."""


class VisitOutcome(NamedTuple):
    """A visit of an honest user. `value`: the expected clicks of what was shown, `best` of the best slate.

    `ndcg`: of what was shown, against the truth. `low`: the expected clicks on what is then rated low, if it
    is rated; NaN where nothing is. `clicks`: those that came. `events` and `learned`: how many events, and
    how many clicks and reviews, the core had taken before. `stranger`: it had no slate of their own for them.
    """

    number: int
    ts_ms: int
    user: int
    arm: str
    value: float
    best: float
    ndcg: float
    low: float
    clicks: int
    events: int
    learned: int
    stranger: bool


class Visiting:
    """`met`: what each user, by number, has met before, so that it does not come back."""

    def __init__(self, world: World, truth: Truth, met: Mapping[int, Rows], draws: Draws) -> None:
        self.world, self.truth, self.draws = world, truth, draws
        self.scenario, self.people = truth.scenario, truth.people
        self.seen: list[VisitOutcome] = []
        self._item_of = {item: row for row, item in enumerate(truth.model.items)}
        self._met = {user: rows.tolist() for user, rows in met.items()}
        self._satiation = Satiation(
            truth.model.vectors, self.scenario.satiation, self.scenario.satiation_half_life_s
        )
        attack = self.scenario.attack
        self._attackers = None if attack is None else Attackers(attack, truth.model.popularity, draws)
        meanings = world.recommender.meanings
        self._once = bool(meanings.blocking >> meanings.codes["click"] & 1)
        self._due: list[tuple[int, int, Click | Review]] = []
        self._scheduled = 0

    async def visit(self, visit: Visit, next_ms: int) -> None:
        """A user reads their feed, after all that is due before; `next_ms`: when they come again."""
        await self.until(visit.ts_ms)
        world, name = self.world, self.people.names[visit.user]
        world.clock.ms = visit.ts_ms
        shown = await world.read(name, self.scenario.places)
        events, learned = world.folded, world.learned
        if not shown.n:
            rows = np.empty(0, np.int64)
        else:
            impression = world.impression(shown, name, f"shown-{visit.user}-{visit.turn}")
            impression = self._as_shown(impression, visit, world.arm_of(name))
            rows = np.array([self._item_of[item] for item in impression.items], np.int64)
            await world.deliver(impression)
        slate_id = shown.slate.slate_id
        if visit.hostile:
            self._attack(visit, rows, slate_id, next_ms)
            return
        utility = self._utility(visit, world.arm_of(name))
        self._note(visit, world.arm_of(name), utility, rows, events, learned, not shown.own)
        places, looked = clicked(
            utility[rows], self.truth.level, self.truth.looked, rows, self.draws, visit.user, visit.turn
        )
        self._answer(visit, rows, places, looked, slate_id, next_ms)

    async def until(self, ts_ms: int | None = None) -> None:
        """Deliver what is due up to a time; all of it where none is given."""
        while self._due and (ts_ms is None or self._due[0][0] <= ts_ms):
            at_ms, _, event = heapq.heappop(self._due)
            self.world.clock.ms = at_ms
            await self.world.deliver(event)

    def _utility(self, visit: Visit, arm: str) -> F64:
        """Of each item, if it were shown now."""
        utility = self.truth.utility(visit.user, visit.number) - self._satiation.of(visit.user, visit.ts_ms)
        effect = self.scenario.effect
        return utility + effect.utility if effect is not None and effect.arm == arm else utility

    def _as_shown(self, impression: Impression, visit: Visit, arm: str) -> Impression:
        """In the order in which the scenario shows it: at random, or the best one, now and then."""
        scenario, occasion = self.scenario, (visit.user, visit.turn)
        effect, items = scenario.effect, impression.items
        if visit.hostile:
            return impression
        if (
            effect is not None
            and effect.arm == arm
            and self.draws.uniform("order", *occasion) < effect.sorted
        ):
            utility = self._utility(visit, arm)
            items = sorted(items, key=lambda item: -utility[self._item_of[item]])
            return msgspec.structs.replace(impression, items=items, propensities=None)
        share, count = scenario.explored, len(items)
        if not share:
            return impression
        order = list(range(count))
        if self.draws.uniform("explore", *occasion) < share:
            order = np.argsort(self.draws.uniforms("explore", *occasion, 0, each=np.arange(count))).tolist()
        anywhere = share / count
        told = [anywhere + (1.0 - share if place == own else 0.0) for place, own in enumerate(order)]
        return msgspec.structs.replace(impression, items=[items[k] for k in order], propensities=told)

    def _note(
        self, visit: Visit, arm: str, utility: F64, rows: Rows, events: int, learned: int, stranger: bool
    ) -> None:
        truth = self.truth
        tempting = tempts(utility, truth.level)
        free = np.ones(len(tempting), bool)
        free[self._met.get(visit.user, [])] = False
        ideal = tempting[best(tempting, free, self.scenario.places)]
        shown = tempting[rows]
        low = math.nan
        if truth.model.stars is not None:
            low = value_of(truth.looked, shown * np.array([self._low(visit, row) for row in rows.tolist()]))
        self.seen.append(
            VisitOutcome(
                visit.number,
                visit.ts_ms,
                visit.user,
                arm,
                value_of(truth.looked, shown),
                value_of(truth.looked, ideal),
                ndcg(shown, ideal),
                low,
                0,
                events,
                learned,
                stranger,
            )
        )

    def _low(self, visit: Visit, row: int) -> float:
        stars = self.truth.model.stars
        assert stars is not None
        return stars.low(self._stars(visit, row), float(self.world.recommender.meanings.low))

    def _stars(self, visit: Visit, row: int) -> float:
        """What the user would think of an item, on average."""
        stars = self.truth.model.stars
        assert stars is not None
        taste = self.truth.taste(visit.user, visit.number, row)
        return stars.expected(int(self.people.alike[visit.user]), row, taste)

    def _answer(
        self,
        visit: Visit,
        rows: Rows,
        places: list[int],
        looked: NDArray[np.bool_],
        slate_id: str,
        next_ms: int,
    ) -> None:
        """What is clicked becomes events, and so do ratings; the user is satiated by it."""
        self.seen[-1] = self.seen[-1]._replace(clicks=len(places))
        passed = looked.copy()
        passed[places] = False
        chosen = rows[places]
        self._satiation.take(visit.user, visit.ts_ms, chosen, rows[passed])
        if self._once:
            self._met.setdefault(visit.user, []).extend(chosen.tolist())
        stars = self.truth.model.stars
        at_ms = visit.ts_ms
        for nth, (place, row) in enumerate(zip(places, chosen.tolist(), strict=True)):
            at_ms = self._click(visit, nth, row, place, slate_id, at_ms, next_ms)
            if stars is None or self.draws.uniform("rate", visit.user, row) >= self.scenario.rated:
                continue
            normal = self.draws.normal("stars", visit.user, row)
            review = Review(
                event_id=f"stars-{visit.user}-{visit.turn}-{nth}",
                ts=at_ms + self._delay_ms(STARS_S, visit, 1_000 + nth),
                user_id=self.people.names[visit.user],
                item_id=self.truth.model.items[row],
                rating=stars.given(self._stars(visit, row), normal),
                slate_id=slate_id,
                position=place,
            )
            self._schedule(review)

    def _attack(self, visit: Visit, rows: Rows, slate_id: str, next_ms: int) -> None:
        assert self._attackers is not None
        at_ms = visit.ts_ms
        for nth, act in enumerate(self._attackers.acts(visit.user, rows.tolist())):
            at_ms = self._click(visit, nth, act.item, act.place, slate_id, at_ms, next_ms)

    def _click(
        self, visit: Visit, nth: int, row: int, place: int, slate_id: str, after_ms: int, next_ms: int
    ) -> int:
        """A click on an item, at a place or (-1) from elsewhere; its time."""
        latest_ms = after_ms + int(BEFORE_NEXT * max(next_ms - after_ms, 0) / 2)
        at_ms = max(min(after_ms + self._delay_ms(CLICK_S, visit, nth), latest_ms), after_ms)
        self._schedule(
            Click(
                event_id=f"click-{visit.user}-{visit.turn}-{nth}",
                ts=at_ms,
                user_id=self.people.names[visit.user],
                item_id=self.truth.model.items[row],
                slate_id=slate_id if place >= 0 else None,
                position=place if place >= 0 else None,
            )
        )
        return at_ms

    def _delay_ms(self, median_s: float, visit: Visit, nth: int) -> int:
        normal = self.draws.normal("delay", visit.user, visit.turn, nth)
        return max(1, int(1_000.0 * median_s * math.exp(SPREAD * normal)))

    def _schedule(self, event: Click | Review) -> None:
        heapq.heappush(self._due, (event.ts, self._scheduled, event))
        self._scheduled += 1
