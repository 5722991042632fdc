"""What the worker says of itself every second, for consoles of gateways, which see nothing of its process.

It is made of what is counted anyway. What slates show is looked at in a sample of those of the last second.
"""

from __future__ import annotations

import os
import random
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple

import numpy as np
from prometheus_client import Counter as Counted
from prometheus_client import Gauge

from streams.clock import Clock
from streams.kafka.lag import Lag
from streams.ranking.slate import Slate
from streams.state.catalog import Catalog
from streams.worker.bulk_counter import BulkCounter
from streams.worker.counting import Counting
from streams.worker.metrics import WorkerMetrics
from streams.worker_reports.diversity import category_entropy, intra_list_distance
from streams.worker_reports.report import (
    BOUNDS_MS,
    NAMES_MOST,
    PARTITIONS_MOST,
    PLACES_MOST,
    STAGE_OF,
    VERSION,
    WORDS_MOST,
    Report,
    Shown,
    bucket_of,
)

SLATES_MOST, LISTS_MOST = 128, 16
"""Of a second's slates so many are looked at, and of so many lists the diversity is measured."""
PAGE_BYTES = resource.getpagesize()


class WorkerStanding(NamedTuple):
    """What a report takes as it stands at the moment. `trouble`: why the worker is not ready."""

    trouble: str
    queued: int
    ledger: str
    followed: int
    models: Mapping[str, str]


class Reporting:
    """`report` makes the next one. It keeps what was counted of the slates that it looked at."""

    def __init__(
        self,
        metrics: WorkerMetrics,
        counting: Counting,
        lag: Lag,
        catalog: Callable[[], Catalog],
        standing: Callable[[], WorkerStanding],
        clock: Clock,
    ) -> None:
        self._metrics, self._counting, self._lag = metrics, counting, lag
        self._catalog, self._standing, self._clock = catalog, standing, clock
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._began_ms = clock.now_ms()
        self._stages = {name: [0] * (len(BOUNDS_MS) + 1) for name in STAGE_OF}
        self._shown = Shown()
        self._sources = Counter[str]()
        self._drawn = random.Random()

    def report(self) -> Report:
        """What there is to say now; the slates that were made since the last one are looked at."""
        self._counting.catch_up()
        self._look_at_slates()
        standing, metrics = self._standing(), self._metrics
        sizes, partitions = metrics.batch_events.so_far(), self._lag.places()
        return Report(
            version=VERSION,
            worker=self.name,
            began_ms=self._began_ms,
            at_ms=self._clock.now_ms(),
            ready=not standing.trouble,
            trouble=standing.trouble[:WORDS_MOST],
            events=_by_topic(metrics.events),
            batch_events=(sizes[0][-1], round(sizes[1])),
            stages=self._stages,
            rungs=_by_label(metrics.slates),
            lag={topic: self._lag.of(topic) for topic in {place.rpartition("-")[0] for place in partitions}},
            partitions=dict(islice(sorted(partitions.items()), PARTITIONS_MOST)),
            queued=standing.queued,
            dead_letters=_by_label(metrics.dead_letters),
            failures={
                "store": _value(metrics.store_errors),
                "broker": _value(metrics.broker_errors),
                "fenced": _value(metrics.fenced),
                "ranking": _value(metrics.unranked),
                "rebuilds": _value(metrics.rebuilds),
            },
            models=dict(islice(standing.models.items(), NAMES_MOST)),
            ledger=standing.ledger,
            followed=standing.followed,
            leads=bool(_value(metrics.leader)),
            memory_bytes=resident_bytes(),
            busy_s=round(time.process_time(), 3),
            shown=self._shown,
        )

    def _look_at_slates(self) -> None:
        batches, late = list(self._counting.made_of_late), self._counting.made_of_late
        for _ in batches:
            late.popleft()
        slates = [(written_ms, slate) for written_ms, made in batches for slate in made]
        # Evenly over the second, not its end alone.
        looked = slates[:: max(1, -(-len(slates) // SLATES_MOST))]
        items: list[str] = []
        for written_ms, slate in looked:
            self._time(slate, written_ms)
            items += [item.item_id for item in slate.items]
            self._sources.update([item.source for item in slate.items])
        if len(items) > PLACES_MOST:
            items = self._drawn.sample(items, PLACES_MOST)
        before, catalog = self._shown, self._catalog()
        lists = [lists_of(slate, catalog) for _, slate in looked[:: max(1, -(-len(looked) // LISTS_MOST))]]
        entropies = [entropy for entropy, _ in lists if entropy is not None]
        distances = [distance for _, distance in lists if distance is not None]
        self._shown = Shown(
            slates=before.slates + len(slates),
            places=before.places + sum(len(slate.items) for _, slate in slates),
            looked=before.looked + len(looked),
            sources=dict(self._sources.most_common(NAMES_MOST)),
            items=dict(Counter(items)),
            item_places=len(items),
            entropy_lists=before.entropy_lists + len(entropies),
            entropy_sum=before.entropy_sum + sum(entropies),
            distance_lists=before.distance_lists + len(distances),
            distance_sum=before.distance_sum + sum(distances),
            catalogue=int(np.count_nonzero(catalog.available[: len(catalog)])),
        )

    def _time(self, slate: Slate, written_ms: float) -> None:
        times = {**slate.times, "pushed": written_ms}
        for name, (start, end) in STAGE_OF.items():
            if start in times and end in times:
                self._stages[name][bucket_of(max(0.0, times[end] - times[start]))] += 1


def lists_of(slate: Slate, catalog: Catalog) -> tuple[float | None, float | None]:
    """The entropy of a slate's categories, and the distance of its items; None where it has too few.

    The catalogue belongs to the core's thread. Here a few rows of it are copied: at worst one is of another
    moment than the rest.
    """
    rows = [row for item in slate.items if (row := catalog.rows.get(item.item_id)) is not None]
    attributes, text = catalog.attributes, catalog.text
    known = np.array([row for row in rows if row < min(len(attributes), len(text))], np.intp)
    if len(known) < 2:
        return None, None
    return category_entropy(attributes[known, 0]), intra_list_distance(text[known])


def resident_bytes() -> int:
    """The memory of this process that is in RAM; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


def _by_topic(events: BulkCounter) -> dict[str, tuple[int, int, int]]:
    found: dict[str, list[int]] = {}
    for (topic, result), count in events.counts().items():
        place = ("applied", "skipped", "dead_letter").index(result)
        found.setdefault(topic, [0, 0, 0])[place] += count
    return {topic: (counts[0], counts[1], counts[2]) for topic, counts in found.items()}


def _by_label(counter: BulkCounter) -> dict[str, int]:
    """By a counter's first label."""
    found = Counter[str]()
    for labels, count in counter.counts().items():
        found[labels[0]] += count
    return dict(islice(found.items(), NAMES_MOST))


def _value(metric: Counted | Gauge) -> int:
    """Of a metric without labels."""
    return round(next(iter(metric.collect())).samples[0].value)
