"""What may be done with an experiment in which state, and what becomes of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from model.errors import ExperimentError, StoreError
from streams.experiments.assignment.slots import SLOTS, size
from streams.experiments.declared.adaptive import PERIODS_MAX
from streams.experiments.declared.reading import read_experiment
from streams.experiments.declared.refusal import DeclarationError
from streams.experiments.registry import changes
from streams.experiments.registry.audit import RegistryChange, encode_entry, recorded, verify
from streams.experiments.registry.measuring import measured_of
from streams.experiments.registry.state import NONE, Registry, decode, encode
from streams.settings.experiments import joined
from streams.settings.tree import Settings
from tests.streams.experiments.declarations import experiment, raw, running


def test_the_way_of_an_experiment() -> None:
    registry = changes.declared(NONE, "e", experiment(arms=3), 1).registry
    assert registry.experiments["e"].standing(1) == "declared"
    registry = changes.started(registry, "e", 2).registry
    started = registry.experiments["e"]
    assert (started.standing(2), started.key("e"), started.slices) == ("running", "e", ((0, SLOTS),))
    assert started.phases[-1].weights == {"arm0": 1.0, "arm1": 1.0, "arm2": 1.0}
    registry = changes.arm_stopped(registry, "e", "arm1", 3, "a guardrail").registry
    registry = changes.shipped(registry, "e", "arm2", 4).registry
    assert registry.experiments["e"].standing(4) == "shipped arm2"
    assert list(registry.running()) == []
    assert [name for name, _ in registry.shipped()] == ["e"]
    registry = changes.stopped(registry, "e", 5).registry
    assert registry.experiments["e"].standing(5) == "stopped"
    assert decode(encode(registry)) == registry


STEPS: dict[str, Callable[[Registry], RegistryChange]] = {
    "start": lambda registry: changes.started(registry, "e", 9),
    "stop": lambda registry: changes.stopped(registry, "e", 9),
    "stop arm1": lambda registry: changes.arm_stopped(registry, "e", "arm1", 9),
    "stop control": lambda registry: changes.arm_stopped(registry, "e", "arm0", 9),
    "stop nobody": lambda registry: changes.arm_stopped(registry, "e", "arm7", 9),
    "ship": lambda registry: changes.shipped(registry, "e", "arm1", 9),
    "ship nobody": lambda registry: changes.shipped(registry, "e", "arm7", 9),
    "declare": lambda registry: changes.declared(registry, "e", experiment(arms=2), 9),
    "remove": lambda registry: changes.removed(registry, "e"),
}
ALLOWED = {
    "absent": {"declare"},
    "declared": {"start", "stop", "declare"},
    "running": {"stop", "stop arm1", "ship", "declare"},
    "stopped": {"ship", "remove"},
    "shipped": {"stop"},
    "removed": set(),
}


def in_state(state: str) -> Registry:
    if state == "absent":
        return NONE
    registry = changes.declared(NONE, "e", experiment(), 1).registry
    if state == "declared":
        return registry
    registry = changes.started(registry, "e", 2).registry
    if state == "running":
        return registry
    if state == "removed":
        return changes.removed(in_state("stopped"), "e").registry
    return (changes.stopped if state == "stopped" else lambda r, e, ms: changes.shipped(r, e, "arm1", ms))(
        registry, "e", 3
    ).registry


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("step", STEPS)
def test_what_may_be_done_in_which_state(state: str, step: str) -> None:
    registry = in_state(state)
    if step in ALLOWED[state]:
        assert STEPS[step](registry).registry != registry or step == "declare"
    else:
        with pytest.raises(ExperimentError):
            STEPS[step](registry)


def test_what_has_not_started_is_forgotten_and_its_name_is_free() -> None:
    registry = changes.stopped(in_state("declared"), "e", 2).registry
    assert registry.experiments == {}
    assert "e" in changes.declared(registry, "e", experiment(), 3).registry.experiments


def test_what_was_removed_is_known_by_name_alone() -> None:
    registry = in_state("removed")
    assert (list(registry.experiments), list(registry.removed)) == ([], ["e"])
    assert decode(encode(registry)) == registry
    with pytest.raises(ExperimentError, match="a name is used once"):
        changes.declared(registry, "e", experiment(), 9)
    known = Settings().known_metrics
    assert measured_of(registry, known).over == measured_of(in_state("stopped"), known).over
    assert joined(registry, {"e": experiment(), "f": experiment("f")}).experiments.keys() == {"f"}
    change = changes.removed(in_state("stopped"), "e", "tidied")
    assert change.said["experiment"]["declared"]["hypothesis"] == "It is better."


def test_the_log_of_one_that_was_removed_is_whole() -> None:
    steps: list[Callable[[Registry], RegistryChange]] = [
        lambda registry: changes.declared(registry, "e", experiment(), 1),
        lambda registry: changes.started(registry, "e", 2),
        lambda registry: changes.stopped(registry, "e", 3),
        lambda registry: changes.removed(registry, "e"),
    ]
    log, registry = list[bytes](), NONE
    for step in steps:
        done = recorded(step(registry), "ann", 4)
        registry, log = done.registry, [*log, encode_entry(done.entry)]
    assert verify(log, registry).whole
    assert not verify(log, msgspec.structs.replace(registry, removed={})).whole


def test_over_before_it_starts() -> None:
    registry = changes.declared(NONE, "e", experiment(ends="2026-01-01T00:00:00Z"), 1).registry
    with pytest.raises(ExperimentError, match="ends before now"):
        changes.started(registry, "e", 1_800_000_000_000)


# Beside each other

SHORT, LONG = {"stages": {"feed": {"size": 5}}}, {"stages": {"feed": {"size": 50}}}
CLASHES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (SHORT, LONG, "feed.size"),
    ({"model": "one"}, {"model": "two"}, "model"),
    (
        {"stages": {"feed": {"task_weights": {"like": 1.0}}}},
        {"stages": {"feed": {"task_weights": {"like": 2.0}, "size": 9}}},
        "feed.task_weights.like",
    ),
    (
        {"stages": {"candidates": {"weights": {}}}},
        {"stages": {"candidates": {"weights": {"fresh": 1.0}}}},
        "weights",
    ),
]


@pytest.mark.parametrize(("one", "other", "setting"), CLASHES)
def test_two_layers_do_not_touch_the_same_setting(
    one: dict[str, Any], other: dict[str, Any], setting: str
) -> None:
    registry = running(one=raw({"a": {}, "b": one}, layer="x"))
    with pytest.raises(DeclarationError, match=f"{setting}.*put both into one layer"):
        changes.declared(registry, "two", experiment("two", {"c": {}, "d": other}, layer="y"), 1)
    again = experiment("two", {"c": {}, "d": other}, layer="x")
    assert "two" in changes.declared(registry, "two", again, 1).registry.experiments
    ended = changes.stopped(registry, "one", 2).registry
    changes.declared(ended, "two", experiment("two", {"c": {}, "d": other}, layer="y"), 3)


def test_settings_that_stand_beside_each_other_may_differ() -> None:
    one, other = {"fresh": 1.0}, {"popular": 1.0}
    arms = [{"a": {}, "b": {"stages": {"candidates": {"weights": each}}}} for each in (one, other)]
    registry = running(one=raw(arms[0], layer="x"), two=raw(arms[1], layer="y"))
    assert len(list(registry.running())) == 2


def test_a_layer_that_is_full() -> None:
    registry = running(one=raw(layer="x", share=0.7))
    registry = changes.declared(registry, "two", experiment("two", layer="x", share=0.5), 1).registry
    with pytest.raises(
        ExperimentError, match=r"asks for 0.5 of layer 'x', and 0.3 is free \(holdout 0, one 0.7\)"
    ):
        changes.started(registry, "two", 2)
    registry = changes.stopped(registry, "one", 3).registry
    assert size(changes.started(registry, "two", 4).registry.experiments["two"].slices) == 5_000


@pytest.mark.parametrize(("key", "value"), [("holdout", 0.1), ("unit", "session")])
def test_a_layer_has_one_holdout_and_one_unit(key: str, value: Any) -> None:
    registry = running(one=raw(layer="x", share=0.5))
    with pytest.raises(DeclarationError, match=f"experiments.two.{key}: expected .*as one of the same layer"):
        changes.declared(registry, "two", experiment("two", layer="x", share=0.5, **{key: value}), 1)


def test_the_text_of_a_slate_has_room_for_all() -> None:
    arms: dict[str, Any] = {"a" * 32: {}, "b": {}}
    names = [f"{n}" + "x" * 31 for n in range(4)]
    registry = NONE
    for name in names[:3]:
        declared = experiment(name, arms, layer=f"layer-{name[0]}")
        registry = changes.declared(registry, name, declared, 0).registry
    with pytest.raises(DeclarationError, match=r"256 letters together.*got 279"):
        changes.declared(registry, names[3], experiment(names[3], arms), 1)
    assert sum(len(f"{name}~99={'a' * 32}!") for name in names) + 3 == 279
    beside = experiment(names[3], arms, layer="layer-0")
    assert len(changes.declared(registry, names[3], beside, 1).registry.experiments) == 4


def test_a_declaration_has_a_bound() -> None:
    with pytest.raises(DeclarationError, match="at most 65536 bytes"):
        changes.declared(NONE, "e", experiment(testers={f"user-{n}": "arm0" for n in range(5_000)}), 1)


# While it runs

FIXED: list[dict[str, Any]] = [
    {"primary": "conversion"},
    {"users": 5},
    {"minimum_effect": 0.5},
    {"alpha": 0.1},
    {"unit": "session"},
    {"layer": "other"},
    {"holdout": 0.1, "share": 0.9},
    {"target": {"segments": ["new"]}},
    {"starts": "2026-01-01T00:00:00Z"},
    {"guardrails": [{"metric": "dislikes", "worst": 0.1}]},
    {"control": "arm1"},
    {"share": 0.4},
    {"arms": {"arm0": {}, "arm1": SHORT}},
    {"arms": {"arm0": {}, "other": {}}},
]


@pytest.mark.parametrize("changed", FIXED)
def test_what_is_fixed_while_it_runs(changed: dict[str, Any]) -> None:
    registry = running(e=raw(share=0.5))
    with pytest.raises(DeclarationError):
        changes.declared(registry, "e", read_experiment("e", raw(share=0.5) | changed), 1)


def test_what_may_change_while_it_runs() -> None:
    registry = running(e=raw(share=0.5))
    more = {
        "ends": "2100-01-01T00:00:00Z",
        "testers": {"ann": "arm1"},
        "hypothesis": "It may be.",
        "share": 0.8,
    }
    change = changes.declared(registry, "e", read_experiment("e", raw() | more), 1)
    after = change.registry.experiments["e"]
    assert (change.action, after.key("e"), size(after.slices)) == ("amend", "e", 8_000)
    assert set(change.said["changed"]) == set(more)


def test_weights_and_new_arms_begin_a_phase() -> None:
    registry = running(e=raw())
    for number, arms in enumerate(
        ({"arm0": {}, "arm1": {"weight": 3}}, {"arm0": {}, "arm1": {"weight": 3}, "new": {}}), 2
    ):
        registry = changes.declared(
            registry, "e", read_experiment("e", raw() | {"arms": arms}), number
        ).registry
        assert registry.experiments["e"].key("e") == f"e~{number}"
        assert registry.experiments["e"].phases[-1].since_ms == number
    assert set(registry.experiments["e"].phases[-1].weights) == {"arm0", "arm1", "new"}


@pytest.mark.parametrize("raw_registry", [b"", b"{", b"[]", b'{"experiments": 7}', b'{"v": 0}', b'{"v": 2}'])
def test_a_registry_that_cannot_be_read(raw_registry: bytes) -> None:
    with pytest.raises(StoreError):
        decode(raw_registry)


DAMAGED: list[dict[str, Any]] = [
    {"phases": []},
    {"phases": [{"number": 1, "since_ms": 0, "weights": {}}]},
    {"phases": [{"number": 1, "since_ms": 0, "weights": {"other": 1.0}}]},
    {"phases": [{"number": 1, "since_ms": 0, "weights": {"arm0": 0.0}}]},
    {"stopped_arms": ["other"]},
    {"state": "shipped"},
    {"state": "shipped", "winner": "other"},
]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_registry_whose_parts_do_not_fit(damage: dict[str, Any]) -> None:
    stored = json.loads(encode(running(e=raw())))
    stored["experiments"]["e"] |= damage
    with pytest.raises(StoreError, match="as it is stored: it was changed"):
        decode(json.dumps(stored).encode())


class Steps(RuleBasedStateMachine):
    """Steps in any order: slices never overlap, nobody leaves an experiment, the log is whole."""

    def __init__(self) -> None:
        super().__init__()
        self.registry, self.log, self.now_ms = NONE, list[bytes](), 0

    def take(self, step: Callable[[Registry, int], RegistryChange]) -> None:
        self.now_ms += 1
        before = self.registry
        try:
            change = step(before, self.now_ms)
        except (ExperimentError, DeclarationError):
            return
        self.registry, entry = recorded(change, "test", self.now_ms)
        self.log.append(encode_entry(entry))
        for name, was in before.running():
            now = self.registry.experiments[name]
            if now.state == "running":
                ours = {n for each in now.slices for n in range(*each)}
                assert all(set(range(*part)) <= ours for part in was.slices)

    names = st.sampled_from(["a", "b", "c", "d"])
    arms = st.sampled_from(["arm0", "arm1", "arm2"])

    @rule(name=names, layer=st.sampled_from(["x", "y"]), share=st.floats(0.01, 1), arms=st.integers(2, 3))
    def declare(self, name: str, layer: str, share: float, arms: int) -> None:
        declared = experiment(name, arms, layer=layer, share=share)
        self.take(lambda registry, now_ms: changes.declared(registry, name, declared, now_ms))

    @rule(name=names)
    def start(self, name: str) -> None:
        self.take(lambda registry, now_ms: changes.started(registry, name, now_ms))

    @rule(name=names)
    def stop(self, name: str) -> None:
        self.take(lambda registry, now_ms: changes.stopped(registry, name, now_ms))

    @rule(name=names, arm=arms)
    def stop_arm(self, name: str, arm: str) -> None:
        self.take(lambda registry, now_ms: changes.arm_stopped(registry, name, arm, now_ms))

    @rule(name=names, arm=arms)
    def ship(self, name: str, arm: str) -> None:
        self.take(lambda registry, now_ms: changes.shipped(registry, name, arm, now_ms))

    @invariant()
    def slices_do_not_overlap(self) -> None:
        for layer in ("x", "y"):
            parts = sorted(part for _, each in self.registry.layer(layer) for part in each.slices)
            assert all(one[1] <= other[0] for one, other in pairwise(parts))
            assert all(0 <= first < behind <= SLOTS for first, behind in parts)

    @invariant()
    def the_log_is_whole(self) -> None:
        assert decode(encode(self.registry)) == self.registry
        assert verify(self.log, self.registry).whole


Steps.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestSteps = Steps.TestCase


def test_weights_move_when_they_are_due_and_no_phase_begins_where_they_stay() -> None:
    hour = 3_600_000
    registry = running(now_ms=7, e=raw(2, allocation="adaptive", adaptive={"every_hours": 1}))
    weights = {"arm0": 0.25, "arm1": 0.75}
    for too_early in (7, hour, 6 + hour):
        with pytest.raises(ExperimentError, match="not due"):
            changes.reweighed(registry, "e", weights, 900, too_early)
    registry = changes.reweighed(registry, "e", {"arm0": 0.5, "arm1": 0.5}, 900, 7 + hour).registry
    assert (registry.experiments["e"].phase, registry.experiments["e"].weighed_ms) == (1, 7 + hour)
    with pytest.raises(ExperimentError, match="not due"):
        changes.reweighed(registry, "e", weights, 900, 6 + 2 * hour)
    for number in range(2, PERIODS_MAX + 1):  # leaders were away for a time
        at_ms = 9 + 5 * number * hour
        weights = {"arm0": 0.25 + 0.01 * number, "arm1": 0.75 - 0.01 * number}
        registry = changes.reweighed(registry, "e", weights, 900, at_ms).registry
    experiment = decode(encode(registry)).experiments["e"]
    assert (experiment.phase, experiment.key("e"), experiment.begins_ms) == (PERIODS_MAX, "e", 7)
    with pytest.raises(ExperimentError, match="not due"):
        changes.reweighed(registry, "e", {"arm0": 0.5, "arm1": 0.5}, 900, 10**12)


def test_weights_of_an_experiment_that_declares_none_that_move_stay() -> None:
    with pytest.raises(ExperimentError, match="not due"):
        changes.reweighed(running(e=raw()), "e", {"arm0": 0.1, "arm1": 0.9}, 900, 10**12)


def test_arms_whose_weights_move_are_fixed() -> None:
    registry = running(e=raw(2, allocation="adaptive"))
    for arms in (3, {"arm0": {"weight": 2}, "arm1": {"weight": 2}}):
        with pytest.raises(DeclarationError, match=r"e.arms: expected the arms that it started with"):
            changes.declared(registry, "e", experiment(arms=arms, allocation="adaptive"), 9)
    with pytest.raises(DeclarationError, match="fixed since the experiment runs"):
        changes.declared(registry, "e", experiment(), 9)
