"""The console's memory: every second the workers' reports are read, and what they come to is kept for some
minutes. All pages, and all their live streams, show what is here; no page asks the store for it. Once nobody
has looked for as long as the memory reaches back, nothing is read until somebody does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress

from prometheus_client import Counter

from model.errors import NewerVersionError, StoreError
from streams.cancelling import cancelled
from streams.clock import Clock
from streams.gateway.console.alarms import SILENT_AFTER_S, RecentFigures, SeenWorker, alarms
from streams.gateway.console.exposed import Exposed
from streams.gateway.console.looking import Looking
from streams.gateway.console.moments import Figures, Point, Services, Worker, shown_worker
from streams.gateway.console.recent_letters import RecentLetters
from streams.gateway.console.services import ASKED_AT_MOST_S, ask_services
from streams.gateway.metrics import GatewayMetrics
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store, StoredReport
from streams.worker_reports.rates import Happened, between, quantile_ms, together
from streams.worker_reports.report import STAGES, decode

log = logging.getLogger(__name__)

EVERY_S = 1.0
POINTS = 600
"""Ten minutes of seconds."""
WINDOW = 10
"""Freshness and rungs are told of so many seconds: one second may have a single slate."""
SERVICES_EVERY = 5
FORGET_S = 600.0
AWAITED_S = 0.5
"""A page waits no longer for figures after a rest: it is shown without them, and its stream brings them."""


class Watch:
    """`turn` brings it up to date; `figures` is None before the first one, and after a rest. `changed` waits
    for the next. `look` says that somebody looks, and so does `looking`.
    """

    def __init__(
        self, settings: Settings, store: Store, sink: EventSink, clock: Clock, metrics: GatewayMetrics
    ) -> None:
        self._settings, self._store, self._sink, self._clock = settings, store, sink, clock
        self._metrics = metrics
        self.points: deque[Point] = deque(maxlen=POINTS)
        self.figures: Figures | None = None
        self.services = Services()
        self._workers: dict[str, SeenWorker] = {}
        self._rates: dict[str, tuple[Happened, float]] = {}
        self._damaged: set[str] = set()
        self._late: deque[Happened] = deque(maxlen=WINDOW)
        self._letters = RecentLetters()
        self._exposed = Exposed()
        self._counted: tuple[float, float, float] | None = None
        self._turns = 0
        self.looking = Looking()
        self._said_s = -FORGET_S
        self._next = asyncio.Event()
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    @property
    def objective_ms(self) -> tuple[float, float]:
        """What the p50 and the p99 of freshness should be at most."""
        gateway = self._settings.gateway
        return gateway.freshness_p50_ms, gateway.freshness_p99_ms

    def start(self) -> None:
        # An app may be started again; whoever starts it looks soon.
        self._stopped, self._next, self.looking = False, asyncio.Event(), Looking()
        self._task = asyncio.create_task(self._run(), name="the console's watch")

    def end(self) -> None:
        """Let all live streams end: nothing more will come."""
        self._stopped = True
        self._next.set()

    async def stop(self) -> None:
        self.end()
        if self._task is not None:
            await cancelled(self._task)

    async def changed(self) -> bool:
        """Returns with the next turn; False where none will come."""
        if not self._stopped:
            await self._next.wait()
        return not self._stopped

    async def look(self) -> None:
        """Somebody looks: after a rest, returns with the first figures, or soon without."""
        self.looking.note()
        if self.figures is None and self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(AWAITED_S):
                    await self.changed()

    async def _run(self) -> None:
        while not self._stopped:
            if self.looking.rests:
                self.figures = None
                await self.looking.wanted()
                self._begin_again()
            begun_s = time.monotonic()
            try:
                await self.turn()
            except Exception:
                # What is only looked at must not end what serves; and it is said once in a while.
                if begun_s - self._said_s > FORGET_S:
                    log.exception("the console's figures could not be brought up to date")
                    self._said_s = begun_s
            await asyncio.sleep(max(0.1, EVERY_S - (time.monotonic() - begun_s)))

    def _begin_again(self) -> None:
        """Forget what is true of an unbroken time alone. Whether a worker that has gone meanwhile ended in
        order is not known, so nothing is said of it.
        """
        self._workers.clear()
        self._rates.clear()
        self._late.clear()
        self._counted = None
        self._exposed.pause()

    async def turn(self) -> None:
        """Read the reports, and keep what they come to."""
        if self._turns % SERVICES_EVERY == 0:
            self.services = await ask_services(self._store, self._sink, self._clock, self.services)
        self._turns += 1
        reports, store_ms = await self._reports()
        happened, workers, unreadable = self._take(reports)
        # What is told of the window, and no more: items and sources are hundreds of names a second.
        self._late.append(Happened(rungs=happened.rungs, stages=happened.stages))
        catalogue = max((each.report.shown.catalogue for each in self._alive()), default=0)
        self._exposed.take(happened, catalogue, self._clock.now_ms())
        window = together(self._late)
        point = self._point(workers, happened, window, store_ms)
        self.points.append(point)
        made = sum(window.rungs.values())
        measured = RecentFigures(
            point.p50.get("whole"),
            point.p99.get("whole"),
            sum(window.stages.get("whole", ())),
            self._letters.count,
            self._letters.minutes,
            1 - window.rungs["full"] / made if made else 0.0,
        )
        services = self.services
        told = alarms(
            self._workers,
            measured,
            self.objective_ms,
            *(services.store, services.concerns, services.broker, services.active, unreadable),
        )
        self.figures = Figures(point, workers, told, services, self._exposed.told(), self._totals())
        passed, self._next = self._next, asyncio.Event()
        passed.set()

    async def _reports(self) -> tuple[list[StoredReport] | None, float | None]:
        """None where the store does not answer."""
        begun_s = time.perf_counter()
        try:
            async with asyncio.timeout(ASKED_AT_MOST_S):
                reports = await self._store.reports()
        except (StoreError, TimeoutError) as error:
            self.services.store = str(error) or f"no answer within {ASKED_AT_MOST_S:g} s"
            return None, None
        self.services.store = ""
        return reports, round((time.perf_counter() - begun_s) * 1_000, 2)

    def _take(self, reports: list[StoredReport] | None) -> tuple[Happened, list[Worker], list[str]]:
        parts: list[Happened] = []
        unreadable: list[str] = []
        found: set[str] = set()
        for stored in reports or ():
            try:
                report = decode(stored.report)
            except NewerVersionError:
                unreadable.append(stored.worker)
                continue
            except StoreError as error:
                if stored.worker not in self._damaged:
                    log.warning("the report of %r is left out: %s", stored.worker[:100], error)
                self._damaged.add(stored.worker)
                continue
            found.add(stored.worker)
            before = self._workers.get(stored.worker)
            happened, seconds = between(before.report if before else None, report)
            parts.append(happened)
            # Seen twice, before the next one came: its rates still hold.
            if before is None or report.at_ms != before.report.at_ms:
                self._rates[stored.worker] = happened, seconds
            self._workers[stored.worker] = SeenWorker(report, stored.age_ms / 1_000)
        for name, seen in list(self._workers.items()):
            if name not in found:
                # One that took its report away has ended in order; of one that was silent it is not known.
                ended = reports is not None and seen.age_s <= SILENT_AFTER_S
                seen.age_s += EVERY_S
                if ended or seen.age_s > FORGET_S:
                    del self._workers[name]
                    self._rates.pop(name, None)
        if reports is not None:
            self._letters.take(
                (seen.report for name, seen in self._workers.items() if name in found), time.monotonic()
            )
        workers = [
            shown_worker(name, seen, *self._rates.get(name, (Happened(), 0.0)))
            for name, seen in sorted(self._workers.items())
        ]
        return together(parts), workers, unreadable

    def _alive(self) -> list[SeenWorker]:
        return [seen for seen in self._workers.values() if seen.age_s <= SILENT_AFTER_S]

    def _point(
        self, workers: list[Worker], happened: Happened, window: Happened, store_ms: float | None
    ) -> Point:
        made = sum(window.rungs.values())
        alive = self._alive()
        accepted, served = self._rates_of_gateway()
        return Point(
            at=self._clock.now_ms(),
            applied=sum(each.applied for each in workers),
            skipped=happened.skipped / EVERY_S,
            letters=happened.letters / EVERY_S,
            slates=sum(each.slates for each in workers),
            p50={name: quantile_ms(window.stages.get(name, ()), 0.5) for name in STAGES},
            p99={name: quantile_ms(window.stages.get(name, ()), 0.99) for name in STAGES},
            rungs={name: round(count / made, 4) for name, count in sorted(window.rungs.items())},
            lag=sum(sum(each.report.lag.values()) for each in alive),
            queued=sum(each.report.queued for each in alive),
            workers=len(alive),
            accepted=accepted,
            served=served,
            busy=round(sum(each.busy for each in workers), 3),
            store_ms=store_ms,
        )

    def _rates_of_gateway(self) -> tuple[float, float]:
        now_s = time.monotonic()
        now = _total(self._metrics.events, result="accepted"), _total(self._metrics.feeds), now_s
        before, self._counted = self._counted, now
        if before is None:
            return 0.0, 0.0
        seconds = max(now_s - before[2], EVERY_S)
        return round((now[0] - before[0]) / seconds, 2), round((now[1] - before[1]) / seconds, 2)

    def _totals(self) -> dict[str, int]:
        """Since the workers began: what is rare is told whole."""
        alive = [seen.report for seen in self._workers.values()]
        found = {
            "dead_letters": sum(sum(each.dead_letters.values()) for each in alive),
            "events": sum(sum(counts[0] for counts in each.events.values()) for each in alive),
        }
        for each in alive:
            for kind, count in each.failures.items():
                found[kind] = found.get(kind, 0) + count
        return found


def _total(counter: Counter, **labels: str) -> float:
    wanted: Mapping[str, str] = labels
    return sum(
        sample.value
        for family in counter.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and wanted.items() <= sample.labels.items()
    )
