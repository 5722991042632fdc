"""The run: all worlds side by side, visit by visit, so that they can be compared wherever it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from streams.datasets.dataset import Dataset
from streams.offline.replay.options import Progress
from streams.offline.simulation.fitting import Fitted
from streams.offline.simulation.learned import LearnerLook, look_at
from streams.offline.simulation.population import Population
from streams.offline.simulation.preparation import Entrant, Prepared, SimulationOptions, prepared
from streams.offline.simulation.scenario import Scenario
from streams.offline.simulation.visiting import VisitOutcome
from streams.recommender import Recommender

SAY_EVERY = 100
LOOKS = 40
"""So often in a run it is looked at what the learners have come to."""


@dataclass(frozen=True)
class PlayedWorld:
    """One world after the run. `events`: how many of each topic; `looks`: at what its learner had come to;
    `seconds`: of its part of the run.
    """

    name: str
    attacked: bool
    ranker: str
    seen: Sequence[VisitOutcome]
    events: dict[str, int]
    learned: int
    lessons: dict[str, int]
    looks: Sequence[LearnerLook]
    seconds: float


@dataclass(frozen=True)
class Simulated:
    """A whole run. `visits`: of honest users, which took place; `whole`: it was not interrupted."""

    scenario: Scenario
    seed: int
    model: Fitted
    people: Population
    level: float
    visits: int
    whole: bool
    worlds: list[PlayedWorld]
    notes: tuple[str, ...]


@dataclass
class _Told:
    """What is noted of a world on the way."""

    seconds: float = 0.0
    looks: list[LearnerLook] = field(default_factory=list)

    def look(self, core: Recommender, number: int) -> None:
        found = look_at(core, number)
        if found is not None:
            self.looks.append(found)


async def simulate(
    dataset: Dataset,
    entrants: Sequence[Entrant],
    scenario: Scenario,
    options: SimulationOptions,
    progress: Progress,
    stop: Callable[[], bool] = lambda: False,
) -> Simulated:
    """Play a scenario; `stop` is asked before each visit, and ends the run where it says so."""
    with ExitStack() as files:
        ready = await prepared(dataset, entrants, scenario, options, progress, files)
        told = [_Told() for _ in ready.plays]
        whole = await _played(ready, told, progress, stop)
        return _result(ready, scenario, options, told, whole)


async def _played(ready: Prepared, told: list[_Told], progress: Progress, stop: Callable[[], bool]) -> bool:
    """Whether all visits took place."""
    whole, every = True, max(1, ready.truth.scenario.visits // LOOKS)
    for at, (visit, next_ms) in enumerate(ready.with_next()):
        if stop():
            whole = False
            break
        for number, play in enumerate(ready.plays):
            if visit.hostile and not ready.attacked[number]:
                continue
            started = time.perf_counter()
            await play.visit(visit, next_ms)
            told[number].seconds += time.perf_counter() - started
            if visit.number % every == 0 and not visit.hostile:
                told[number].look(play.world.recommender, visit.number)
        if at % SAY_EVERY == 0:
            progress("simulating", at + 1, len(ready.visits))
    progress("simulating", len(ready.visits), len(ready.visits))
    for number, play in enumerate(ready.plays):
        started = time.perf_counter()
        await play.until()
        play.world.recommender.learn_closed()
        told[number].seconds += time.perf_counter() - started
        told[number].look(play.world.recommender, len(play.seen))
    return whole


def _result(
    ready: Prepared, scenario: Scenario, options: SimulationOptions, told: list[_Told], whole: bool
) -> Simulated:
    worlds = [
        PlayedWorld(
            play.world.name,
            attacked,
            ranker,
            play.seen,
            dict(play.world.events),
            play.world.learned,
            dict(play.world.recommender.learner.counts()),
            each.looks,
            each.seconds,
        )
        for play, attacked, ranker, each in zip(ready.plays, ready.attacked, ready.rankers, told, strict=True)
    ]
    return Simulated(
        scenario,
        options.seed,
        ready.model,
        ready.people,
        ready.truth.level,
        len(ready.plays[0].seen),
        whole,
        worlds,
        ready.notes,
    )
