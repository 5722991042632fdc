"""The plan of a reading is what was declared, in the phase that is in force."""

from __future__ import annotations

from streams.experiments.readings.plan import Guardrail
from streams.experiments.registry import changes
from streams.experiments.registry.planned import plan_of
from streams.experiments.registry.state import NONE
from tests.streams.experiments.declarations import experiment, raw, running


def test_no_plan_before_the_start() -> None:
    assert plan_of(changes.declared(NONE, "e", experiment(), 5).registry.experiments["e"]) is None


def test_what_was_declared() -> None:
    arms = {"plain": {}, "bold": {"weight": 3}}
    more = {"guardrails": [{"metric": "latency", "worst": 0.1}], "reading": "group", "looks": 4, "alpha": 0.1}
    plan = plan_of(running(e=raw(arms, window_days=3, **more)).experiments["e"])
    assert plan is not None
    assert (plan.control, plan.primary, plan.users, plan.minimum_effect) == (
        "plain",
        "click_through",
        1_000,
        0.05,
    )
    assert plan.shares == {"plain": 1.0, "bold": 3.0}
    assert plan.guardrails == (Guardrail("latency", 0.1),)
    assert (plan.reading, plan.looks, plan.alpha, plan.window_days) == ("group", 4, 0.1, 3)
    assert not plan.rises("latency")
    assert not plan.rises("dislikes")
    assert plan.rises("click_through")


def test_weights_of_the_phase() -> None:
    registry = running(e=raw())
    weighed = experiment(arms={"arm0": {"weight": 3}, "arm1": {}})
    plan = plan_of(changes.declared(registry, "e", weighed, 900).registry.experiments["e"])
    assert plan is not None
    assert plan.shares == {"arm0": 3.0, "arm1": 1.0}


def test_a_stopped_arm_is_left_out_unless_only_control_is_left() -> None:
    one = changes.arm_stopped(running(e=raw(3)), "e", "arm1", 5).registry
    plan = plan_of(one.experiments["e"])
    assert plan is not None
    assert list(plan.shares) == ["arm0", "arm2"]
    both = plan_of(changes.arm_stopped(one, "e", "arm2", 6).registry.experiments["e"])
    assert both is not None
    assert list(both.shares) == ["arm0", "arm1", "arm2"]
