"""Arms whose shares changed are compared as if they had had the same users all along."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from streams.experiments.arm_sums import F64, NOBODY, ArmSums, arm_sums
from streams.experiments.assignment.arm_text import period_arm
from streams.experiments.readings.plan import Plan
from streams.experiments.readings.reading import reading
from streams.experiments.readings.tracks import Sums, compared
from streams.experiments.readings.weighted import known_of, weighted
from tests.streams.experiments.readings.arms import CLICKS, points

EVEN = {"plain": 0.5, "bold": 0.5}
PLAN = Plan("plain", EVEN, CLICKS, users=20_000, periods=(EVEN,))


def drawn(rng: np.random.Generator, users: int, chance: float) -> F64:
    """Clicks, places, and both of before, of each user [users, 4]."""
    level, y, d = rng.beta(2, 6, users), 1 + rng.poisson(8, users), rng.poisson(8, users)
    return np.column_stack([rng.binomial(y, np.minimum(1, level * 4 * chance)), y, rng.binomial(d, level), d])


def test_the_weighted_ratio_is_that_of_each_user_by_one_over_the_chance() -> None:
    rng, shares = np.random.default_rng(3), [{"a": 1.0, "b": 3.0}, {"a": 0.6, "b": 0.4}]
    values = [drawn(rng, users, 0.2) for users in (300, 500)]
    point = {(period_arm("a", n), CLICKS): arm_sums(each) for n, each in enumerate(values, 1)}
    found = weighted(known_of([point], "a", CLICKS, shares))
    counts = np.repeat([1 / 0.25, 1 / 0.6], [300, 500])
    x, y, xb, yb = np.concatenate(values).T
    r, rb = (counts @ x) / (counts @ y), (counts @ xb) / (counts @ yb)
    own, earlier = counts * (x - r * y) / (counts @ y), counts * (xb - rb * yb) / (counts @ yb)
    assert found.users[0] == 800
    assert (found.value[0], found.before[0]) == pytest.approx((r, rb))
    assert found.variance[0] / 800 == pytest.approx((own**2).sum())
    assert found.before_variance[0] / 800 == pytest.approx((earlier**2).sum())
    assert found.covariance[0] / 800 == pytest.approx((own * earlier).sum())


def test_one_period_reads_as_shares_that_never_changed() -> None:
    history = points({"plain": 0.2, "bold": 0.26}, 300, 5)
    one, other = (reading(plan, history[-1], history[:-1]) for plan in (PLAN, _fixed(PLAN)))
    for seen, as_known in zip(one.primary, other.primary, strict=True):
        assert seen.adjusted.lift == pytest.approx(as_known.adjusted.lift, rel=1e-3)
        assert seen.adjusted.low == pytest.approx(as_known.adjusted.low, abs=2e-3)
        assert seen.adjusted.p == pytest.approx(as_known.adjusted.p, abs=2e-2)
        assert seen.noise_cut == pytest.approx(as_known.noise_cut, abs=2e-3)
    assert one.mismatch == other.mismatch
    counted = compared(PLAN, history, "bold", CLICKS)
    assert counted.time == pytest.approx(counted.unadjusted.users)
    assert counted.drawn == pytest.approx(counted.unadjusted.users)


def test_people_who_change_while_shares_do_make_no_difference() -> None:
    """Equal arms. One gets ever more users, while everybody comes to click more: plain sums are misled."""
    rng = np.random.default_rng(8)
    shares = [{"plain": 1 - share, "bold": share} for share in np.linspace(0.2, 0.9, 8).tolist()]
    now: dict[tuple[str, str], ArmSums] = {}
    pooled = dict.fromkeys([("plain", CLICKS), ("bold", CLICKS)], NOBODY)
    for number, (share, chance) in enumerate(zip(shares, np.linspace(0.1, 0.25, 8), strict=True), 1):
        for arm, part in share.items():
            sums = arm_sums(drawn(rng, int(2_000 * part), float(chance)))
            now[period_arm(arm, number), CLICKS] = sums
            pooled[arm, CLICKS] = pooled[arm, CLICKS].plus(sums)
    (seen,) = reading(msgspec.structs.replace(PLAN, periods=tuple(shares)), now).primary
    assert seen.state in ("open", "ended")
    assert abs(seen.unadjusted.lift or 1.0) < 0.06
    misled: Sums = pooled
    fixed = msgspec.structs.replace(_fixed(PLAN), shares={"plain": 0.45, "bold": 0.55})
    (wrong,) = reading(fixed, misled).primary
    assert wrong.state == "better"
    assert (wrong.adjusted.lift or 0.0) > 0.15


def test_time_goes_by_the_noise_that_users_bring() -> None:
    """Users whose arm had a small chance count much, so an interval grows as if there were more of them."""
    rng = np.random.default_rng(4)
    shares = (EVEN, {"plain": 0.9, "bold": 0.1})
    now = {
        (period_arm(arm, number), CLICKS): arm_sums(drawn(rng, int(4_000 * part), 0.2))
        for number, share in enumerate(shares, 1)
        for arm, part in share.items()
    }
    seen = compared(msgspec.structs.replace(PLAN, periods=shares), [now], "bold", CLICKS)
    assert seen.unadjusted.users[0] == 8_000
    assert seen.drawn[0] == pytest.approx(8_000)
    # Of the first period 4 squares a user, of the second 1 / .9 and 1 / .1 of each arm's: 4 to 11.1.
    assert seen.time[0] == pytest.approx(4_000 * (1 + (1 / 0.9 + 1 / 0.1) / 4), rel=0.1)


def _fixed(plan: Plan) -> Plan:
    return msgspec.structs.replace(plan, periods=())
