"""What may be done with an experiment, as functions from one registry to the next. None of them waits.

    declare -> start -> (stop an arm) -> stop or ship;   ship -> stop: what was shipped is taken back
    stop -> remove

A name is used once: users are drawn by it, and sums and the log go by it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from model.errors import ExperimentError
from streams.experiments.assignment.arm_text import key_of
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.registry.amending import amended
from streams.experiments.registry.audit import RegistryChange
from streams.experiments.registry.periods import due, same_weights
from streams.experiments.registry.room import check_room, given_slots
from streams.experiments.registry.state import Experiment, Phase, Registry, RemovedExperiment, find


def declared(registry: Registry, name: str, settings: ExperimentSettings, now_ms: int) -> RegistryChange:
    """A new experiment, or one that has not started, as `settings` say; of one that runs, what may change
    while it runs (`amended`). Raises `DeclarationError`, or `ExperimentError` where it has ended.
    """
    before = registry.experiments.get(name)
    if name in registry.removed:
        raise ExperimentError(
            "removed", f"experiment {name!r} was removed; a name is used once: declare it under another name"
        )
    if before is not None and before.ended:
        raise ExperimentError(
            "ended",
            f"experiment {name!r} is {before.state}; a name is used once: declare it under another name",
        )
    path = ("experiments", name)
    check_room(registry, name, settings, path)
    if before is not None and before.state == "running":
        after, said = amended(registry, name, before, settings, now_ms, path)
        return _change(registry, "amend", name, after, said)
    said = {"declared": msgspec.to_builtins(settings)}
    return _change(registry, "declare", name, Experiment(settings, changed_ms=now_ms), said)


def started(registry: Registry, name: str, now_ms: int) -> RegistryChange:
    """Users are drawn to it from now on, or from the time on that it says. Raises `DeclarationError` where it
    has no room beside the others, `ExperimentError` where its layer has none left.
    """
    before = _in_state(registry, name, "start", "declared")
    settings = before.declared
    if settings.ends_ms <= now_ms:
        raise ExperimentError("over", f"experiment {name!r} ends before now; declare it with a later time")
    check_room(registry, name, settings, ("experiments", name))
    weights, slices = settings.weights, given_slots(registry, name, settings)
    after = msgspec.structs.replace(
        before, state="running", changed_ms=now_ms, phases=(Phase(1, now_ms, weights),), slices=slices
    )
    said: dict[str, Any] = {"weights": weights, "slices": slices}
    if not before.changed_ms:  # of a settings file: no entry says so far what it is
        said["declared"] = settings
    return _change(registry, "start", name, after, said)


def arm_stopped(registry: Registry, name: str, arm: str, now_ms: int, why: str = "") -> RegistryChange:
    """The users of an arm get what control makes, and count for no reading from now on. Nobody else moves."""
    before = _in_state(registry, name, "stop an arm of", "running")
    _check_arm(before, name, arm)
    if before.declared.interleaved:
        raise ExperimentError(
            "interleaved", f"experiment {name!r} has both arms in every slate; stop the experiment as a whole"
        )
    if arm == before.declared.control:
        raise ExperimentError(
            "control",
            f"{arm!r} is the control of {name!r}, which the others fall back to; stop the experiment",
        )
    if arm in before.stopped_arms:
        raise ExperimentError("stopped", f"arm {arm!r} of {name!r} is stopped already; nothing is left to do")
    after = msgspec.structs.replace(before, stopped_arms=(*before.stopped_arms, arm), arm_stopped_ms=now_ms)
    return _change(registry, "stop-arm", name, after, {"arm": arm, "why": why, "ms": now_ms})


def reweighed(
    registry: Registry, name: str, weights: dict[str, float], users: int, now_ms: int
) -> RegistryChange:
    """Users who come from now on are drawn by these weights; who has an arm keeps it. `users`: how many are
    known by then. Weights that stay as they are begin no new period. Raises `ExperimentError` where weights
    are not due (`registry.periods`): another process was first.
    """
    before = _in_state(registry, name, "weigh the arms of", "running")
    if not due(before, now_ms):
        raise ExperimentError("not_due", f"the weights of {name!r} are not due; nothing is left to do")
    said: dict[str, Any] = {"weights": weights, "users": users}
    after = msgspec.structs.replace(before, weighed_ms=now_ms)
    if not same_weights(weights, before.chances):
        phase = Phase(before.phase + 1, now_ms, weights)
        after = msgspec.structs.replace(after, phases=(*before.phases, phase))
        said["period"] = phase.number
    return _change(registry, "reweigh", name, after, said)


def stopped(registry: Registry, name: str, now_ms: int, why: str = "") -> RegistryChange:
    """Everybody gets the default again. What was shipped is taken back; what has not started is forgotten."""
    before = _in_state(registry, name, "stop", "declared", "running", "shipped")
    if before.state == "declared":
        rest = {other: each for other, each in registry.experiments.items() if other != name}
        left = msgspec.structs.replace(registry, experiments=rest)
        return RegistryChange(left, "withdraw", name, {"why": why})
    after = msgspec.structs.replace(before, state="stopped", changed_ms=now_ms, slices=())
    return _change(registry, "stop", name, after, {"why": why, "was": before.state})


def shipped(registry: Registry, name: str, arm: str, now_ms: int, why: str = "") -> RegistryChange:
    """The arm's overrides become what everybody gets, until the settings have them and it is stopped."""
    before = _in_state(registry, name, "ship", "running", "stopped")
    _check_arm(before, name, arm)
    if arm in before.stopped_arms:
        raise ExperimentError("stopped", f"arm {arm!r} of {name!r} was stopped; ship another one")
    after = msgspec.structs.replace(before, state="shipped", changed_ms=now_ms, slices=(), winner=arm)
    overrides = msgspec.to_builtins(before.declared.arms[arm])
    return _change(registry, "ship", name, after, {"arm": arm, "overrides": overrides, "why": why})


def removed(registry: Registry, name: str, why: str = "") -> RegistryChange:
    """It is known by its name alone from now on; the log keeps all of it."""
    before = _in_state(registry, name, "remove", "stopped")
    rest = {other: each for other, each in registry.experiments.items() if other != name}
    begun = {key_of(name, number): begins_ms for number, begins_ms in before.begun}
    gone = {**registry.removed, name: RemovedExperiment(begun)}
    left = msgspec.structs.replace(registry, experiments=rest, removed=gone)
    return RegistryChange(left, "remove", name, {"why": why, "experiment": msgspec.to_builtins(before)})


def _change(
    registry: Registry, action: str, name: str, after: Experiment, said: dict[str, Any]
) -> RegistryChange:
    experiments = {**registry.experiments, name: after}
    said = msgspec.to_builtins({key: value for key, value in said.items() if value not in ("", None)})
    return RegistryChange(msgspec.structs.replace(registry, experiments=experiments), action, name, said)


def _in_state(registry: Registry, name: str, to: str, *states: str) -> Experiment:
    found = find(registry, name)
    if found.state not in states:
        raise ExperimentError(
            f"not_{states[0]}",
            f"experiment {name!r} is {found.state}; to {to} it, it must be {' or '.join(states)}: see"
            " `headrace experiments list`",
        )
    return found


def _check_arm(experiment: Experiment, name: str, arm: str) -> None:
    if arm not in experiment.declared.arms:
        raise ExperimentError(
            "unknown_arm",
            f"experiment {name!r} has no arm {arm!r}; expected one of {', '.join(experiment.declared.arms)}",
        )
