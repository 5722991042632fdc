"""What an interleaved experiment may say, and what becomes of it in the registry."""

from __future__ import annotations

from typing import Any

import pytest

from model.errors import ExperimentError
from streams.experiments.declared.refusal import DeclarationError
from streams.experiments.registry import changes
from streams.experiments.registry.measuring import measured_of
from streams.experiments.registry.planned import plan_of
from streams.experiments.registry.state import NONE, decode, encode
from streams.ranking.arm_plans import ArmPlans
from streams.ranking.pipeline import source_names
from streams.settings.experiments import read_experiments
from streams.settings.tree import Settings
from tests.streams.experiments.declarations import experiment, raw, running

INTERLEAVED: dict[str, Any] = {"design": "interleaved", "primary": "preference"}


def test_users_are_drawn_to_both_arms_with_control_first() -> None:
    read = experiment("e", {"new": {}, "plain": {}}, **INTERLEAVED, testers={"ann": "new"})
    assert read.weights == {"new+plain": 1.0}
    assert (read.control, read.other) == ("new", "plain")
    assert read.sides("new+plain") == ("new", "plain")
    assert read.sides("plain") == ("plain",)
    assert read.sides("plain+new") == ()


@pytest.mark.parametrize(
    ("more", "place", "says"),
    [
        ({"arms": {"a": {}, "b": {}, "c": {}}, "control": "a"}, "arms", "2 arms"),
        ({"arms": {"a": {}, "b": {"weight": 2}}, "control": "a"}, "arms.b.weight", "no weight"),
        (
            {"arms": {"a": {}, "b": {"stages": {"exploration": {"share": 0.1}}}}, "control": "a"},
            "arms.b.stages.exploration",
            "its own coins",
        ),
        ({"primary": "click_through"}, "primary", "'preference'"),
        ({"secondary": ["click_through"]}, "secondary", "compare nothing"),
        ({"guardrails": [{"metric": "dislikes", "worst": 0.1}]}, "guardrails", "compare nothing"),
        ({"reading": "group", "looks": 4}, "reading", "sequential"),
        ({"allocation": "adaptive"}, "allocation", "fixed"),
        ({"unit": "session"}, "unit", "one vote"),
    ],
)
def test_what_slates_of_both_can_not_tell_is_refused(more: dict[str, Any], place: str, says: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        experiment("e", **{**INTERLEAVED, **more})
    assert ".".join(refused.value.path) == f"experiments.e.{place}"
    assert says in str(refused.value)


def test_votes_are_a_metric_of_nothing_else() -> None:
    with pytest.raises(DeclarationError, match=r"design = .interleaved."):
        experiment("e", secondary=["preference"])


def test_a_slate_is_of_two_orders_and_not_of_four() -> None:
    one = raw({"a": {}, "b": {}}, **INTERLEAVED)
    with pytest.raises(DeclarationError, match="two orders, not of four"):
        read_experiments({"one": one, "other": one})
    same = {**one, "layer": "both", "share": 0.5}
    assert len(read_experiments({"one": same, "other": same})) == 2


def test_it_starts_is_measured_and_comes_back_from_the_store() -> None:
    registry = running(e=raw({"plain": {}, "new": {}}, **INTERLEAVED))
    assert decode(encode(registry)) == registry
    each = registry.experiments["e"]
    assert plan_of(each) is None
    (measured,) = measured_of(registry, Settings().known_metrics).experiments.values()
    assert measured.arms == {"plain+new"}
    assert [metric.name for metric in measured.metrics] == ["preference"]


def test_its_arms_are_not_stopped_one_by_one_and_one_may_be_shipped() -> None:
    registry = running(e=raw({"plain": {}, "new": {"stages": {"feed": {"size": 5}}}}, **INTERLEAVED))
    with pytest.raises(ExperimentError, match="both arms in every slate"):
        changes.arm_stopped(registry, "e", "new", 1)
    shipped = changes.shipped(registry, "e", "new", 2).registry
    plans = ArmPlans(Settings(), source_names())
    plans.run(decode(encode(shipped)))
    assert plans.of("default", "full").plan.settings.feed.size == 5
    assert plans.assignment.arms("ann") == "default"


def test_beside_another_layer_both_sides_have_that_layers_arm() -> None:
    registry = running(
        NONE,
        e=raw({"plain": {}, "new": {"stages": {"feed": {"size": 5}}}}, **INTERLEAVED),
        look=raw(
            {"a": {"stages": {"candidates": {"pool": 50}}}, "b": {"stages": {"candidates": {"pool": 60}}}}
        ),
    )
    plans = ArmPlans(Settings(), source_names())
    plans.run(registry)
    texts = {plans.assignment.arms(f"u{n}") for n in range(60)}
    assert texts == {"e=plain+new,look=a", "e=plain+new,look=b"}
    made = plans.of("e=plain+new,look=b", "full")
    assert made.against is not None
    assert [plan.settings.candidates.pool for plan in (made.plan, made.against.plan)] == [60, 60]
    assert [plan.settings.feed.size for plan in (made.plan, made.against.plan)] == [20, 5]
    assert plans.of("e=new!", "full").against is None


def test_nothing_of_another_layer_explores_in_slates_that_coins_draw() -> None:
    draft = raw(2, **INTERLEAVED)
    explores = raw({"a": {}, "b": {"stages": {"exploration": {"share": 0.1}}}})
    with pytest.raises(
        DeclarationError, match=r"f\.arms\.b\.stages\.exploration\.share: .*as e \(layer e\) does"
    ):
        running(e=draft, f=explores)
    with pytest.raises(DeclarationError, match=r"e\.layer: expected 'f', as f has it, which explores"):
        running(f=explores, e=draft)
    running(e={**draft, "layer": "x", "share": 0.5}, f={**explores, "layer": "x", "share": 0.5})
