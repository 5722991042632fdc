"""The figures of a simulation as one tree of plain values, for `--json`, the terminal and the report."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import msgspec

from model.evaluate import Estimate
from streams.offline.simulation.measures import (
    Columns,
    Recovery,
    columns_of,
    figures,
    gained,
    lifted,
    recovery,
    windows,
)
from streams.offline.simulation.play import PlayedWorld, Simulated

WINDOWS = 40
RECOVERY_VISITS, RECOVERY_SHARE = 500, 0.05
"""The quality after a drift is that of so many visits, or of this share of the run where that is shorter."""


def summarise(result: Simulated, window: int | None = None) -> dict[str, Any]:
    """All figures, JSON-ready; an estimate is {"value", "error"}, the error being one standard error."""
    size = window or max(1, result.scenario.visits // WINDOWS)
    columns = [columns_of(world.seen) for world in result.worlds]
    return {
        "scenario": msgspec.to_builtins(result.scenario),
        "seed": result.seed,
        "visits": result.visits,
        "interrupted": not result.whole,
        "window": size,
        "users": {
            "honest": result.people.honest,
            "known": int(result.people.known.sum()),
            "hostile": len(result.people) - result.people.honest,
        },
        "items": len(result.model.items),
        "fit": {name: _plain(value) for name, value in result.model.fit._asdict().items()},
        "stars": None if result.model.stars is None else {"noise": _plain(result.model.stars.noise)},
        "outside_level": result.level,
        "worlds": [
            _world(world, each, result, size) for world, each in zip(result.worlds, columns, strict=True)
        ],
        "differences": _differences(result, columns),
        "attack": _attack(result, columns),
        "notes": list(result.notes),
    }


def _world(world: PlayedWorld, columns: Columns, result: Simulated, size: int) -> dict[str, Any]:
    drift = result.scenario.drift
    split = result.scenario.visits if drift is None else drift.at
    steady = max(1, min(RECOVERY_VISITS, int(RECOVERY_SHARE * result.scenario.visits)))
    arms = sorted({*columns.arm.tolist()})
    return {
        "name": world.name,
        "ranker": world.ranker,
        "attacked": world.attacked,
        "figures": _figures(columns),
        "strangers": _figures(columns.at(columns.stranger)),
        "before_drift": None if drift is None else _figures(columns.at(columns.number < split)),
        "after_drift": None if drift is None else _figures(columns.at(columns.number >= split)),
        "recovery": None if drift is None else _recovery(recovery(columns, split, steady)),
        "arms": {arm: _figures(columns.at(columns.arm == arm)) for arm in arms},
        "lifts": [
            {"arm": other, "over": arm, "value": _estimate(_lift(columns, other, arm))}
            for arm, other in combinations(arms, 2)
        ],
        "windows": [
            {name: _plain(value) for name, value in each._asdict().items()} for each in windows(columns, size)
        ],
        "events": world.events,
        "learned": world.learned,
        "lessons": world.lessons,
        "learner": [each._asdict() for each in world.looks],
        "seconds": world.seconds,
        "events_per_s": sum(world.events.values()) / world.seconds if world.seconds > 0 else None,
    }


def _lift(columns: Columns, arm: str, over: str) -> Estimate:
    return lifted(columns.at(columns.arm == arm), columns.at(columns.arm == over))


def _figures(columns: Columns) -> dict[str, Any]:
    found = figures(columns)._asdict()
    visits = found.pop("visits")
    return {"visits": visits, **{name: _estimate(each) for name, each in found.items()}}


def _recovery(found: Recovery | None) -> dict[str, Any] | None:
    return None if found is None else {name: _plain(value) for name, value in found._asdict().items()}


def _differences(result: Simulated, columns: list[Columns]) -> list[dict[str, Any]]:
    """Of each world to the first one, over the same visits, all of them and those after the drift. Where
    there is an attack, of those that are under it.
    """
    drift, found = result.scenario.drift, []
    for world, each in list(zip(result.worlds, columns, strict=True))[1:]:
        if world.attacked != result.worlds[0].attacked:
            continue
        split = 0 if drift is None else drift.at
        late = each.number >= split
        found.append(
            {
                "world": world.name,
                "over": result.worlds[0].name,
                "value": _estimate(gained(each, columns[0])),
                "after_drift": None
                if drift is None
                else _estimate(gained(each.at(late), columns[0].at(late))),
            }
        )
    return found


def _attack(result: Simulated, columns: list[Columns]) -> list[dict[str, Any]]:
    """What honest users lose by the attack, from its begin on: to the same world without it."""
    attack = result.scenario.attack
    if attack is None:
        return []
    found = []
    for number, world in enumerate(result.worlds):
        if world.attacked:
            hit, clean = columns[number], columns[number + 1]
            late = hit.number >= attack.begins
            lost = gained(hit.at(late), clean.at(late))
            found.append({"world": world.name, "gained": _estimate(lost)})
    return found


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {"value": _plain(estimate.value), "error": _plain(estimate.error)}


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
