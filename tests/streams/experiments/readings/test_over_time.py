"""A series says at each point what a reading of the points up to it says."""

from __future__ import annotations

import math

import msgspec
import pytest

from streams.experiments.interleaving.votes import Votes, read_votes
from streams.experiments.readings.guardrails import guarded
from streams.experiments.readings.over_time import over_time, votes_over_time
from streams.experiments.readings.plan import Guardrail, Plan
from streams.experiments.readings.reading import mismatch, reading
from tests.streams.experiments.readings.arms import BUYS, CLICKS, points

PLAN = Plan(
    "plain",
    {"plain": 1.0, "bold": 1.0, "calm": 1.0},
    CLICKS,
    users=4_000,
    minimum_effect=0.1,
    guardrails=(Guardrail(BUYS, -0.1),),
)
POINTS = [(1_000 + 60 * at, each) for at, each in enumerate(points(dict.fromkeys(PLAN.shares, 0.25), 60, 8))]


@pytest.mark.parametrize("plan", [PLAN, msgspec.structs.replace(PLAN, reading="group", looks=4)])
def test_each_point_is_what_a_reading_said_then(plan: Plan) -> None:
    seen = over_time(plan, POINTS)
    assert seen.times == [ts for ts, _ in POINTS]
    assert [(each.metric, each.arm) for each in seen.lifts] == [
        (metric, arm) for metric in (CLICKS, BUYS) for arm in ("bold", "calm")
    ]
    sums = [each for _, each in POINTS]
    known = 0
    for at in range(len(sums)):
        then = reading(plan, sums[at], sums[:at])
        for told, line in zip((*then.primary, *then.others), seen.lifts, strict=True):
            assert (told.arm, told.metric) == (line.arm, line.metric)
            assert line.users[at] == told.users + told.control_users
            assert line.value[at] == pytest.approx(told.value)
            if line.low[at] is None:
                continue  # a group-sequential reading repeats its last look, and a series does not
            known += 1
            assert line.low[at] == pytest.approx(told.adjusted.low)
            assert line.high[at] == pytest.approx(told.adjusted.high)
            assert line.lift[at] == pytest.approx(told.adjusted.lift)
            assert line.bare_low[at] == pytest.approx(told.unadjusted.low)
        rails = guarded(plan, sums[: at + 1])
        for rail, drawn in zip(rails, seen.guardrails, strict=True):
            assert (rail.arm, rail.metric, rail.worst) == (drawn.arm, drawn.metric, drawn.worst)
            assert drawn.bound[at] == (None if rail.bound is None else pytest.approx(rail.bound))
    assert known >= 4
    assert seen.lifts[0].low[0] is None  # 60 users of an arm are too few to read


def test_a_mismatch_is_above_its_limit_when_it_is_found() -> None:
    history = points(dict.fromkeys(PLAN.shares, 0.25), 200, 6, sizes={"bold": 60})
    seen = over_time(PLAN, list(enumerate(history)))
    assert seen.mismatch_limit == pytest.approx(2.0)
    for at, evidence in enumerate(seen.mismatch):
        assert evidence is not None
        then = mismatch(PLAN, history[: at + 1])
        assert (max(each or 0.0 for each in seen.mismatch[: at + 1]) >= 2.0) == then.found
        if evidence > 0.0:
            assert math.isclose(min(then.p, 10.0**-evidence), then.p, rel_tol=1e-9)
    assert (seen.mismatch[-1] or 0.0) > 2.0


def test_votes_have_their_interval_once_there_is_one() -> None:
    votes = [Votes(10, 0, 0), Votes(40, 12, 6), Votes(400, 130, 60)]
    seen = votes_over_time(list(enumerate(votes)), 0.05)
    assert (seen.share[0], seen.low[0], seen.high[0]) == (None, None, None)
    for at in (1, 2):
        then = read_votes("bold", "plain", votes[: at + 1], 0.05)
        assert (seen.share[at], seen.low[at], seen.high[at]) == (then.share, then.low, then.high)
