"""What happened between two reports of a worker, and what that comes to over all workers and some seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from streams.worker_reports.report import BOUNDS_MS, STAGES, Report

GAP_MS = 10_000
"""Two reports that lie further apart say nothing of the seconds between."""


@dataclass
class Happened:
    """Counts of a time; they add up. `stages`: by name, slates in each bucket of `BOUNDS_MS`."""

    applied: int = 0
    skipped: int = 0
    letters: int = 0
    slates: int = 0
    batches: int = 0
    batch_events: int = 0
    busy_s: float = 0.0
    rungs: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    item_places: int = 0
    entropy_lists: int = 0
    entropy_sum: float = 0.0
    distance_lists: int = 0
    distance_sum: float = 0.0
    stages: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: Happened) -> None:
        """Count the other in."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if isinstance(mine, Counter):
                mine.update(value)
            elif isinstance(mine, dict):
                for stage, counts in value.items():
                    mine[stage] = _added(mine.get(stage), counts)
            else:
                setattr(self, name, mine + value)


def between(before: Report | None, after: Report) -> tuple[Happened, float]:
    """What happened, and in how many seconds; 0 where the two can't be compared: the worker is new here, or
    it has begun again, or too much time lies between them.
    """
    if before is None or before.began_ms != after.began_ms:
        return Happened(), 0.0
    ms = after.at_ms - before.at_ms
    if not 0 < ms <= GAP_MS:
        return Happened(), 0.0
    old, new = before.shown, after.shown
    events = [_less(after.events.get(topic), before.events.get(topic)) for topic in after.events]
    return Happened(
        applied=sum(each[0] for each in events),
        skipped=sum(each[1] for each in events),
        letters=sum(each[2] for each in events),
        slates=new.slates - old.slates,
        batches=after.batch_events[0] - before.batch_events[0],
        batch_events=after.batch_events[1] - before.batch_events[1],
        busy_s=after.busy_s - before.busy_s,
        rungs=_grown(before.rungs, after.rungs),
        failures=_grown(before.failures, after.failures),
        sources=_grown(old.sources, new.sources),
        items=Counter(new.items),
        item_places=new.item_places,
        entropy_lists=new.entropy_lists - old.entropy_lists,
        entropy_sum=new.entropy_sum - old.entropy_sum,
        distance_lists=new.distance_lists - old.distance_lists,
        distance_sum=new.distance_sum - old.distance_sum,
        stages={
            name: [
                a - b
                for a, b in zip(
                    after.stages[name], before.stages.get(name, [0] * len(after.stages[name])), strict=False
                )
            ]
            for name in STAGES
            if name in after.stages
        },
    ), ms / 1_000


def together(parts: Iterable[Happened]) -> Happened:
    """All of it."""
    whole = Happened()
    for part in parts:
        whole.add(part)
    return whole


def quantile_ms(counts: Sequence[int], share: float) -> float | None:
    """The time within which the `share` of what is in the buckets lies; None where nothing is.

    Within a bucket values are taken to lie evenly; above the last bound nothing is known, so it is told.

    >>> quantile_ms([0, 10] + [0] * 18, 0.5), quantile_ms([0] * 20, 0.5)
    (1.5, None)
    >>> quantile_ms([0] * 19 + [3], 0.99)
    60000.0
    """
    total = sum(counts)
    if not total:
        return None
    wanted, seen = share * total, 0
    for place, count in enumerate(counts):
        if count and seen + count >= wanted:
            if place >= len(BOUNDS_MS):
                break
            low = BOUNDS_MS[place - 1] if place else 0
            return round(low + (BOUNDS_MS[place] - low) * (wanted - seen) / count, 2)
        seen += count
    return float(BOUNDS_MS[-1])


def _grown(before: Mapping[str, int], after: Mapping[str, int]) -> Counter[str]:
    return Counter({name: more for name, n in after.items() if (more := n - before.get(name, 0)) > 0})


def _less(after: tuple[int, int, int] | None, before: tuple[int, int, int] | None) -> tuple[int, ...]:
    return tuple(a - b for a, b in zip(after or (0, 0, 0), before or (0, 0, 0), strict=True))


def _added(mine: list[int] | None, more: Sequence[int]) -> list[int]:
    return list(more) if mine is None else [a + b for a, b in zip(mine, more, strict=True)]
