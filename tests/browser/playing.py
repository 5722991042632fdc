"""Workers that a test plays: they report to a store as real ones do, and do what the test says."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from streams.stores.memory import MemoryStore
from streams.worker_reports.report import (
    BOUNDS_MS,
    KEPT_MS,
    STAGES,
    VERSION,
    Report,
    Shown,
    bucket_of,
    encode,
)

TYPICAL_MS = {"queue": 2.0, "wait": 0.8, "fold": 1.2, "rank": 3.0, "write": 1.0, "whole": 8.0}
SOURCES = {"nearest": 40, "together": 25, "learned": 20, "popular": 10, "fresh": 5}
EVERY_S = 0.2


@dataclass
class PlayedWorker:
    """One of them; `slower` times as slow as usual. While `quiet`, it reports nothing."""

    name: str
    store: MemoryStore
    partitions: tuple[int, ...] = (0, 1)
    slower: float = 1.0
    ready: bool = True
    trouble: str = ""
    quiet: bool = False
    rung: str = "full"
    letters: int = 0
    models: dict[str, str] = field(default_factory=lambda: {"m-2025": "CPUExecutionProvider"})
    applied: int = 0
    drawn: random.Random = field(default_factory=lambda: random.Random(7))

    def __post_init__(self) -> None:
        self._began_ms = _now_ms()
        self._stages = {name: [0] * (len(BOUNDS_MS) + 1) for name in STAGES}
        self._rungs, self._sources, self._at_ms = Counter[str](), Counter[str](), self._began_ms
        self._entropy = 0.0

    async def act(self) -> None:
        """Some events, and a report of them."""
        if self.quiet:
            return
        slates = 24
        self.applied += slates
        for name, ms in TYPICAL_MS.items():
            for _ in range(slates):
                at = bucket_of(ms * self.slower * self.drawn.lognormvariate(0, 0.5))
                self._stages[name][at] += 1
        self._rungs[self.rung] += slates
        self._sources.update(SOURCES)
        self._entropy += 0.7 * slates + self.drawn.uniform(-2, 2)
        self._at_ms = _now_ms()
        await self.store.put_report(self.name, encode(self._report(slates)), KEPT_MS)

    def _report(self, slates: int) -> Report:
        items = Counter(f"item-{int(self.drawn.paretovariate(0.9))}" for _ in range(100))
        places = {f"clicks-{n}": (self.applied, self.applied + 3 + n) for n in self.partitions}
        return Report(
            version=VERSION,
            worker=self.name,
            began_ms=self._began_ms,
            at_ms=self._at_ms,
            ready=self.ready,
            trouble=self.trouble,
            events={"clicks": (self.applied, 3, self.letters)},
            batch_events=(self.applied // 8, self.applied),
            stages=self._stages,
            rungs=dict(self._rungs),
            lag={"clicks": sum(end - offset for offset, end in places.values())},
            partitions=places,
            queued=2,
            dead_letters={"invalid": self.letters},
            models=self.models,
            ledger=f"{self._at_ms}-0",
            leads=self.name.endswith("1"),
            memory_bytes=412_000_000,
            busy_s=self.applied / 4_000,
            shown=Shown(
                slates=self.applied,
                places=20 * self.applied,
                looked=self.applied,
                sources=dict(self._sources),
                items=dict(items),
                item_places=items.total(),
                entropy_lists=self.applied,
                entropy_sum=self._entropy,
                distance_lists=self.applied,
                distance_sum=0.6 * self.applied,
                catalogue=5_000,
            ),
        )


@asynccontextmanager
async def acting(*workers: PlayedWorker) -> AsyncIterator[None]:
    """They act as long as the block lasts."""

    async def act() -> None:
        while True:
            for worker in workers:
                await worker.act()
            await asyncio.sleep(EVERY_S)

    task = asyncio.create_task(act())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
