"""What a gateway with its ranker holds among many items: as a process, and part by part.

    python -m benchmarks.gateway_memory --limit 4000 [--items 100000] [--json FILE]

Items have titles and texts, as in `headrace bench search`. The gateway is a process of its own; it is looked
at when it ranks and all items are found by their words, and again after 200 rankings and 200 searches. Then a
process opens the same parts one after the other. A part's memory is what came with it that no file has, after
all that could go back to the system did.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec
import psutil
from rich.console import Console

from benchmarks.memory import catalogue_parser, options_of, write
from benchmarks.seeded_process import ready_process, seeded_world
from streams.bench.machine import Machine, this_machine
from streams.bench.settling import ASKS_EACH_S, still_to_do
from streams.bench.world import BenchOptions, World
from streams.demo.gateway_client import GatewayClient
from streams.demo.progress import Steps
from streams.local.environment import environment
from streams.settings.reading import load
from streams.settings.tree import Settings

REQUESTS, CANDIDATES = 200, 100
READY_WITHIN_S, INDEXED_WITHIN_S = 300.0, 1_200.0
SETTLE_S = 5.0


class GatewayMemory(msgspec.Struct, frozen=True):
    """Resident MiB of the process, and by part MiB that no file has. `indexed_s`: from the process's start
    until it ranks and all items are found by their words.
    """

    machine: Machine
    items: int
    indexed_s: float
    indexed_mib: float
    asked_mib: float
    peak_mib: float
    parts_mib: dict[str, float] = {}


def measure(options: BenchOptions) -> GatewayMemory:
    """Start everything, measure, stop everything."""
    machine = this_machine()
    with Steps(Console(stderr=True)) as steps, seeded_world(options, steps) as seeded:
        world = seeded.world
        with ready_process(seeded, "gateway", READY_WITHIN_S, steps) as gateway:
            asking = _asked(gateway.url, world, gateway.process, gateway.started_s)
            indexed_s, indexed, asked, peak = asyncio.run(asking)
        steps.step("opening its parts")
        parts = _parts(gateway.settings)
    return GatewayMemory(machine, len(world.items), indexed_s, indexed, asked, peak, parts)


async def _asked(
    url: str, world: World, process: psutil.Process, started_s: float
) -> tuple[float, float, float, float]:
    client, peak = GatewayClient(url, 2), 0

    def resident() -> float:
        return round(process.memory_info().rss / 2**20, 1)

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    async with asyncio.timeout(INDEXED_WITHIN_S):
        while True:
            if await still_to_do(client, url, [url]) is None:
                break
            await asyncio.sleep(ASKS_EACH_S)
    indexed_s = round(time.monotonic() - started_s, 1)
    await asyncio.sleep(SETTLE_S)
    indexed = resident()
    for n in range(REQUESTS):
        user = world.users[n % len(world.users)]
        first = n * CANDIDATES % max(len(world.items) - CANDIDATES, 1)
        items = world.items[first : first + CANDIDATES]
        assert await client.ranks({"user_id": user, "items": items, "impression": False})
        await client.page(f"/v1/search?q={quote(world.queries[n % len(world.queries)])}&user_id={user}")
    asked = resident()
    watching.cancel()
    await client.close()
    return indexed_s, indexed, asked, round(peak / 2**20, 1)


def _parts(settings: Settings) -> dict[str, float]:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.gateway_memory", "--open"],
        env=environment(settings), stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return msgspec.json.decode(run.stdout.splitlines()[-1], type=dict[str, float])


class Growth:
    """What each part takes, by its name."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._before = 0.0

    def note(self, part: str) -> None:
        """All that came since the last call is of this part."""
        from streams.serving.memory import give_back

        gc.collect()
        give_back()
        now = self._anonymous()
        self.parts[part], self._before = round(now - self._before, 1), now

    @staticmethod
    def _anonymous() -> float:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1_024


async def open_parts(settings: Settings, growth: Growth) -> None:
    """In the order of a gateway's start. Imports are inside: each is part of what it is for."""
    importlib.import_module("streams.gateway.serve")

    growth.note("imports of a gateway")
    from export.registry import Registry
    from streams.clock import SystemClock
    from streams.serving.compiling import load_compiled
    from streams.serving.item_search import ItemSearch
    from streams.serving.loading import load_encoder, texts_by
    from streams.serving.memory import return_large_arrays
    from streams.serving.model_watcher import LogOnly
    from streams.serving.models import RegistryModels
    from streams.serving.replica import Replica
    from streams.stores.read_only import ReadOnlyStore
    from streams.stores.redis.store import RedisStore

    return_large_arrays()
    growth.note("imports of a ranker")
    load_compiled(settings, on_request=True)
    growth.note("compiled code")
    registry = Registry(Path(settings.model.registry))
    encoder = load_encoder(settings.model, registry)
    growth.note("text encoder")
    store = ReadOnlyStore(RedisStore(settings.redis))
    items = ItemSearch(settings.search)
    replica = Replica(settings, store, SystemClock(), items=items, knows_users=True)
    replica.texts_by = texts_by(settings.model, registry)
    async with replica.lock:
        await replica.rebuild(mend=False)
    for index in replica.recommender.pipeline.indexes:
        index.wait()
    growth.note("items, counters, and what waits for the search index")
    models = RegistryModels(settings, store, replica, LogOnly(), confirms=False)
    await models.start()
    growth.note("model")
    await items.commit()
    growth.note("search index, less what waited for it")
    assert encoder is not None
    assert models.name
    for name, empty in (("titles", []), ("table", None), ("words", None)):
        setattr(items.index, name, empty)
        growth.note(f"search index: given up {name}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = catalogue_parser(__doc__)
    parser.add_argument("--open", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.open:
        growth = Growth()
        growth.note("Python and this benchmark")
        asyncio.run(open_parts(load(), growth))
        print(msgspec.json.encode(growth.parts).decode(), flush=True)
        os._exit(0)  # nothing that was opened is closed: what it holds was the question
    report = measure(options_of(args, worded=True))
    print(
        f"{report.items:,} items: {report.indexed_mib:.0f} MiB when indexed, after {report.indexed_s:.1f} s; "
        f"{report.asked_mib:.0f} after {REQUESTS} rankings and searches, {report.peak_mib:.0f} at most"
    )
    for part, size in report.parts_mib.items():
        print(f"{size:8.1f} MiB: {part}")
    write(report, args.json)


if __name__ == "__main__":
    main()
