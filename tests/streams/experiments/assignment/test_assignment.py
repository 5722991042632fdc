"""Users are drawn evenly, independently from layer to layer, and stay where they are. A million of them."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from model.errors import ExperimentError
from streams.experiments.assignment.arm_text import Served, served_by
from streams.experiments.assignment.assignment import DEFAULT, Assignment, hash_of, salt_of
from streams.experiments.assignment.traits import SESSION_GAP_MS
from streams.experiments.declared.reading import read_experiment
from streams.experiments.measured import state_key
from streams.experiments.registry import changes
from streams.experiments.registry.state import Registry
from streams.state.user_state import UserState
from streams.state.user_sums import Exposure, UserSums
from tests.streams.experiments.declarations import raw, running

USERS = [f"user-{n}" for n in range(1_000_000)]
FEW = USERS[:20_000]
BOUND = 1e-4
"""The seeds are fixed, so a p-value below it is a defect, not bad luck: one run in ten thousand."""


def counted(registry: Registry, users: list[str] = USERS) -> Counter[str]:
    arms = Assignment(registry).arms
    return Counter(map(arms, users))


def p_of(found: list[int], expected: list[float]) -> float:
    total = sum(found)
    scaled = [total * part / sum(expected) for part in expected]
    return float(stats.chisquare(found, scaled).pvalue)


def test_a_million_users_are_drawn_by_the_weights() -> None:
    arms = {"a": {"weight": 1}, "b": {"weight": 2}, "c": {"weight": 0.5}}
    found = counted(running(e=raw(arms)))
    assert p_of([found[f"e={arm}"] for arm in arms], [1, 2, 0.5]) > BOUND
    assert sum(found.values()) == len(USERS)


def test_a_million_users_in_two_layers_are_independent() -> None:
    """Chi-square of the table of both layers, of the arms and of the experiments that share a layer."""
    registry = running(
        one=raw(3, layer="x", share=0.5), two=raw(2, layer="x", share=0.5), three=raw(4, layer="y")
    )
    table: dict[str, Counter[str]] = {}
    for text, count in counted(registry).items():
        keys = {each.key: each.text for each in served_by(text)}
        ours = keys.get("one") or keys["two"]
        table.setdefault(ours, Counter())[keys["three"]] += count
    rows = [[row[f"three=arm{n}"] for n in range(4)] for row in table.values()]
    assert len(rows) == 5
    assert stats.chi2_contingency(rows).pvalue > BOUND
    assert p_of([sum(row) for row in rows], [1 / 6 if "one" in key else 1 / 4 for key in table]) > BOUND


def test_slots_of_a_layer_are_even_and_a_holdout_gets_nothing() -> None:
    registry = running(one=raw(layer="x", share=0.3, holdout=0.2), two=raw(layer="x", share=0.4, holdout=0.2))
    found = counted(registry)
    by = [sum(n for text, n in found.items() if text.startswith(key)) for key in ("one", "two", DEFAULT)]
    assert p_of(by, [0.3, 0.4, 0.3]) > BOUND
    alone = Assignment(running(one=raw(layer="x", share=0.8, holdout=0.2)))
    held_out = [user for user in FEW if alone.arms(user) == DEFAULT]
    both = Assignment(registry)
    assert abs(len(held_out) / len(FEW) - 0.2) < 0.02
    assert {both.arms(user) for user in held_out} == {DEFAULT}


def test_the_draw_is_the_one_that_the_page_says() -> None:
    """Against a few lines of plain Python: blake2b, SplitMix64, the least of the waiting times."""

    def mixed(unit: int, salt: int) -> int:
        z = ((unit ^ salt) + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    def of(*parts: str) -> int:
        return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest(), "little")

    weights = {"a": 1.0, "b": 3.0, "c": 0.25}
    registry = running(
        e=raw({arm: {"weight": weight} for arm, weight in weights.items()}, layer="x", share=0.7)
    )
    assignment = Assignment(registry, salt="shop")
    for user in FEW[:3_000]:
        unit = of(user)
        assert (hash_of(user) % 2**64, salt_of("shop", "layer", "x")) == (unit, of("shop", "layer", "x"))
        if mixed(unit, of("shop", "layer", "x")) % 10_000 >= 7_000:
            assert assignment.arms(user) == DEFAULT
            continue
        waits = {
            arm: -math.log(((mixed(unit, of("shop", "arm", "e", arm)) >> 11) + 0.5) / 2**53) / weight
            for arm, weight in weights.items()
        }
        assert assignment.arms(user) == f"e={min(waits, key=lambda arm: waits[arm])}"


WEIGHTS = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 100), min_size=2, max_size=6)


def under(weights: dict[str, float], control: str) -> Assignment:
    arms = {arm: {"weight": weight} for arm, weight in weights.items()}
    return Assignment(running(e=raw(arms) | {"control": control}))


@settings(max_examples=40)
@given(WEIGHTS, st.floats(0.01, 100))
def test_a_new_arm_takes_users_and_moves_none_between_the_others(
    weights: dict[str, float], new: float
) -> None:
    control = next(iter(weights))
    before, after = under(weights, control), under(weights | {"new": new}, control)
    for user in FEW[:300]:
        assert after.arms(user) in (before.arms(user), "e=new")


@settings(max_examples=40)
@given(WEIGHTS, st.floats(1, 50))
def test_a_raised_weight_takes_users_to_that_arm_alone(weights: dict[str, float], by: float) -> None:
    raised = next(iter(weights))
    before, after = under(weights, raised), under(weights | {raised: weights[raised] * by}, raised)
    for user in FEW[:300]:
        assert after.arms(user) in (before.arms(user), f"e={raised}")


@settings(max_examples=25)
@given(st.data())
def test_other_experiments_of_a_layer_move_nobody(data: st.DataObject) -> None:
    """Whoever is in an experiment stays there, whatever starts and stops beside it."""
    shares = data.draw(st.lists(st.floats(0.05, 0.3), min_size=1, max_size=5))
    registry = running(mine=raw(3, layer="x", share=0.25))
    drawn = map(Assignment(registry).arms, FEW[:500])
    mine = {user: text for user, text in zip(FEW, drawn, strict=False) if "mine" in text}
    for n, share in enumerate(shares):
        settings_ = read_experiment(f"other{n}", raw(2, layer="x", share=share))
        registry = changes.declared(registry, f"other{n}", settings_, 0).registry
        try:
            registry = changes.started(registry, f"other{n}", 0).registry
        except ExperimentError:
            registry = changes.stopped(registry, f"other{n}", 0).registry
        if n % 2 and f"other{n - 1}" in registry.experiments:
            registry = changes.stopped(registry, f"other{n - 1}", 0).registry
        texts = map(Assignment(registry).arms, FEW[:500])
        assert {user: text for user, text in zip(FEW, texts, strict=False) if "mine" in text} == mine


def test_a_grown_share_keeps_everybody() -> None:
    registry = running(e=raw(3, share=0.2))
    before = Assignment(registry).arms
    grown = changes.declared(registry, "e", read_experiment("e", raw(3, share=0.6)), 1).registry
    after = Assignment(grown).arms
    inside = [user for user in FEW if before(user) != DEFAULT]
    assert all(before(user) == after(user) for user in inside)
    assert sum(after(user) != DEFAULT for user in FEW) > 2.5 * len(inside)


def test_a_new_phase_has_a_key_of_its_own() -> None:
    registry = running(e=raw({"a": {}, "b": {}}))
    heavier = read_experiment("e", raw({"a": {}, "b": {"weight": 3}}))
    registry = changes.declared(registry, "e", heavier, 5).registry
    assert {text.partition("=")[0] for text in counted(registry, FEW)} == {"e~2"}


def test_a_stopped_arm_falls_back_to_control_and_counts_for_nothing() -> None:
    registry = running(e=raw({"a": {}, "b": {}, "c": {}}))
    before = Assignment(registry)
    after = Assignment(changes.arm_stopped(registry, "e", "b", 1).registry)
    for user in FEW:
        was = before.arms(user)
        assert after.arms(user) == ("e=a!" if was == "e=b" else was)


def test_testers_have_the_arm_that_they_test_and_count_nowhere() -> None:
    registry = running(
        e=raw({"a": {}, "b": {}}, share=0.01, testers={"ann": "b"}, starts="2100-01-01T00:00:00Z"),
        other=raw(),
    )
    (e, other) = served_by(Assignment(registry).arms("ann"))
    assert e == Served("e", "b", counts=False)
    assert not other.counts
    assert served_by(Assignment(registry).arms("bob"))[0].counts


def at(text: str) -> int:
    return round(1_000 * datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_it_runs_between_its_times_by_the_clock_that_is_passed_in() -> None:
    arms = Assignment(running(e=raw(starts="2026-01-01T00:00:00Z", ends="2026-02-01T00:00:00Z"))).arms
    before, first = at("2025-12-31T23:59:59.999"), at("2026-01-01T00:00:00")
    last, behind = at("2026-01-31T23:59:59.999"), at("2026-02-01T00:00:00")
    found = [arms("ann", now_ms=now_ms) for now_ms in (before, first, last, behind)]
    assert [text == DEFAULT for text in found] == [True, False, False, True]


TARGETS: list[tuple[dict[str, Any], UserState, str, bool]] = [
    ({"profile": {"country": ["NO", "SE"]}}, UserState(profile={"country": "SE"}), "feed", True),
    ({"profile": {"country": ["NO", "SE"]}}, UserState(profile={"country": "DK"}), "feed", False),
    ({"profile": {"country": ["NO"]}}, UserState(), "feed", False),
    ({"profile": {"a": ["1"], "b": ["2"]}}, UserState(profile={"a": "1", "b": "2"}), "feed", True),
    ({"profile": {"a": ["1"], "b": ["2"]}}, UserState(profile={"a": "1"}), "feed", False),
    ({"segments": ["new"]}, UserState(interactions=4), "feed", True),
    ({"segments": ["new"]}, UserState(interactions=5), "feed", False),
    ({"segments": ["light", "heavy"]}, UserState(interactions=50), "feed", True),
    ({"surfaces": ["mail"]}, UserState(), "feed", False),
    ({"surfaces": ["mail", "feed"]}, UserState(), "feed", True),
]


@pytest.mark.parametrize(("target", "state", "surface", "taken"), TARGETS)
def test_only_those_who_are_targeted_take_part(
    target: dict[str, Any], state: UserState, surface: str, taken: bool
) -> None:
    registry = running(e=raw(target=target), other=raw())
    for user in FEW[:20]:
        keys = [each.key for each in served_by(Assignment(registry).arms(user, state, 0, surface))]
        assert keys == (["e", "other"] if taken else ["other"])


def session(*times: int) -> UserState:
    """A user who acted at these times (ms)."""
    return UserState(times=np.array(times, np.int64), interactions=len(times))


def test_a_session_keeps_its_arm_and_the_next_is_drawn_anew() -> None:
    arms = Assignment(running(e=raw(unit="session"))).arms
    gap = SESSION_GAP_MS
    users = FEW[:2_000]
    first = {user: arms(user, session(1_000), 1_000) for user in users}
    later = {user: arms(user, session(1_000, 2_000, gap), gap) for user in users}
    other = {user: arms(user, session(1_000, 1_000 + gap), 1_000 + gap) for user in users}
    assert first == later
    changed = sum(first[user] != other[user] for user in users)
    assert 0.4 < changed / len(users) < 0.6
    assert len(set(other.values())) == 2


def test_by_users_whatever_they_did_before() -> None:
    arms = Assignment(running(e=raw())).arms
    assert all(arms(user, session(1, 10**9), 10**9) == arms(user) for user in FEW[:200])


def test_without_what_cannot_be_served() -> None:
    registry = running(one=raw(), two=raw())
    assert {text.partition("=")[0] for text in map(Assignment(registry, {"one"}).arms, FEW)} == {"two"}
    assert Assignment(registry, {"one", "two"}).arms("ann") == DEFAULT


def adaptive(weights: dict[str, float]) -> Registry:
    registry = running(now_ms=5, e=raw(3, allocation="adaptive"))
    return changes.reweighed(registry, "e", weights, 900, 5 + 86_400_000).registry


def exposed(arm: str, name: str = "e", begins_ms: int = 5) -> UserState:
    exposure = Exposure(state_key(name, begins_ms), arm, 7, False, b"", {}, {})
    return UserState(sums=UserSums(exposures=(exposure,)))


def test_new_users_are_drawn_by_the_weights_of_the_period_and_who_has_an_arm_keeps_it() -> None:
    weights = {"arm0": 0.2, "arm1": 0.7, "arm2": 0.1}
    registry = adaptive(weights)
    found = counted(registry, USERS[:200_000])
    assert p_of([found[f"e={arm}~2"] for arm in weights], [*weights.values()]) > BOUND
    assert sum(found.values()) == 200_000
    arms = Assignment(registry).arms
    assert {arms(user, exposed("arm2")) for user in FEW[:500]} == {"e=arm2"}
    assert {arms(user, exposed("arm0~2")) for user in FEW[:500]} == {"e=arm0~2"}
    for other in (exposed("gone"), exposed("arm2", "f"), exposed("arm2", begins_ms=6)):
        assert [arms(user, other) for user in FEW[:500]] == [arms(user) for user in FEW[:500]]


def test_users_of_a_stopped_arm_get_what_control_makes_in_whatever_period_they_came() -> None:
    registry = changes.arm_stopped(adaptive({"arm0": 0.2, "arm1": 0.7, "arm2": 0.1}), "e", "arm1", 9).registry
    arms = Assignment(registry).arms
    assert arms("ann", exposed("arm1")) == arms("ann", exposed("arm1~2")) == "e=arm0!"
    assert arms("ann", exposed("arm2~2")) == "e=arm2~2"


def test_an_experiment_of_fixed_weights_moves_users_as_its_weights_say() -> None:
    arms = Assignment(running(now_ms=5, e=raw(3))).arms
    assert [arms(user, exposed("arm2")) for user in FEW] == [arms(user) for user in FEW]
