"""What the routes of experiments take and answer."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.interleaving.votes import VotesReading, said
from streams.experiments.readings.reading import Reading
from streams.experiments.readings.words import verdict
from streams.experiments.registry.audit import Entry
from streams.experiments.registry.state import Experiment
from streams.serving.experiment_readings import Course, VotesCourse


class ChangeReason(msgspec.Struct, forbid_unknown_fields=True):
    """Why, and who asks for it: both go into the log."""

    because: Annotated[str, Meta(max_length=1_000)] = ""
    by: Annotated[str, Meta(max_length=128)] = ""


class ShipRequest(ChangeReason, forbid_unknown_fields=True):
    """Which arm everybody is to get."""

    arm: str = ""


class ExperimentView(msgspec.Struct):
    """An experiment. `state`: declared, waiting (its time has not come), running, over (its time is over),
    stopped or shipped. `key`: what slates name it by now. `weights` are those in force.
    """

    name: str
    key: str
    state: str
    since_ms: int
    phase: int
    weights: dict[str, float]
    stopped_arms: list[str]
    winner: str
    declared: ExperimentSettings


class ExperimentList(msgspec.Struct):
    """All of them, in the order of their names."""

    experiments: list[ExperimentView]


class ChangeMade(msgspec.Struct):
    """The entry of the log for it, and the experiment after it; null where it was forgotten."""

    entry: Entry
    experiment: ExperimentView | None


class AuditView(msgspec.Struct):
    """The log. `whole`: whether each entry is as it was written. `broken`: the number of the first that is
    not, 0 for none; `why` says what is wrong. `head`: the digest of the last entry.
    """

    entries: list[Entry]
    whole: bool
    broken: int
    why: str
    head: str


class ReadingView(msgspec.Struct):
    """`verdict`: what to do, in words; `reading`: the figures; `crossed_over`: users of each arm who also saw
    another one. `votes`: the figures of an interleaved experiment, which has no `reading`.
    """

    name: str
    verdict: str
    reading: Reading | None
    crossed_over: dict[str, int]
    votes: VotesReading | None = None


def reading_view(name: str, seen: Course | VotesCourse) -> ReadingView:
    """A reading as it is answered. It takes some ms."""
    if isinstance(seen, VotesCourse):
        votes = seen.read()
        return ReadingView(name, said(votes), None, {}, votes)
    found = seen.read()
    return ReadingView(name, verdict(seen.plan, found), found, seen.crossed)


def view(name: str, experiment: Experiment, now_ms: int) -> ExperimentView:
    """An experiment as it is answered."""
    return ExperimentView(
        name=name,
        key=experiment.key(name),
        state=experiment.standing(now_ms).partition(" ")[0],
        since_ms=experiment.changed_ms,
        phase=experiment.phase,
        weights=experiment.weights,
        stopped_arms=list(experiment.stopped_arms),
        winner=experiment.winner,
        declared=experiment.declared,
    )
