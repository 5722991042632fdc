"""The cost of following, by the number of workers.

Each topic has one partition, so one worker folds all events, and each other one does nothing but follow. All
workers together spend `own + (workers - 1) * follow` on an event. The two are the intercept and the slope of
a line through the measured sums. Were the partitions shared, batches would shrink with each worker, and the
line would take that for the cost of following.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console

from streams.bench.cases import Case, Measured
from streams.bench.freshness import measure
from streams.bench.machine import this_machine
from streams.bench.report import case_of, line
from streams.bench.result import StepResult
from streams.bench.world import BenchOptions
from streams.demo.demo import with_gateway_port
from streams.demo.progress import Steps
from streams.settings.reading import override
from streams.settings.tree import Settings

TITLE = "The cost of following, by the number of workers"
US = 1e6


class Following(NamedTuple):
    """CPU microseconds an event: of the worker that folds it, and of each worker that follows it."""

    own_us: float
    follow_us: float

    @property
    def most_events(self) -> float:
        """Events a second at which a worker that only follows is busy for one core."""
        return US / self.follow_us if self.follow_us > 0 else float("inf")

    def workers_for(self, events_a_second: float, busy: float = 0.7) -> float:
        """How many workers share the load when each is busy for `busy` of a core; inf if none suffice.

        Each of `n` workers spends `events * (own / n + follow * (n - 1) / n)`.
        """
        own, follow = events_a_second * self.own_us / US, events_a_second * self.follow_us / US
        if follow >= busy:
            return float("inf")
        return max(1.0, (own - follow) / (busy - follow))


def following(workers: Sequence[int], cpu_us: Sequence[float]) -> Following:
    """The line through the CPU of an event of all workers together, by their number (least squares).

    >>> following([1, 2, 4], [1000.0, 1030.0, 1090.0])
    Following(own_us=1000.0, follow_us=30.0)
    """
    others = np.array(workers, np.float64) - 1
    if len(set(workers)) < 2:
        return Following(float(np.mean(cpu_us)), float("nan"))
    slope, at_one = np.polyfit(others, np.array(cpu_us, np.float64), 1)
    return Following(round(float(at_one), 3), round(float(slope), 3))


def workers_report(options: Sequence[BenchOptions], settings: Settings) -> Measured:
    """One system for each of the options, which differ in their workers alone."""
    console, machine = Console(), this_machine()
    cases, sums = [], []
    problems: list[str] = []
    settings = override(settings, {"kafka": {"partitions": 1}, "redis": {"shards": 1}})
    for each in options:

        def say(result: StepResult, workers: int = each.workers) -> None:
            console.print(f"{named(workers)}: {line(result)}", highlight=False, soft_wrap=True)

        with Steps(console) as steps:
            (step,) = measure(each, with_gateway_port(settings), steps, say)
        case = case_of(step)
        cases.append(
            Case(
                name=named(each.workers),
                figures={**case.figures, "cores of all workers": step.cores["worker"]},
                cpu_us=case.cpu_us,
            )
        )
        sums.append(case.cpu_us["worker"])
        if step.lost:
            problems.append(f"{named(each.workers)}: {step.lost:,} accepted events were not applied")
    return Measured(
        title=TITLE,
        unit="an event",
        machine=machine,
        cases=cases,
        options={"rate": options[0].rates[0], "seconds": options[0].seconds, "items": options[0].items},
        notes=list(_notes(following([each.workers for each in options], sums))),
        faults=problems,
    )


def named(workers: int) -> str:
    """`1 worker`, `4 workers`."""
    return f"{workers} worker" + ("s" if workers != 1 else "")


def _notes(found: Following) -> list[str]:
    if not found.follow_us > 0:
        return [f"An event costs its own worker {found.own_us:,.0f} us; one more worker made no difference."]
    own, follow, most = (f"{value:,.0f}" for value in (found.own_us, found.follow_us, found.most_events))
    return [
        f"An event costs its own worker {own} us, each other one {follow} us (by a line through the CPU).",
        f"A worker that only follows is busy at {most} events/s: no number of workers takes more.",
    ]
