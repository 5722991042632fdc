"""When users come: a time for each visit, the same in every world, with an attack or without.

Each user's share of the visits follows what they did in the data; their sessions are as long as theirs were
there, and the times between their sessions are spread as they are over all users, stretched over the run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.offline.simulation.activity import Activity
from streams.offline.simulation.draws import F64
from streams.offline.simulation.population import Population
from streams.offline.simulation.scenario import Scenario


class Visit(NamedTuple):
    """The visit `turn` of a user, from 0. `number`: how many visits of honest users came before."""

    number: int
    ts_ms: int
    user: int
    turn: int
    hostile: bool


def schedule(
    people: Population, activity: Activity, scenario: Scenario, begin_ms: int, end_ms: int, seed: int
) -> list[Visit]:
    """All visits in their order. Honest ones do not depend on hostile ones."""
    honest = np.arange(people.honest)
    rng = np.random.default_rng((seed, 3))
    entry = np.where(people.known[honest], 0.0, scenario.entry * rng.random(len(honest)))
    weights = (1.0 - entry) * activity.events[people.alike[honest]]
    counts = rng.multinomial(scenario.visits, _shares(weights))
    begins = begin_ms + entry * (end_ms - begin_ms)
    ts, user, turn = _visits(people, activity, honest, counts, begins, end_ms, rng)
    hostile = np.flatnonzero(people.hostile)
    if scenario.attack is not None and len(hostile):
        rng = np.random.default_rng((seed, 4))
        left = scenario.visits - scenario.attack.begins
        mean = scenario.attack.often * left / max(people.honest, 1)
        counts = rng.poisson(mean, len(hostile))
        since = np.full(len(hostile), float(ts[scenario.attack.begins]))
        more = _visits(people, activity, hostile, counts, since, end_ms, rng)
        ts, user, turn = (np.concatenate(both) for both in zip((ts, user, turn), more, strict=True))
    order = np.lexsort((turn, user, ts))
    attacks = people.hostile[user[order]]
    numbers: NDArray[np.int64] = np.cumsum(~attacks) - ~attacks
    columns = (numbers, ts[order], user[order], turn[order], attacks)
    return [Visit(*each) for each in zip(*(column.tolist() for column in columns), strict=True)]


def _shares(weights: F64) -> F64:
    whole = weights.sum()
    return weights / whole if whole > 0 else np.full(len(weights), 1.0 / len(weights))


def _visits(
    people: Population,
    activity: Activity,
    users: NDArray[np.intp],
    counts: NDArray[np.int64],
    begins: F64,
    end_ms: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Times, users and turns, in the order of the times."""
    columns = [
        (
            _times(activity, activity.sessions[people.alike[user]], count, begin, end_ms, rng),
            np.full(count, user, np.int64),
            np.arange(count, dtype=np.int64),
        )
        for user, count, begin in zip(users.tolist(), counts.tolist(), begins.tolist(), strict=True)
    ]
    ts, user, turn = (np.concatenate(each) for each in zip(*columns, strict=True))
    order = np.lexsort((turn, user, ts))
    return ts[order], user[order], turn[order]


def _times(
    activity: Activity,
    own: NDArray[np.int64],
    count: int,
    begin: float,
    end_ms: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """The times of a user's visits, each after the one before."""
    if not count:
        return np.empty(0, np.int64)
    lengths: list[int] = []
    while sum(lengths) < count:
        lengths.append(int(rng.choice(own)) if len(own) else 1)
    gaps = rng.choice(activity.between_s, len(lengths) + 1) * rng.random(len(lengths) + 1)
    starts = begin + (end_ms - begin) * np.cumsum(gaps)[:-1] / max(float(gaps.sum()), 1e-9)
    within_ms = 1_000.0 * rng.choice(activity.within_s, (len(lengths), max(lengths)))
    within_ms[:, 0] = 0.0
    times = starts[:, None] + np.cumsum(within_ms, axis=1)
    inside = np.arange(max(lengths)) < np.array(lengths)[:, None]
    found = np.sort(times[inside])[:count].astype(np.int64)
    return np.asarray(np.maximum.accumulate(found - np.arange(count)) + np.arange(count))
