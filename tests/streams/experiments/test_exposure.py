"""What moments do to a user's sums: the same in any order, and to arms what they do to users."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from random import Random
from typing import Any

import pytest

from streams.experiments import quantities as q
from streams.experiments.arm_totals import TERMS, fields_of, terms_of
from streams.experiments.exposure import with_moment
from streams.experiments.increments import ArmIncrements
from streams.experiments.measured import Measured, MeasuredExperiment, measured
from streams.experiments.metrics import CROSSED
from streams.settings.tree import Settings
from streams.state.user_sums import EXPOSURES_MOST, MOMENTS_MOST, NOT_MEASURED, Moment, UserSums

KNOWN = Settings().known_metrics
CLICK = 1
Step = tuple[Moment, tuple[tuple[str, str], ...]]


def experiment(name: str, *metrics: str, **more: Any) -> MeasuredExperiment:
    return MeasuredExperiment(name, frozenset("ab"), tuple(KNOWN[metric] for metric in metrics), **more)


E1 = experiment("e1", "click_through", "session_length", "return_3_days")
E2 = experiment("e2", "sessions", "revenue", window_ms=2 * q.DAY_MS)
RUNNING = measured([E1, E2])
PAIRS = (("e1", "a"), ("e1", "b"), ("e2", "a"), ("e2", "b"))


def steps(random: Random, count: int) -> list[Step]:
    found: list[Step] = []
    ts = 10 * q.DAY_MS
    for _ in range(count):
        ts += random.choice([0, 1, 60_000, q.GAP_MS, q.GAP_MS + 1, q.DAY_MS])
        if random.random() < 0.5:
            moment = q.action_moment(ts, random.choice([CLICK, 3]), 0, random.choice([None, 1.25]))
            found.append((moment, ()))
        else:
            shown = q.shown_moment(ts, q.FirstShown(1, random.randint(1, 9)))
            found.append((shown, tuple(random.sample(PAIRS, random.randint(0, 2)))))
    return found


def folded(steps: list[Step], running: Measured = RUNNING) -> UserSums:
    sums = NOT_MEASURED
    for moment, arms in steps:
        sums = with_moment(sums, moment, running, arms)
    return sums


def plain(sums: UserSums) -> dict[bytes, Any]:
    """Of each exposure, what counts."""
    found = {}
    for each in sums.exposures:
        codes = RUNNING.by_key[each.key].codes
        since = {code: sums.totals.get(code, 0) - each.base.get(code, 0) for code in codes}
        before = {code: each.before.get(code, 0) for code in codes}
        found[each.key] = (each.arm, each.ts, each.crossed, since, before)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_order_does_not_matter(seed: int) -> None:
    random = Random(seed)
    taken = steps(random, MOMENTS_MOST)
    first = folded(taken)
    for _ in range(3):
        random.shuffle(taken)
        other = folded(taken)
        assert other.moments == first.moments
        assert plain(other) == plain(first)


def test_what_is_kept_is_bounded() -> None:
    sums = folded(steps(Random(1), 400))
    assert len(sums.moments) == MOMENTS_MOST
    many = [experiment(f"x{n}", "sessions") for n in range(EXPOSURES_MOST + 8)]
    for n, each in enumerate(many):
        moment = q.shown_moment(10**12 + n, q.FirstShown(1, 1))
        sums = with_moment(sums, moment, measured([each]), [(each.name, "a")])
    assert len(sums.exposures) == EXPOSURES_MOST
    assert [each.key for each in sums.exposures[-5:]] == [each.key for each in many[-5:]]


def test_totals_go_with_the_last_exposure() -> None:
    sums = folded(
        [(q.shown_moment(5, q.FirstShown(1, 3)), (("e1", "a"),)), (q.action_moment(6, CLICK, 0, None), ())]
    )
    assert sums.totals
    over = Measured({"e2": E2}, frozenset([E1.key]))
    sums = with_moment(sums, q.action_moment(7, CLICK, 0, None), over)
    assert (sums.totals, sums.exposures) == ({}, ())
    assert len(sums.moments) == 3


@pytest.mark.parametrize("seed", range(25))
def test_an_arms_sums_are_at_all_times_those_of_its_users(seed: int) -> None:
    """Also where a process does not know an experiment for a while, and one gets another metric."""
    random = Random(seed)
    fewer = measured([experiment("e1", "click_through"), E2])
    users = [NOT_MEASURED] * 4
    numbers: Counter[tuple[str, str]] = Counter()
    for step, (moment, arms) in enumerate(steps(random, 150)):
        known = fewer if step < 75 else RUNNING
        running = random.choice([known, known, measured([known.experiments["e1"]]), measured([E2])])
        at = random.randrange(len(users))
        after = with_moment(users[at], moment, running, arms)
        increments = ArmIncrements(running)
        increments.change(users[at], after)
        users[at] = after
        for name, fields in increments.fields().items():
            numbers.update({(name, each): number for each, number in fields.items()})
    expected = worth(users)
    assert {key for key, number in numbers.items() if number} == {
        key for key, number in expected.items() if number
    }
    assert all(numbers[key] == number for key, number in expected.items())
    assert len(expected) > 3 * TERMS


def worth(users: list[UserSums]) -> Counter[tuple[str, str]]:
    """What users' states say that each arm's numbers are."""
    found: Counter[tuple[str, str]] = Counter()
    for sums in users:
        for each in sums.exposures:
            running = RUNNING.by_key[each.key]
            for metric in running.counting(each.counted):
                x, y = metric.x.value, metric.y.value
                values = (
                    *(x(sums.totals, each.base), y(sums.totals, each.base)),
                    *(x(each.before, {}), y(each.before, {})),
                )
                names = fields_of(each.arm, metric.key)
                found.update(
                    {(running.name, name): n for name, n in zip(names, terms_of(values), strict=True)}
                )
            found[running.name, fields_of(each.arm, CROSSED)[0]] += each.crossed
    return found


def test_a_metric_that_is_not_known_for_a_while_has_each_user_once() -> None:
    shown = q.shown_moment(5, q.FirstShown(1, 3))
    both, one = measured([E1]), measured([experiment("e1", "click_through")])
    sums = with_moment(NOT_MEASURED, shown, both, [("e1", "a")])
    users = 0
    for n, running in enumerate((both, one, both, one, both)):
        after = with_moment(sums, q.action_moment(10 + n, CLICK, 0, None), running)
        increments = ArmIncrements(running)
        increments.change(sums, after)
        users += increments.fields()["e1"].get(fields_of("a", E1.metrics[1].key)[0], 0)
        sums = after
    assert users == 0, "it was counted with the impression"
    assert sums.exposures[0].counted == E1.counted


PERIODS = measured([MeasuredExperiment("e", frozenset({"a", "b", "a~2", "b~2"}), (KNOWN["click_through"],))])


def shown(ts: int, *arms: str) -> Step:
    return q.shown_moment(ts, q.FirstShown(1, 5)), tuple(("e", arm) for arm in arms)


def test_a_user_counts_once_in_the_period_that_they_came_in_whatever_comes_later() -> None:
    """An impression of the first period that arrives behind one of the second takes the user back to it."""
    came = [shown(100, "a"), shown(200, "a~2"), shown(300, "b~2")]
    for told in permutations(came):
        sums, arms = NOT_MEASURED, ArmIncrements(PERIODS)
        for moment, named in told:
            before, sums = sums, with_moment(sums, moment, PERIODS, named)
            arms.change(before, sums)
        (exposure,) = sums.exposures
        assert (exposure.arm, exposure.ts, exposure.crossed) == ("a", 100, True)
        fields = arms.fields()["e"]
        assert fields[fields_of("a", KNOWN["click_through"].key)[0]] == 1
        assert {name.split(":")[0] for name, number in fields.items() if number} == {"a"}


def test_another_period_of_the_same_arm_is_no_other_arm() -> None:
    (exposure,) = folded([shown(100, "a"), shown(200, "a~2")], PERIODS).exposures
    assert not exposure.crossed
