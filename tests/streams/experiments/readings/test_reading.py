"""A reading says what its sums say, in numbers and in words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest

from model.errors import SettingsError
from streams.experiments.arm_sums import arm_sums
from streams.experiments.readings.guardrails import crossed
from streams.experiments.readings.plan import Guardrail, Plan
from streams.experiments.readings.reading import Reading, reading
from streams.experiments.readings.sequence import rho_for, stretch
from streams.experiments.readings.show import as_data, table
from streams.experiments.readings.tracks import TUNED_AT
from streams.experiments.readings.words import verdict
from tests.streams.experiments.readings.arms import BUYS, CLICKS, points

PLAN = Plan("plain", {"plain": 1.0, "bold": 1.0}, CLICKS, users=4_000, minimum_effect=0.1)
SAME, BETTER = {"plain": 0.25, "bold": 0.25}, {"plain": 0.2, "bold": 0.26}


def read(plan: Plan, chances: dict[str, float], count: int = 10, users: int = 200) -> Reading:
    history = points(chances, users, count)
    return reading(plan, history[-1], history[:-1])


def test_a_better_arm_is_named_and_stays_named() -> None:
    seen = read(PLAN, BETTER)
    arm = seen.primary[0]
    assert (arm.arm, arm.metric, arm.state) == ("bold", CLICKS, "better")
    assert arm.decided_at is not None
    assert 400 <= arm.decided_at < 4_000
    assert arm.adjusted.low is not None
    assert arm.adjusted.low < 0.3 < (arm.adjusted.high or 0.0)
    assert 0.05 < arm.noise_cut < 0.9
    assert "bold is better than plain" in verdict(PLAN, seen)
    # The evidence of then stands, also where later users are all the same in both arms.
    history = points(BETTER, 200, 10)
    later = [*history, {key: history[-1]["plain", key[1]] for key in history[-1]}]
    assert reading(PLAN, later[-1], later[:-1]).primary[0].state == "better"


def test_a_worse_arm_is_named_worse_and_the_other_way_round_for_a_metric_that_must_fall() -> None:
    worse = {"plain": 0.26, "bold": 0.2}
    assert read(PLAN, worse).primary[0].state == "worse"
    falls = msgspec.structs.replace(PLAN, better={CLICKS: "down"})
    assert read(falls, worse).primary[0].state == "better"


def test_no_difference_is_open_until_the_planned_size() -> None:
    assert read(PLAN, SAME, 5).primary[0].state == "open"
    seen = read(PLAN, SAME)
    assert seen.primary[0].state == "ended"
    words = verdict(PLAN, seen)
    assert "no difference was found with the planned 4,000 users" in words
    assert "takes about" in words


def test_few_users_are_too_early() -> None:
    seen = read(PLAN, BETTER, count=1, users=99)
    assert seen.primary[0].state == "early"
    assert seen.primary[0].adjusted.low is None
    assert "too early to say" in verdict(PLAN, seen)


def test_interval_is_the_sequence_that_the_plan_tunes() -> None:
    seen = read(PLAN, SAME).primary[0].adjusted
    assert seen.low is not None
    assert seen.high is not None
    assert seen.error is not None
    width = 2.0 * seen.error * np.sqrt(stretch(np.float64(4_000), 0.05, rho_for(0.05, TUNED_AT * 4_000)))
    assert seen.high - seen.low == pytest.approx(width, rel=0.02)


def test_a_mismatch_blocks_the_reading_and_says_where_to_look() -> None:
    history = points(BETTER, 200, 10, sizes={"bold": 140})
    seen = reading(PLAN, history[-1], history[:-1])
    assert seen.blocked
    words = verdict(PLAN, seen)
    assert words.startswith("Nothing can be read")
    assert "bold has 1,400 users, expected about 1,700" in words
    assert "is better" not in table(PLAN, seen)


def test_changed_shares_that_the_plan_tells_of_are_no_mismatch() -> None:
    first = points(SAME, 300, 1)[0]
    second = points(SAME, 300, 1, seed=2, sizes={"bold": 33})[0]
    now = {**first, **{(f"{arm}~2", metric): each for (arm, metric), each in second.items()}}
    periods = ({"plain": 0.5, "bold": 0.5}, {"plain": 0.9, "bold": 0.1})
    seen = reading(msgspec.structs.replace(PLAN, periods=periods), now).mismatch
    assert not seen.found
    assert seen.users == {"plain": 600, "bold": 333}
    assert seen.expected == pytest.approx({"plain": 599.7, "bold": 333.3})
    # Shares that were right over both periods together are wrong in each of them.
    wrong = msgspec.structs.replace(PLAN, periods=(periods[0], periods[0]))
    assert reading(wrong, now).blocked


def test_a_guardrail_names_the_arm_that_must_be_stopped() -> None:
    plan = msgspec.structs.replace(PLAN, guardrails=(Guardrail(BUYS, -0.05),))
    history = points(SAME, 400, 10, buys={"plain": 0.3, "bold": 0.2})
    stopped = crossed(plan, history)
    assert [(each.arm, each.metric) for each in stopped] == [("bold", BUYS)]
    assert "Stop bold" in verdict(plan, reading(plan, history[-1], history[:-1]))
    assert not crossed(plan, points(SAME, 400, 10))
    rises = msgspec.structs.replace(PLAN, guardrails=(Guardrail(BUYS, 0.05),))
    assert not crossed(rises, history)
    assert crossed(rises, points(SAME, 400, 10, buys={"plain": 0.2, "bold": 0.3}))


def test_arms_share_alpha() -> None:
    many = {"plain": 0.25, **{f"arm{at}": 0.25 for at in range(4)}}
    alone = Plan("plain", {"plain": 1.0, "arm0": 1.0}, CLICKS, users=1_600)
    plan = msgspec.structs.replace(alone, shares=dict.fromkeys(many, 1.0), users=4_000)
    history = points(many, 200, 4)
    one, of_four = reading(alone, history[-1]).primary[0], reading(plan, history[-1]).primary[0]
    assert len(reading(plan, history[-1]).primary) == 4
    assert one.adjusted.low is not None
    assert of_four.adjusted.low is not None
    assert of_four.adjusted.low < one.adjusted.low


def test_nothing_is_decided_while_control_may_be_nothing() -> None:
    """Few buys: whatever the others do, a relative lift of them is not known, for one arm and for three."""
    few = {"plain": 0.02, "bold": 0.2, "odd": 0.02, "big": 0.2}
    history = points(dict.fromkeys(few, 0.25), 150, 1, seed=8, buys=few)
    for arms in (("plain", "bold"), tuple(few)):
        plan = Plan("plain", dict.fromkeys(arms, 1.0), BUYS, users=9_000)
        for arm in reading(plan, history[-1]).primary:
            assert arm.adjusted.low is None
            assert arm.state == "early"
            assert "too early to say" in verdict(plan, reading(plan, history[-1]))


def test_a_group_reading_decides_at_its_looks_only() -> None:
    plan = msgspec.structs.replace(PLAN, reading="group", looks=4)
    history = points(BETTER, 200, 10)
    seen = [reading(plan, history[at], history[:at]).primary[0] for at in range(10)]
    assert [each.state == "early" for each in seen] == [True, True, *([False] * 8)]
    decided = [each.decided_at for each in seen]
    assert decided[-1] in {1_200, 2_000, 3_200, 4_000}
    # The looks are at the first points after 1,000, 2,000 and 3,000; the interval stays between them.
    assert seen[2].adjusted == seen[3].adjusted
    assert seen[4].adjusted == seen[6].adjusted
    assert seen[2].adjusted != seen[4].adjusted
    assert "no look is due yet. The first is at 1,000 users" in verdict(plan, reading(plan, history[0]))


def test_other_metrics_and_the_bayesian_chance_stand_beside() -> None:
    plan = msgspec.structs.replace(PLAN, prior_deviation=0.2)
    seen = read(plan, BETTER)
    assert [each.metric for each in seen.others] == [BUYS]
    assert seen.others[0].state in {"open", "ended"}
    assert seen.primary[0].chance is not None
    assert seen.primary[0].chance > 0.99
    shown = table(plan, seen)
    assert "chance to be above control" in shown
    assert BUYS in shown


def test_a_reading_is_json() -> None:
    told = json.loads(json.dumps(as_data(PLAN, read(PLAN, BETTER, 1, 50)), allow_nan=False))
    assert told["blocked"] is False
    assert "too early to say" in told["verdict"]
    assert told["primary"][0]["adjusted"]["low"] is None
    assert told["mismatch"]["users"] == {"plain": 50, "bold": 50}


def test_a_metric_that_is_the_same_for_all_users_says_nothing() -> None:
    plan = msgspec.structs.replace(PLAN, prior_deviation=0.1)
    ones = np.ones((300, 4))
    sums = {("plain", CLICKS): arm_sums(ones), ("bold", CLICKS): arm_sums(2.0 * ones)}
    seen = reading(plan, sums).primary[0]
    assert seen.state == "early"
    assert seen.chance is None
    # A past that foretells all leaves no noise either.
    rng = np.random.default_rng(1)
    x = rng.integers(1, 9, 300).astype(float)
    told = np.column_stack([x, ones[:, 0], x, ones[:, 0]])
    sums = {("plain", CLICKS): arm_sums(told), ("bold", CLICKS): arm_sums(told[::-1])}
    assert reading(plan, sums).primary[0].state in {"early", "open"}


def test_an_experiment_without_users_is_read_too() -> None:
    seen = reading(PLAN, {})
    assert seen.primary[0].state == "early"
    assert "Users: plain 0 (expected 0)" in table(PLAN, seen)


@pytest.mark.parametrize(
    "wrong",
    [
        {"control": "nobody"},
        {"shares": {"plain": 1.0}},
        {"shares": {"plain": 0.0, "bold": 1.0}},
        {"users": 1},
        {"alpha": 0.0},
        {"prior_deviation": 0.0},
    ],
)
def test_a_plan_that_can_not_be_read_is_refused(wrong: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "control": "plain",
        "shares": {"plain": 1.0, "bold": 1.0},
        "primary": CLICKS,
        "users": 9,
    }
    with pytest.raises(SettingsError, match="expected"):
        Plan(**{**fields, **wrong})
