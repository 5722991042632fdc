"""What is measured is what runs, in its phase, without the arms that are stopped."""

from __future__ import annotations

from typing import Any

from streams.experiments.measured import state_key
from streams.experiments.registry import changes
from streams.experiments.registry.measuring import measured_of
from streams.experiments.registry.state import NONE
from streams.settings.tree import Settings
from tests.streams.experiments.declarations import experiment, raw, running

KNOWN = Settings().known_metrics
DAY_MS = 86_400_000
WEIGHTS = {"arm0": 0.2, "arm1": 0.6, "arm2": 0.2}


def test_nothing_runs() -> None:
    assert not measured_of(NONE, KNOWN)
    declared = changes.declared(NONE, "e", experiment(), 5).registry
    assert not measured_of(declared, KNOWN)


def test_what_runs_is_measured_from_its_start_on() -> None:
    guarded = raw(3, guardrails=[{"metric": "dislikes", "worst": 0.1}], secondary=["revenue"], window_days=2)
    found = measured_of(running(now_ms=70, e=guarded, other=raw()), KNOWN)
    assert set(found.experiments) == {"e", "other"}
    measured = found.experiments["e"]
    assert [metric.name for metric in measured.metrics] == ["click_through", "dislikes", "revenue"]
    assert measured.arms == {"arm0", "arm1", "arm2"}
    assert (measured.begins_ms, measured.window_ms) == (70, 2 * 86_400_000)
    assert not found.over


def test_a_later_start_and_an_end() -> None:
    times: dict[str, Any] = {"starts": "1970-01-01T00:00:10Z", "ends": "1970-01-01T00:00:20Z"}
    measured = measured_of(running(now_ms=70, e=raw(**times)), KNOWN).experiments["e"]
    assert (measured.begins_ms, measured.ends_ms) == (10_000, 20_000)


def test_a_new_phase_is_measured_by_itself() -> None:
    registry = running(now_ms=70, e=raw())
    weighed = experiment(arms={"arm0": {"weight": 3}, "arm1": {}})
    registry = changes.declared(registry, "e", weighed, 900).registry
    found = measured_of(registry, KNOWN)
    assert set(found.experiments) == {"e~2"}
    assert found.experiments["e~2"].begins_ms == 900
    assert found.over == {state_key("e", 70)}


def test_the_periods_of_an_adaptive_experiment_go_on_together() -> None:
    registry = running(now_ms=70, e=raw(3, allocation="adaptive"))
    registry = changes.reweighed(registry, "e", WEIGHTS, 900, 70 + DAY_MS).registry
    registry = changes.arm_stopped(registry, "e", "arm2", 80 + DAY_MS).registry
    found = measured_of(registry, KNOWN)
    assert set(found.experiments) == {"e"}
    assert found.experiments["e"].begins_ms == 70
    assert found.experiments["e"].arms == {"arm0", "arm1", "arm0~2", "arm1~2"}
    assert not found.over


def test_an_arm_that_is_stopped_takes_no_new_users() -> None:
    registry = changes.arm_stopped(running(e=raw(3)), "e", "arm1", 5).registry
    assert measured_of(registry, KNOWN).experiments["e"].arms == {"arm0", "arm2"}


def test_what_has_ended_is_over() -> None:
    registry = changes.stopped(running(now_ms=70, e=raw()), "e", 99).registry
    found = measured_of(registry, KNOWN)
    assert not found
    assert found.over == {state_key("e", 70)}


def test_an_adaptive_experiment_that_was_removed_is_over_under_the_one_name_of_its_sums() -> None:
    registry = running(now_ms=70, e=raw(3, allocation="adaptive"), f=raw())
    registry = changes.reweighed(registry, "e", WEIGHTS, 900, 70 + DAY_MS).registry
    registry = changes.declared(
        registry, "f", experiment("f", {"arm0": {"weight": 3}, "arm1": {}}), 900
    ).registry
    for name in "ef":
        registry = changes.removed(changes.stopped(registry, name, 99 + DAY_MS).registry, name).registry
    keys = {name: gone.begun for name, gone in registry.removed.items()}
    assert keys == {"e": {"e": 70}, "f": {"f": 70, "f~2": 900}}
    assert measured_of(registry, KNOWN).over == {
        state_key("e", 70),
        state_key("f", 70),
        state_key("f~2", 900),
    }


def test_a_metric_that_this_build_does_not_know_is_left_out() -> None:
    registry = running(e=raw(secondary=["revenue"]), other=raw(primary="own"))
    found = measured_of(registry, {"click_through": KNOWN["click_through"]})
    assert list(found.experiments) == ["e"]
    assert [metric.name for metric in found.experiments["e"].metrics] == ["click_through"]
