"""What an experiment has come to: its plan, and its sums over time, out of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from model.errors import ExperimentError
from streams.experiments.assignment.arm_text import declared_arm
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.interleaving.votes import Votes, VotesReading, promised, read_votes, votes_of
from streams.experiments.metric import Metric
from streams.experiments.metrics import CROSSED, plain_sums
from streams.experiments.readings.plan import Plan
from streams.experiments.readings.reading import Reading, reading
from streams.experiments.readings.tracks import Sums
from streams.experiments.registry.planned import plan_of
from streams.experiments.registry.state import Experiment
from streams.stores.base import Store


class Course(NamedTuple):
    """`points`: the sums at times (ms), the oldest first, the last one now. `crossed`: users of each arm who
    also saw another one.
    """

    plan: Plan
    points: list[tuple[int, Sums]]
    crossed: dict[str, int]

    def read(self) -> Reading:
        """The reading now."""
        sums = [each for _, each in self.points]
        return reading(self.plan, sums[-1], sums[:-1])


class VotesCourse(NamedTuple):
    """The same of an interleaved experiment: `points` are its votes."""

    declared: ExperimentSettings
    points: list[tuple[int, Votes]]

    def read(self) -> VotesReading:
        """The reading now."""
        declared, votes = self.declared, [each for _, each in self.points]
        return read_votes(declared.other, declared.control, votes, declared.alpha)

    @property
    def promise(self) -> str:
        """What the reading promises."""
        return promised(self.declared.alpha, self.declared.window_days)


async def course(
    store: Store, name: str, experiment: Experiment, known: Mapping[str, Metric], now_ms: int
) -> Course | VotesCourse:
    """The course of an experiment in its phase that is in force. known: metrics by name.

    Where only control is left, it is the course up to the moment when the last other arm was stopped.

    Raises `ExperimentError` where it was never started, `StoreUnavailableError`.
    """
    if not experiment.phases:
        raise ExperimentError(
            "not_started", f"experiment {name!r} has not started, so nobody was shown anything: start it"
        )
    key, plan = experiment.key(name), plan_of(experiment)
    metrics = [known[metric] for metric in experiment.declared.metrics if metric in known]
    noted = await store.read_sums_history(key)
    totals = await store.read_arm_sums(key)
    if plan is not None and experiment.arm_stopped_ms and {*plan.shares} & {*experiment.stopped_arms}:
        noted = [(ts, each) for ts, each in noted if ts <= experiment.arm_stopped_ms] or [(now_ms, totals)]
    else:
        noted = [*noted, (now_ms, totals)]
    points = [(ts, plain_sums(each, metrics)) for ts, each in noted]
    if plan is None:
        (drawn,) = experiment.weights
        return VotesCourse(experiment.declared, [(ts, votes_of(each, drawn)) for ts, each in points])
    crossed = Counter[str]()
    for (arm, metric), each in points[-1][1].items():
        if metric == CROSSED:
            crossed[declared_arm(arm)] += each.users
    return Course(plan, [(ts, _read(each)) for ts, each in points], dict(crossed))


def _read(sums: Sums) -> Sums:
    return {key: each for key, each in sums.items() if key[1] != CROSSED}
