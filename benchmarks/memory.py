"""A worker's memory with a large catalogue, and the time from its start until it is ready.

    python -m benchmarks.memory --items 100000 --json benchmarks/results/memory.json

The benchmark starts the local stack, seeds it with a synthetic catalogue and 50,000 learned events, starts
one worker, then sends events, for so long that the worker saves a snapshot meanwhile. It reads resident
memory when the worker is ready, and its maximum at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

import msgspec
import psutil
from rich.console import Console

from benchmarks.seeded_process import ready_process, seeded_world
from streams.bench.array_bytes import array_bytes
from streams.bench.load import Plan, Sent, run
from streams.bench.machine import Machine, this_machine
from streams.bench.world import BenchOptions, World
from streams.demo.progress import Steps

RATE, SECONDS, SETTLE_S = 100.0, 45.0, 5.0
READY_WITHIN_S = 120.0


class MemoryReport(msgspec.Struct, frozen=True):
    """Resident memory in MiB; `ready_s` from the start of the process. `bytes_per_item`: of the arrays of a
    core with this catalogue, by where they hang, those of a byte or more.
    """

    machine: Machine
    items: int
    users: int
    ready_s: float
    ready_mib: float
    peak_mib: float
    events: int
    bytes_per_item: dict[str, float] = {}


def measure(options: BenchOptions) -> MemoryReport:
    """Start everything, measure, stop everything."""
    machine = this_machine()
    with Steps(Console()) as steps, seeded_world(options, steps) as seeded:
        world = seeded.world
        with ready_process(seeded, "worker", READY_WITHIN_S, steps) as worker:
            ready_s = time.monotonic() - worker.started_s
            ready_mib = worker.process.memory_info().rss / 2**20
            steps.step("sending events")
            sent, peak_mib = asyncio.run(_load(_plan(options, world, seeded.folder), worker.process))
    return MemoryReport(
        machine,
        len(world.items),
        len(world.users),
        round(ready_s, 2),
        round(ready_mib, 1),
        round(max(ready_mib, peak_mib), 1),
        sent.accepted,
        _bytes_per_item(world),
    )


def _bytes_per_item(world: World) -> dict[str, float]:
    world.core.prepare()
    items = len(world.items)
    return {
        path: round(size / items, 1)
        for path, size in array_bytes(world.core, "core").items()
        if size >= items
    }


async def _load(plan: Plan, process: psutil.Process) -> tuple[Sent, float]:
    """Send the events, and watch the memory until the worker has surely applied them."""
    peak = 0

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    sent = await run(plan)
    await asyncio.sleep(SETTLE_S)
    watching.cancel()
    return sent, peak / 2**20


def _plan(options: BenchOptions, world: World, folder: Path) -> Plan:
    return Plan(
        name="memory",
        rate=RATE,
        seconds=SECONDS,
        arrivals="poisson",
        seed=options.seed,
        users=world.users,
        items=world.items,
        popularity=world.popularity,
        host="",
        port=0,
        connections=1,
        per_request=1,
        direct=True,
        kafka=world.settings.kafka,
        started=str(folder / "started"),
        result=str(folder / "result"),
    )


def catalogue_parser(description: str | None) -> argparse.ArgumentParser:
    """Of a benchmark that starts a system with many items; `options_of` reads what it parsed."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000, metavar="N", help="of the catalogue (100,000)")
    parser.add_argument("--users", type=int, default=1_000, metavar="U", help="users with a history (1,000)")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="where the model is (var/demo)")
    parser.add_argument("--limit", type=int, metavar="N", help="train on the first N events of ml-100k only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    return parser


def options_of(args: argparse.Namespace, worded: bool = False) -> BenchOptions:
    return BenchOptions(
        items=args.items, users=args.users, folder=args.folder, limit=args.limit, worded=worded
    )


def write(report: msgspec.Struct, file: Path | None) -> None:
    """The numbers as JSON, where a file is named."""
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def main() -> None:
    args = catalogue_parser(__doc__).parse_args()
    report = measure(options_of(args))
    print(
        f"{report.items:,} items: ready after {report.ready_s:.1f} s with {report.ready_mib:.0f} MiB;"
        f" {report.peak_mib:.0f} MiB at most during {report.events:,} events"
    )
    for path, size in report.bytes_per_item.items():
        print(f"{size:8.1f} bytes an item: {path}")
    write(report, args.json)


if __name__ == "__main__":
    main()
