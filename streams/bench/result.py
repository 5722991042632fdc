"""The numbers of a step."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.bench.load import Sent
from streams.bench.observe import SeenFeed
from streams.ranking.degradation import RUNGS

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
WAY = ("accepted", "fetched", "handed", "begun", "applied", "made", "pushed", "seen")
"""What an event passes until its feed is seen, in this order; docs/api.md says what each is."""
STAGES = ("due_to_sent", "due_to_accepted", "accepted_to_applied", "applied_to_pushed", "pushed_to_seen")
FRESHNESS = "accepted_to_seen"
END_TO_END = "due_to_seen"
SATURATED_AFTER_S = 1.0


class StepResult(msgspec.Struct, kw_only=True):
    """One rate. Times in ms; `cpu_ms_per_event` and `cores` by process.

    `stages`: of the seen feeds, each by the event that caused it; `due_to_seen` is of every event: a feed
    shows all of its user's events up to its cause. `refused`: not accepted, or not within the generator's
    deadline; workers still apply some of the latter. `lost`: accepted, and not applied. `unseen`: accepted,
    and in no feed. `drained_s`: from the last event's due time until the observer saw the last feed.
    """

    rate: float
    seconds: float
    offered: int
    accepted: int
    refused: int
    applied: int
    lost: int
    unseen: int
    drained_s: float
    stages: dict[str, dict[str, float]]
    rungs: dict[str, float]
    cpu_ms_per_event: dict[str, float]
    cores: dict[str, float]

    @property
    def saturated(self) -> bool:
        """Whether events still waited when the load ended."""
        return self.drained_s > SATURATED_AFTER_S


def summarise(values: NDArray[np.float64]) -> dict[str, float]:
    """Quantiles, rounded to a hundredth; NaN where there are no values.

    >>> summarise(np.array([1.0, 2.0, 3.0]))["p50"]
    2.0
    """
    if not len(values):
        return dict.fromkeys(QUANTILES, math.nan)
    return {
        name: round(float(value), 2)
        for name, value in zip(QUANTILES, np.quantile(values, list(QUANTILES.values())), strict=True)
    }


def step_result(
    name: str,
    rate: float,
    seconds: float,
    sent: Sent,
    seen: Sequence[SeenFeed],
    applied: int,
    cpu_s: Mapping[str, float],
    wall_s: float,
) -> StepResult:
    """Combine what the generator wrote, what the observer saw and what the workers counted."""
    due = np.array(sent.due_ms)
    began, answered = np.array(sent.sent_ms, np.float64), np.array(sent.answered_ms, np.float64)
    accepted = ~np.isnan(answered)
    seen_ms = seen_times(name, sent.user, seen)
    count = int(accepted.sum())
    both = accepted & ~np.isnan(seen_ms)
    rungs = Counter(feed.rung for feed in seen)
    last = float(np.nanmax(seen_ms)) if both.any() else math.nan
    return StepResult(
        rate=rate,
        seconds=seconds,
        offered=len(due),
        accepted=count,
        refused=len(due) - count,
        applied=applied,
        lost=max(0, count - applied),
        unseen=int((accepted & np.isnan(seen_ms)).sum()),
        drained_s=round(max(0.0, (last - float(due[-1])) / 1_000), 3) if len(due) else 0.0,
        stages={
            "due_to_sent": summarise((began - due)[~np.isnan(began)]),
            "due_to_answered": summarise((answered - due)[accepted]),
            **_stages(name, due, seen),
            **_way(name, seen),
            END_TO_END: summarise((seen_ms - due)[both]),
        },
        rungs={rung: round(rungs[rung] / max(1, len(seen)), 4) for rung in RUNGS},
        cpu_ms_per_event={
            process: round(1_000 * spent / max(1, count), 3) for process, spent in cpu_s.items()
        },
        cores={process: round(spent / wall_s, 3) for process, spent in cpu_s.items()},
    )


def seen_times(name: str, users: Sequence[int], seen: Sequence[SeenFeed]) -> NDArray[np.float64]:
    """When the observer first read a feed that includes each event; NaN for never.

    A feed includes its user's events up to its cause, in the order in which the generator sent them.
    """
    times = np.full(len(users), np.nan)
    of_user: dict[int, list[int]] = defaultdict(list)
    for number, user in enumerate(users):
        of_user[user].append(number)
    reached: dict[int, int] = defaultdict(int)
    for feed in seen:
        cause = number_of(name, feed.cause)
        if cause is None:
            continue
        events = of_user[users[cause]]
        at = reached[users[cause]]
        while at < len(events) and events[at] <= cause:
            times[events[at]] = feed.seen_ms
            at += 1
        reached[users[cause]] = at
    return times


def number_of(name: str, event_id: str) -> int | None:
    """The place of a step's event in it; None for an event of another step.

    >>> number_of("r300", "r300-17"), number_of("r300", "r30-17")
    (17, None)
    """
    step, _, number = event_id.rpartition("-")
    return int(number) if step == name else None


def _way(name: str, seen: Sequence[SeenFeed]) -> dict[str, dict[str, float]]:
    """Each part of `WAY`, over the feeds that an event of this step caused; a place that not all of them name
    is left out.
    """
    passed = [
        {**feed.times, "seen": feed.seen_ms} for feed in seen if number_of(name, feed.cause) is not None
    ]
    places = [place for place in WAY if passed and all(place in times for times in passed)]
    columns = np.array([[times[place] for place in places] for times in passed], np.float64).T
    return {
        f"{here}_to_{there}": summarise(columns[at + 1] - columns[at])
        for at, (here, there) in enumerate(pairwise(places))
    }


def way_of(result: StepResult) -> list[tuple[str, float]]:
    """The p50 of each part of `WAY` that was measured, named by where it ends."""
    parts, here = [], WAY[0]
    for there in WAY[1:]:
        stage = result.stages.get(f"{here}_to_{there}")
        if stage is not None:
            parts.append((there, stage["p50"]))
            here = there
    return parts


def _stages(name: str, due: NDArray[np.float64], seen: Sequence[SeenFeed]) -> dict[str, dict[str, float]]:
    """Each stage over the feeds that an event of this step caused."""
    rows = [
        (
            due[number],
            feed.times["accepted"],
            feed.times["applied"],
            feed.times["pushed"],
            feed.seen_ms,
        )
        for feed in seen
        if (number := number_of(name, feed.cause)) is not None
    ]
    columns = np.array(rows, np.float64).reshape(len(rows), 5).T
    planned, accepted, applied, pushed, at = columns
    return {
        "due_to_accepted": summarise(accepted - planned),
        "accepted_to_applied": summarise(applied - accepted),
        "applied_to_pushed": summarise(pushed - applied),
        "pushed_to_seen": summarise(at - pushed),
        FRESHNESS: summarise(at - accepted),
    }
