"""Users count where the arms of an experiment differ for them, in whichever arm they are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from streams.batch import BatchResult, Incoming, process
from streams.events.schema import Click, Impression
from streams.experiments.arm_sums import NOBODY, ArmSums, arm_sums
from streams.experiments.readings.plan import Plan
from streams.experiments.readings.reading import Reading, reading
from streams.experiments.registry.measuring import measured_of
from streams.experiments.registry.state import Registry
from streams.ranking.request import RankRequest
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.fold import Delivery
from streams.state.user_state import UserState
from tests.streams.experiments.declarations import raw, running

NOW_MS = 1_700_000_000_000
ITEMS, USERS = 60, 40
ARMS = {"calm": {}, "bold": {"stages": {"candidates": {"rank_constant": 65.0}}}}
"""For some users the same items come out, in the same order."""
METRICS = Settings().known_metrics


class World:
    """A core, and users who have done something."""

    def __init__(self, registry: Registry, arm: str) -> None:
        self.core, self.arm, self.registry = Recommender(Settings()), arm, registry
        self.core.meet([f"i{n}" for n in range(ITEMS)], NOW_MS)
        self.core.arms.run(registry)
        self.states: dict[str, UserState] = {}
        self.kept: dict[str, Any] = {}
        self.compared = 0
        self.number = self.offset = 0
        shown = self.core.shown

        def counted(requests: Sequence[RankRequest]) -> list[tuple[int, ...]]:
            self.compared += len(requests)
            return shown(requests)

        self.core.shown = counted  # type: ignore[method-assign]
        draw = random.Random(4)
        told = [(f"u{draw.randrange(USERS)}", f"i{draw.randrange(ITEMS)}") for _ in range(600)]
        self.fold([self.event(*each) for each in told], "default")
        self.compared = 0

    def event(self, user: str, item: str) -> Click:
        self.number += 1
        ts = NOW_MS + self.number
        return Click(event_id=f"e{self.number}", ts=ts, user_id=user, item_id=item)

    def fold(self, events: Sequence[Any], arm: str = "") -> BatchResult:
        batch = []
        for each in events:
            self.offset += 1
            batch.append(Incoming(each, Delivery(f"t-{type(each).__name__}", self.offset), each.ts))
        out = process(
            self.core, batch, self.states, NOW_MS + 10_000, "full", kept=self.kept,
            arm_of=lambda *_: arm or self.arm, measured=measured_of(self.registry, METRICS),
        )  # fmt: skip
        assert not out.failed
        self.states |= out.states
        self.kept |= out.kept
        return out

    def slates(self) -> BatchResult:
        """One of each user."""
        return self.fold([self.event(f"u{n}", f"i{n}") for n in range(USERS)])

    def show(self, user: str) -> None:
        slate = self.kept[user].slates[-1]
        self.number += 1
        items = [f"i{row}" for row in slate.rows]
        shown = Impression(
            event_id=f"s{self.number}", ts=NOW_MS + 9_000, user_id=user, slate_id=slate.slate_id, items=items
        )
        self.fold([shown])


def begun(**more: Any) -> Registry:
    return running(now_ms=NOW_MS, e=raw(more.pop("arms", ARMS), trigger="slate", **more))


def counting(out: BatchResult) -> set[str]:
    return {slate.user_id for slate in out.slates if not slate.arm.endswith("!")}


@pytest.fixture(scope="module")
def both() -> dict[str, World]:
    return {arm: World(begun(), f"e={arm}") for arm in ARMS}


def test_the_same_users_count_in_both_arms(both: dict[str, World]) -> None:
    made = {arm: world.slates() for arm, world in both.items()}
    shown = {
        arm: {slate.user_id: [item.item_id for item in slate.items] for slate in out.slates}
        for arm, out in made.items()
    }
    differ = {user for user in shown["calm"] if shown["calm"][user] != shown["bold"][user]}
    assert counting(made["calm"]) == counting(made["bold"]) == differ
    assert 2 <= len(differ) <= USERS - 2
    assert {slate.arm for slate in made["bold"].slates} == {"e=bold", "e=bold!"}
    looks = {slates.slates[-1].arm for slates in both["bold"].kept.values()}
    assert looks == {"e=bold", "e=bold!"}
    assert both["calm"].compared == both["bold"].compared == USERS


def test_what_is_compared_leaves_the_slates_as_they_are() -> None:
    world, plain = (
        World(running(now_ms=NOW_MS, e=raw(ARMS, trigger=how)), "e=bold") for how in ("slate", "none")
    )
    for one, other in zip(world.slates().slates, plain.slates().slates, strict=True):
        assert msgspec.structs.replace(one, arm=other.arm) == other
    assert plain.compared == 0


def test_who_was_exposed_counts_and_is_compared_no_more() -> None:
    world = World(begun(), "e=bold")
    first = counting(world.slates())
    user, other = min(first), min({f"u{n}" for n in range(USERS)} - first)
    world.show(user)
    world.show(other)
    assert [len(world.states[each].sums.exposures) for each in (user, other)] == [1, 0]
    before = world.compared
    out = world.fold([world.event(user, "i3")])
    assert (counting(out), world.compared) == ({user}, before)
    world.fold([world.event(other, "i3")])
    assert world.compared == before + 1


def test_arms_that_are_alike_count_nobody_and_arms_that_never_are_count_everybody() -> None:
    same = World(begun(arms={"a": {}, "b": {}, "c": {}}), "e=b")
    assert counting(same.slates()) == set()
    assert same.compared == 2 * USERS
    differ = World(begun(arms={"a": {}, "b": {"stages": {"feed": {"size": 3}}}}), "e=b")
    assert len(counting(differ.slates())) == USERS


def test_an_arm_whose_slate_can_not_be_made_differs_and_costs_nobody_a_slate() -> None:
    world = World(begun(arms={"a": {}, "b": {}}), "e=b")
    rungs: list[set[str]] = []

    def broken(requests: Sequence[RankRequest]) -> list[tuple[int, ...]]:
        rungs.append({each.plan.rung for each in requests})
        raise ZeroDivisionError

    world.core.shown = broken  # type: ignore[method-assign]
    out = world.slates()
    assert len(counting(out)) == USERS
    assert not out.unranked
    assert rungs == [{"full"}, *[{"full"}, {"counters"}] * USERS]  # all at once, then each with its fallback


def with_a_draft(e_arms: dict[str, Any], arm: str) -> World:
    """Slates are drafted of two orders for one experiment, while another one counts what differs."""
    new = {"stages": {"candidates": {"sources": ["popular"]}}}
    draft = raw({"plain": {}, "new": new}, design="interleaved", primary="preference")
    registry = running(now_ms=NOW_MS, d=draft, e=raw(e_arms, trigger="slate"))
    return World(registry, f"d=plain+new,e={arm}")


def orders_of(world: World, arm: str) -> dict[str, list[list[str]]]:
    """What both sides of a draft would show each user, by the stages of an arm, one after the other."""
    found: dict[str, list[list[str]]] = {}
    for side in ("plain", "new"):
        requests = [
            world.core.request(state, NOW_MS + 10_000, user=user, arm=f"d={side}!,e={arm}!")
            for user, state in world.states.items()
        ]
        for slate in world.core.recommend(requests):
            found.setdefault(slate.user_id, []).append([item.item_id for item in slate.items])
    return found


def test_a_slate_of_two_orders_is_compared_by_both_and_not_by_its_coins() -> None:
    made = {arm: with_a_draft(ARMS, arm) for arm in ARMS}
    counted = {arm: counting(world.slates()) for arm, world in made.items()}
    by_arm = {arm: orders_of(made["calm"], arm) for arm in ARMS}
    differ = {user for user, orders in by_arm["calm"].items() if by_arm["bold"][user] != orders}
    assert counted["calm"] == counted["bold"] == differ
    assert 2 <= len(differ) <= USERS - 2
    assert {look.slates[-1].arm for look in made["calm"].kept.values()} == {
        "d=plain+new,e=calm",
        "d=plain+new,e=calm!",
    }


def test_a_draft_of_arms_that_are_alike_counts_nobody() -> None:
    world = with_a_draft({"a": {}, "b": {}}, "b")
    out = world.slates()
    assert {slate.arm for slate in out.slates} == {"d=plain+new,e=b!"}
    assert world.compared == 4 * USERS  # both orders of both arms


def test_where_a_model_fails_each_order_of_a_draft_is_compared_as_its_own_fallback() -> None:
    """Only the second order differs, and only on the counters do slates come out."""
    shorter = {"b": {"stages": {"candidates": {"rank_constant": 65.0}}}}
    world = with_a_draft({"a": {}, **shorter}, "b")
    shown = world.core.shown
    fallbacks: list[list[tuple[str, ...]]] = []

    def broken(requests: Sequence[RankRequest]) -> list[tuple[int, ...]]:
        if any(each.plan.rung == "full" for each in requests):
            raise ZeroDivisionError
        fallbacks.append([tuple(each.plan.settings.candidates.sources) for each in requests])
        return shown(requests)

    world.core.shown = broken  # type: ignore[method-assign]
    world.slates()
    assert len(fallbacks) == 2 * USERS
    assert {sources[1] for sources in fallbacks} == {("popular",)}
    assert ("popular",) not in {sources[0] for sources in fallbacks}


def sums_of(rng: np.random.Generator, users: int, chance: float) -> ArmSums:
    """Of ten places each."""
    clicks = rng.binomial(10, rng.beta(20 * chance, 20 * (1 - chance), users))
    return arm_sums(np.column_stack([clicks, np.full(users, 10), np.zeros(users), np.zeros(users)]))


def looked_at(
    lift: float, seed: int, differs: float = 0.1, looks: int = 40
) -> tuple[list[Reading], list[Reading]]:
    """After every 500 users: of all users, and of those for whom the arms differ, a tenth."""
    rng = np.random.default_rng(seed)
    known: list[dict[tuple[str, str], ArmSums]] = [{}, {}]
    found: tuple[list[Reading], list[Reading]] = ([], [])
    plans = [Plan("calm", {"calm": 1.0, "bold": 1.0}, "clicks", users=users) for users in (20_000, 2_000)]
    points: list[list[Any]] = [[], []]
    for _ in range(looks):
        for arm in ("calm", "bold"):
            touched = rng.binomial(250, differs)
            of_touched = sums_of(rng, touched, 0.2 * (1 + lift * (arm == "bold")))
            of_others = sums_of(rng, 250 - touched, 0.2)
            for at, more in enumerate((of_touched.plus(of_others), of_touched)):
                known[at][arm, "clicks"] = known[at].get((arm, "clicks"), NOBODY).plus(more)
        for at in (0, 1):
            found[at].append(reading(plans[at], dict(known[at]), points[at]))
            points[at].append(dict(known[at]))
    return found


def test_an_effect_on_a_tenth_of_the_users_is_found_with_fewer_of_them() -> None:
    of_all, of_triggered = looked_at(0.25, seed=2)
    decided = [look.primary[0].state == "better" for look in of_triggered]
    assert decided.index(True) <= 20  # 10,000 users came, of whom 1,000 counted
    assert "better" not in {look.primary[0].state for look in of_all}
    lift = of_triggered[-1].primary[0].adjusted.lift
    assert lift == pytest.approx(0.25, abs=0.1)


def test_arms_alike_alarm_no_more_often_among_those_who_count() -> None:
    runs = 60
    alarms = sum(
        look.primary[0].state in ("better", "worse")
        for look in (looked_at(0.0, seed=100 + run, looks=20)[1][-1] for run in range(runs))
    )
    assert alarms <= 8  # 3 are expected at most; 9 would come once in 500
