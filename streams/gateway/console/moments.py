"""What the console's pages show: a second of it, the workers, store and broker."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.gateway.console.alarms import SILENT_AFTER_S, Alarm, SeenWorker
from streams.stores.condition import Concern, ServerLoad
from streams.worker_reports.rates import Happened


class Point(msgspec.Struct):
    """One second. Rates are a second's. `p50`, `p99`: ms, by stage; None where no slate was made of late.

    `accepted`, `served`: events and feeds of this gateway. `store_ms`: how long the store took to answer.
    """

    at: int
    applied: float
    skipped: float
    letters: float
    slates: float
    p50: dict[str, float | None]
    p99: dict[str, float | None]
    rungs: dict[str, float]
    lag: int
    queued: int
    workers: int
    accepted: float
    served: float
    busy: float
    store_ms: float | None


class Worker(msgspec.Struct):
    """A worker, as pages show it. `state`: ready, unready, silent."""

    name: str
    state: str
    age_s: float
    trouble: str
    up_s: float
    applied: float
    slates: float
    busy: float
    memory_bytes: int
    lag: int
    queued: int
    leads: bool
    models: list[str]
    ledger: str
    partitions: dict[str, tuple[int, int]]


class Services(msgspec.Struct):
    """Store and broker. `store`, `broker`: why it does not answer; "" where it does."""

    store: str = ""
    broker: str = ""
    load: ServerLoad = ServerLoad()
    concerns: list[Concern] = []
    active: str | None = None
    asked_ms: int = 0


class Figures(msgspec.Struct):
    """All that pages show, as of one moment."""

    point: Point
    workers: list[Worker]
    alarms: list[Alarm]
    services: Services
    exposed: dict[str, Any]
    totals: dict[str, int]


def shown_worker(name: str, seen: SeenWorker, happened: Happened, seconds: float) -> Worker:
    report = seen.report
    silent = seen.age_s > SILENT_AFTER_S
    if silent:
        happened, seconds = Happened(), 0.0
    return Worker(
        name=name,
        state="silent" if silent else "ready" if report.ready else "unready",
        age_s=round(seen.age_s, 1),
        trouble=report.trouble,
        up_s=(report.at_ms - report.began_ms) / 1_000,
        applied=_rate(happened.applied, seconds),
        slates=_rate(happened.slates, seconds),
        busy=round(happened.busy_s / seconds, 3) if seconds else 0.0,
        memory_bytes=report.memory_bytes,
        lag=sum(report.lag.values()),
        queued=report.queued,
        leads=report.leads,
        models=[f"{model} ({provider})" for model, provider in report.models.items()],
        ledger=report.ledger,
        partitions=report.partitions,
    )


def _rate(count: float, seconds: float) -> float:
    return round(count / seconds, 2) if seconds else 0.0
