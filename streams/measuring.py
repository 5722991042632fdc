"""What a batch's events do to the sums of experiments: those in its users' states, and by as much the arms'.

`streams.experiments` has the rules; here is what they need of events, catalog and counters.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.actions import code_of
from streams.events.schema import Impression
from streams.experiments import quantities as q
from streams.experiments.arm_totals import Increments
from streams.experiments.assignment.arm_text import counted_in
from streams.experiments.declared.experiment import TOGETHER
from streams.experiments.exposure import with_moment
from streams.experiments.increments import ArmIncrements
from streams.experiments.measured import Measured
from streams.learning.join import index_of
from streams.learning.kept_slates import NO_TEAM, KeptSlate, UserSlates
from streams.recommender import Recommender
from streams.settings.tree import DEFAULT_ARM
from streams.state.ledger import Showing
from streams.state.user_state import Interaction, UserState
from streams.state.user_sums import MOMENTS_MOST, NOT_MEASURED, UserSums

_REVIEW, _CLICK = code_of("review"), code_of("click")
FIRST_TIME = ("joined", "unshown")
"""What became of an answer that is the first of its kind on its place (`streams.learning.join`)."""


class Measuring:
    """Of one batch. `now_ms`: when it is applied."""

    def __init__(self, recommender: Recommender, measured: Measured, now_ms: int) -> None:
        self._recommender, self._measured, self._now_ms = recommender, measured, now_ms

    def acted(self, before: UserState, after: UserState, done: Interaction) -> UserState:
        """The state `after` an interaction that was folded into the one `before`, with its moment."""
        delay_ms = self._now_ms - done.ts if q.DELAY_MS in self._measured.codes else 0
        value = done.rating if done.action == _REVIEW else done.value
        moment = q.action_moment(done.ts, done.action, delay_ms, value)
        return after.with_sums(with_moment(_begun(before), moment, self._measured))

    def showed(
        self, state: UserState, event: Impression, showing: Showing, outcome: str, kept: UserSlates
    ) -> UserState:
        """A state with what an impression showed. `kept`: the user's slates, which say of which arm one is
        where the impression does not.
        """
        first = int(outcome == "shown")
        moment = q.shown_moment(event.ts, self._showed(showing, first))
        arms = counted_in(event.arm if event.arm != DEFAULT_ARM else _arm_of(kept, event.slate_id))
        after = state.with_sums(with_moment(_begun(state), moment, self._measured, arms))
        return self._with_early_votes(after, event, showing, kept)

    def _with_early_votes(
        self, state: UserState, event: Impression, showing: Showing, kept: UserSlates
    ) -> UserState:
        """With the votes of clicks that came before the impression said what was shown."""
        at = index_of(kept.slates, event.slate_id)
        if at < 0 or not (slate := kept.slates[at]).teams or not slate.answers:
            return state
        fresh = {*showing.rows.tolist()}
        early = [(each.ts, each.row) for each in slate.answers if each.action == _CLICK and each.row in fresh]
        return self._with_votes(state, slate, early)

    def voted(self, state: UserState, slate: KeptSlate | None, done: Interaction, outcome: str) -> UserState:
        """A state with the vote that a click on an interleaved slate is, where it is the first one on this
        place. `slate`: what the click was joined with, and the `outcome` of that.
        """
        if slate is None or not slate.teams or outcome not in FIRST_TIME or done.action != _CLICK:
            return state
        return self._with_votes(state, slate, [(done.ts, done.row)])

    def _with_votes(self, state: UserState, slate: KeptSlate, clicks: list[tuple[int, int]]) -> UserState:
        """`clicks`: their times, and the rows of the items."""
        running = self._measured.experiments
        sums = state.sums
        if any(name in running and TOGETHER in arm for name, arm in counted_in(slate.arm)):
            for ts, row in clicks:
                if (team := slate.team_of(row)) != NO_TEAM:
                    sums = with_moment(sums, q.vote_moment(ts, team), self._measured)
        return state if sums is state.sums else state.with_sums(sums)

    def increments(self, before: Mapping[str, UserState], after: Mapping[str, UserState]) -> Increments:
        """By how much the arms' sums change where these users' states do."""
        arms = ArmIncrements(self._measured)
        for user, state in after.items():
            had = before.get(user)
            arms.change(NOT_MEASURED if had is None else had.sums, state.sums)
        return arms.fields()

    def _showed(self, showing: Showing, slates: int) -> q.FirstShown:
        codes, rows = self._measured.codes, showing.rows
        catalog, popularity = self._recommender.catalog, self._recommender.counters.popularity
        different = bits = first = 0
        if q.DIFFERENT in codes:
            kinds = np.unique(catalog.attributes[rows, 0])
            different = len(kinds) - int(not kinds[0])
        if q.BITS in codes:
            events = self._recommender.counters.interactions + len(catalog)
            shares = (popularity.events[rows] + 1) / events
            bits = round(-100 * float(np.log2(shares).sum()))
        if q.FIRST in codes:
            first = int((popularity.shown[rows] == 1).sum())
        return q.FirstShown(slates, len(rows), different, bits, first)


def _begun(state: UserState) -> UserSums:
    """A user's sums; those of whom nothing was measured begin with what their history has, as of before."""
    if state.sums is not NOT_MEASURED and state.sums.moments:
        return state.sums
    history = zip(state.times.tolist(), state.actions.tolist(), state.ratings.tolist(), strict=True)
    moments = [q.action_moment(ts, action, 0, rating) for ts, action, rating in history]
    return state.sums._replace(moments=tuple(sorted(moments)[-MOMENTS_MOST:]))


def _arm_of(kept: UserSlates, slate_id: str) -> str:
    at = index_of(kept.slates, slate_id)
    return kept.slates[at].arm if at >= 0 else DEFAULT_ARM
