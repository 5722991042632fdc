"""The plans of users who are in several experiments at once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from model.errors import SettingsError
from streams.experiments.assignment.assignment import DEFAULT
from streams.experiments.declared.refusal import DeclarationError
from streams.experiments.registry import changes
from streams.experiments.registry.state import NONE
from streams.ranking import arm_plans as module
from streams.ranking.arm_plans import ArmPlans, learns
from streams.ranking.degradation import RUNGS
from streams.ranking.pipeline import source_names
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.experiments.declarations import experiment, raw, running

LENGTH = raw({"plain": {}, "short": {"stages": {"feed": {"size": 5}}}}, layer="length")
SOURCES = raw(
    {"all": {}, "few": {"model": "second", "stages": {"candidates": {"sources": ["fresh", "popular"]}}}},
    layer="sources",
)
WEIGHTS = raw(
    {"as-is": {}, "fresh": {"stages": {"candidates": {"weights": {"fresh": 2.0}}}}}, layer="weights"
)


def plans(settings: Settings = Settings()) -> ArmPlans:
    return ArmPlans(settings, source_names())


def test_overrides_of_all_layers_are_joined() -> None:
    arms = plans()
    arms.run(running(length=LENGTH, sources=SOURCES, weights=WEIGHTS))
    made = arms.of("length=short,sources=few,weights=fresh", "full")
    assert made.plan.settings.feed.size == 5
    assert made.plan.settings.candidates.sources == ("fresh", "popular")
    assert made.plan.settings.candidates.weights == Settings().candidates.weights | {"fresh": 2.0}
    assert made.model == "second"
    assert arms.of("length=plain,sources=all", "full").plan is arms.of(DEFAULT, "full").plan


def test_a_combination_leaves_the_declarations_as_they_are() -> None:
    registry = running(
        one=WEIGHTS, two=raw({"a": {}, "b": {"stages": {"candidates": {"weights": {"popular": 3.0}}}}})
    )
    before = msgspec.json.encode(registry)
    arms = plans()
    arms.run(registry)
    joined = arms.of("one=fresh,two=b", "full").plan.settings.candidates.weights
    assert (joined["fresh"], joined["popular"]) == (2.0, 3.0)
    assert arms.of("one=fresh,two=a", "full").plan.settings.candidates.weights["popular"] == 0.1
    assert msgspec.json.encode(registry) == before


def test_arms_that_come_to_the_same_settings_share_a_plan() -> None:
    arms = plans()
    arms.run(running(length=LENGTH, other=raw({"a": {}, "b": {}})))
    found = {id(arms.of(f"length=short,other={arm}", "full").plan) for arm in "ab"}
    assert len(found) == 1


@pytest.mark.parametrize("rung", RUNGS)
def test_each_rung_lowers_what_an_arm_says(rung: Any) -> None:
    arms = plans()
    arms.run(running(sources=SOURCES))
    plan = arms.of("sources=few", rung).plan
    assert (plan.rung, plan.settings.rescoring.enabled) == (rung, rung in ("full", "fewer"))


def test_what_is_shipped_is_what_everybody_gets_and_experiments_go_on_from_there() -> None:
    registry = changes.shipped(running(length=LENGTH), "length", "short", 1).registry
    registry = changes.shipped(running(registry, sources=SOURCES), "sources", "few", 2).registry
    arms = plans()
    arms.run(running(registry, again=raw({"a": {}, "b": {"stages": {"feed": {"size": 7}}}})))
    default, b = arms.of(DEFAULT, "full"), arms.of("again=b", "full")
    assert (default.plan.settings.feed.size, default.model) == (5, "second")
    assert (b.plan.settings.feed.size, b.model) == (7, "second")
    assert b.plan.settings.candidates.sources == ("fresh", "popular")
    arms.run(changes.stopped(changes.stopped(registry, "length", 3).registry, "sources", 4).registry)
    assert arms.of(DEFAULT, "full").plan is arms.declared[DEFAULT, "full"]
    assert arms.of(DEFAULT, "full").model == ""


def test_arms_of_the_settings_stay_as_they_are() -> None:
    settings = override(Settings(), {"arms": {"calm": {"model": "third", "stages": {"feed": {"size": 3}}}}})
    arms = plans(settings)
    arms.run(changes.shipped(running(sources=SOURCES), "sources", "few", 1).registry)
    made = arms.of("calm", "full")
    assert (made.plan.settings.feed.size, made.plan.settings.candidates.sources, made.model) == (
        3,
        (),
        "third",
    )


@pytest.mark.parametrize("arm", ["bold", "length=long", "gone=a", "length=short,gone=a"])
def test_an_arm_that_is_not_there(arm: str) -> None:
    arms = plans()
    arms.run(running(length=LENGTH))
    with pytest.raises(SettingsError, match=r"is not declared|is no arm of what runs"):
        arms.of(arm, "full")


def test_plans_at_hand_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMBINATIONS_MAX", 12)
    many = {f"arm{n}": {"stages": {"feed": {"size": n + 1}}} for n in range(20)}
    arms = plans()
    arms.run(running(e=raw(many)))
    for n in [*range(20), *range(20)]:
        assert arms.of(f"e=arm{n}", "full").plan.settings.feed.size == n + 1
        assert len(arms._made) <= 12


WRONG = {
    "a source": ({"candidates": {"sources": ["fresh", "stale"]}}, "stages.candidates.sources", "transitions"),
    "a source's weight": (
        {"candidates": {"weights": {"stale": 1.0}}},
        "stages.candidates.weights",
        "'stale'",
    ),
    "a setting": ({"feed": {"sise": 5}}, "stages.feed.sise", "did you mean 'size'?"),
    "a value": ({"feed": {"size": 0}}, "stages.feed.size", ">= 1"),
    "a task": ({"feed": {"task_weights": {"buy": 1.0}}}, "task_weights.buy", "model.tasks.buy"),
    "an action": ({"feed": {"repeat": ["nod"]}}, "feed.repeat", "actions.nod"),
    "a learner": ({"reweighting": {"enabled": True}}, "reweighting.enabled", "no worker learns"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_an_arm_asks_for_must_be_there(case: str) -> None:
    stages, place, said = WRONG[case]
    settings = override(Settings(), {"reweighting": {"enabled": False}})
    with pytest.raises(DeclarationError) as caught:
        plans(settings).check("e", experiment(arms={"a": {}, "b": {"stages": stages}}))
    assert place in ".".join(caught.value.path)
    assert said in str(caught.value)


def test_an_experiment_of_the_settings_file_makes_workers_learn() -> None:
    off = override(Settings(), {"reweighting": {"enabled": False}})
    adapts = raw({"a": {}, "b": {"stages": {"reweighting": {"enabled": True}}}})
    on = override(off, {"experiments": {"e": adapts}})
    assert (learns(off), learns(on)) == (False, True)
    plans(on).check("e", on.experiments["e"])


def test_without_what_cannot_be_served() -> None:
    arms = plans()
    registry = running(length=LENGTH)
    arms.run(registry, {"length"})
    assert arms.assignment.arms("ann") == DEFAULT
    arms.run(changes.shipped(registry, "length", "short", 1).registry, {"length"})
    assert arms.of(DEFAULT, "full").plan.settings.feed.size == 20
    assert arms.registry != NONE
