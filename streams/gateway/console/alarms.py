"""What an operator should know, each in one sentence: its kind names a text, its values fill it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from streams.stores.condition import Concern
from streams.worker_reports.report import Report

SILENT_AFTER_S = 4.0
"""A worker reports every second; one that has missed so many is told of."""
ENOUGH = 20
"""Freshness is judged by so many slates at least."""

Gravity = Literal["bad", "warn"]


class Alarm(msgspec.Struct, frozen=True):
    """`kind`: of the text `console.js.alarm.KIND`."""

    kind: str
    gravity: Gravity
    values: dict[str, str | float | int] = {}


class SeenWorker(msgspec.Struct):
    """What is known of a worker: its last report, and how long ago it came."""

    report: Report
    age_s: float


class RecentFigures(msgspec.Struct):
    """Freshness of late, in ms, and by how many slates; dead letters, and of how many minutes; the part of
    the feeds that were made on lower rungs of the ladder.
    """

    p50_ms: float | None = None
    p99_ms: float | None = None
    slates: int = 0
    letters: int = 0
    letters_minutes: int = 5
    lowered: float = 0.0


def alarms(
    workers: Mapping[str, SeenWorker],
    measured: RecentFigures,
    objective_ms: tuple[float, float],
    store: str,
    concerns: Sequence[Concern],
    broker: str,
    active: str | None,
    unreadable: Sequence[str],
) -> list[Alarm]:
    """The gravest first. store, broker: why it does not answer, "" where it does. active: the model in force.
    unreadable: workers whose reports this build can't read.
    """
    found = [
        *_of_services(store, concerns, broker),
        *_of_workers(workers, active, bool(store)),
        *([Alarm("no_worker", "bad")] if not (workers or unreadable or store) else []),
        *(Alarm("unreadable", "warn", {"worker": name}) for name in unreadable),
        *_of_measures(measured, objective_ms),
    ]
    return sorted(found, key=lambda each: each.gravity != "bad")


def _of_services(store: str, concerns: Sequence[Concern], broker: str) -> Iterator[Alarm]:
    if store:
        yield Alarm("store_away", "bad", {"why": store})
    if broker:
        yield Alarm("broker_away", "bad", {"why": broker})
    for each in concerns:
        yield Alarm(f"store_{each.kind}", "warn")


def _of_workers(workers: Mapping[str, SeenWorker], active: str | None, store_away: bool) -> Iterator[Alarm]:
    for name, each in sorted(workers.items()):
        if each.age_s > SILENT_AFTER_S:
            # A store that is away hides them all: that is one sentence, not one for each of them.
            if not store_away:
                yield Alarm("silent", "bad", {"worker": name, "seconds": round(each.age_s)})
        elif not each.report.ready:
            yield Alarm("unready", "bad", {"worker": name, "why": each.report.trouble})
        elif active and not each.report.models:
            yield Alarm("no_model", "warn", {"worker": name, "active": active})
        elif active and active not in each.report.models:
            serving = ", ".join(each.report.models)
            yield Alarm("other_model", "warn", {"worker": name, "model": serving, "active": active})


def _of_measures(measured: RecentFigures, objective_ms: tuple[float, float]) -> Iterator[Alarm]:
    if measured.slates >= ENOUGH:
        for name, value, most in (
            ("p50", measured.p50_ms, objective_ms[0]),
            ("p99", measured.p99_ms, objective_ms[1]),
        ):
            if value is not None and value > most:
                yield Alarm("late", "warn", {"which": name, "ms": round(value), "objective": round(most)})
    if measured.lowered > 0.01:
        yield Alarm("lowered", "warn", {"percent": round(100 * measured.lowered)})
    if measured.letters:
        yield Alarm("letters", "warn", {"count": measured.letters, "minutes": measured.letters_minutes})
