"""What `headrace experiments` prints: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.table import Table

from streams.experiments.assignment.slots import SLOTS, size

if TYPE_CHECKING:
    from streams.experiments.registry.audit import Entry
    from streams.experiments.registry.state import Experiment, Registry
    from streams.serving.experiment_readings import Course, VotesCourse
    from streams.serving.experiment_registry import Audit


def listed(registry: Registry, now_ms: int, as_json: bool) -> None:
    """All experiments, a line each."""
    if as_json:
        _json([facts(name, each, now_ms) for name, each in sorted(registry.experiments.items())])
        return
    if not registry.experiments:
        print("no experiment is declared; docs/experiments.md says how to begin one")
        return
    table = Table("experiment", "state", "since", "layer", "share", "arms", "primary", box=None)
    for name, each in sorted(registry.experiments.items()):
        said = facts(name, each, now_ms)
        arms = ", ".join(f"{arm} {part['share']:.0%}" for arm, part in said["arms"].items())
        if each.declared.interleaved:
            arms = f"{' and '.join(said['arms'])}, interleaved"
        share = f"{said['share']:.0%}"
        table.add_row(name, said["state"], said["since"], said["layer"], share, arms, each.declared.primary)
    _console().print(table)


def shown(
    name: str, experiment: Experiment, now_ms: int, seen: Course | VotesCourse | None, as_json: bool
) -> None:
    """One experiment: what it is, and what it has come to. seen: its course, once it has started."""
    said = facts(name, experiment, now_ms)
    if as_json:
        read = None if seen is None else msgspec.to_builtins(seen.read())
        crossed = getattr(seen, "crossed", {})
        declared = msgspec.to_builtins(experiment.declared)
        _json({**said, "declared": declared, "reading": read, "crossed_over": crossed})
        return
    console, settings = _console(), experiment.declared
    console.print(f"{name}: {said['state']} since {said['since']}")
    console.print(settings.hypothesis)
    console.print(
        f"layer {said['layer']}, {said['share']:.1%} of its {settings.unit}s, phase {said['phase']}, primary"
        f" metric {settings.primary}, {settings.users} expected, effect {settings.minimum_effect:.1%}"
    )
    if settings.interleaved:
        console.print("interleaved: each slate is drafted of the orders of both arms, and clicks are votes")
    table = Table("arm", "weight", "share", "state", "model", "overrides", box=None)
    for arm, part in said["arms"].items():
        stages = json.dumps(settings.arms[arm].stages) if settings.arms[arm].stages else ""
        table.add_row(
            arm,
            f"{part['weight']:g}",
            f"{part['share']:.1%}",
            part["state"],
            settings.arms[arm].model,
            stages,
        )
    console.print(table)
    if seen is not None:
        _print_reading(seen)


def _print_reading(seen: Course | VotesCourse) -> None:
    from streams.experiments.interleaving.votes import said
    from streams.experiments.readings.show import table
    from streams.serving.experiment_readings import VotesCourse

    if isinstance(seen, VotesCourse):
        print(f"\n{said(seen.read())}\n{seen.promise}")
        return
    print(f"\n{table(seen.plan, seen.read())}")
    if crossed := sum(seen.crossed.values()):
        print(f"{crossed:,} users saw more than one arm; each counts for the first.")


def facts(name: str, experiment: Experiment, now_ms: int) -> dict[str, Any]:
    """An experiment as plain values."""
    settings = experiment.declared
    weights = dict.fromkeys(settings.arms, 1.0) if settings.interleaved else experiment.weights
    total = sum(weights.values())
    return {
        "name": name,
        "key": experiment.key(name),
        "state": experiment.standing(now_ms),
        "since": _when(experiment.changed_ms),
        "phase": experiment.phase,
        "layer": settings.layer_of(name),
        "share": size(experiment.slices) / SLOTS if experiment.state == "running" else settings.share,
        "arms": {
            arm: {
                "weight": weights.get(arm, 0.0),  # of a stopped one, an adaptive experiment has none later
                "share": weights.get(arm, 0.0) / total,
                "state": _state(experiment, arm),
            }
            for arm in settings.arms
        },
    }


def done(entry: Entry, as_json: bool) -> None:
    """A change that was made."""
    if as_json:
        _json(msgspec.to_builtins(entry))
        return
    what = {
        "declare": "declared",
        "amend": "changed",
        "start": "started",
        "stop": "stopped",
        "ship": "shipped",
        "remove": "removed",
    }
    arm = f", arm {entry.said['arm']}" if "arm" in entry.said else ""
    print(
        f"{entry.experiment}: {what.get(entry.action, entry.action)}{arm} (entry {entry.number} of the log)"
    )


def to_paste(name: str, experiment: Experiment) -> None:
    """The settings that make what was shipped the default, and what to do with them."""
    arm = experiment.declared.arms[experiment.winner]
    print("\nEverybody gets this from now on. Put it into the settings file of workers and gateways:\n")
    tree: dict[str, Any] = dict(arm.stages)
    if arm.model:
        tree["model"] = {"active": arm.model}
    for line in toml(tree):
        print(line)
    if arm.model:
        print(f"\nand make the model the active one: headrace activate {arm.model}")
    print(f"\nOnce all processes run with it: headrace experiments stop {name}")


def toml(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[str]:
    """A tree of settings as TOML.

    >>> toml({"feed": {"size": 5, "task_weights": {"buy": 1.0}}})
    ['[feed]', 'size = 5', '', '[feed.task_weights]', 'buy = 1.0']
    """
    values = {key: value for key, value in tree.items() if not isinstance(value, Mapping)}
    lines = [f"[{'.'.join(path)}]"] if path and values else []
    lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    for key, value in tree.items():
        if isinstance(value, Mapping):
            inner = toml(value, (*path, key))
            lines += ([""] if lines and inner else []) + inner
    return lines


def audited(found: Audit, as_json: bool) -> None:
    """The log and the verdict."""
    verdict = found.verdict
    if as_json:
        _json(
            {
                "entries": msgspec.to_builtins(found.entries),
                "verdict": {**verdict._asdict(), "whole": verdict.whole},
            }
        )
        return
    table = Table("entry", "when", "who", "what", "experiment", "more", "digest", box=None)
    for each in found.entries:
        said = {key: value for key, value in each.said.items() if key not in ("declared", "experiment")}
        more = json.dumps(said)[:80]
        row = (
            str(each.number),
            _when(each.ts),
            each.actor,
            each.action,
            each.experiment,
            more,
            each.digest[:12],
        )
        table.add_row(*row)
    _console().print(table)
    if verdict.whole:
        print(f"{verdict.entries} entries, each as it was written.")
        print(f"The head, to be kept elsewhere: {verdict.head or '(none)'}")
    elif verdict.broken:
        print(f"BROKEN at entry {verdict.broken}: {verdict.why}. What follows it proves nothing.")
    else:
        print(f"BROKEN: {verdict.why}.")


def _console() -> Console:
    return Console(markup=False, highlight=False)


def _json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _state(experiment: Experiment, arm: str) -> str:
    if arm in experiment.stopped_arms:
        return "stopped"
    return "control" if arm == experiment.declared.control else ""


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="seconds") if ms else "(settings file)"
