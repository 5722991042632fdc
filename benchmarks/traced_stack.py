"""What traces cost whole systems: each has a gateway and a worker of its own, on one Kafka and one Valkey.

All of them run from the beginning to the end, each under its own prefix, and take the same load in turn, in
another order each round. A system's CPU is that of its two processes, as the system counts it, over its turn
and the wait until all is applied. Each round gives the difference to the system that does not trace; the
mean of these differences is told with its standard error, over the rounds.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from streams.bench.freshness import Bench
from streams.bench.observe import Observer
from streams.bench.settling import until_settled
from streams.bench.under_load import UnderLoad
from streams.bench.world import BenchOptions, World, seed_world, world_of
from streams.demo.gateway_client import GatewayClient
from streams.demo.progress import Steps
from streams.local.ports import free_ports
from streams.local.services import Services
from streams.local.stack import LocalStack
from streams.settings.reading import load, override
from streams.settings.tree import Settings

RATE = 300.0
WARM_S = 4.0
PARTS = ("gateway", "worker")


class Running(NamedTuple):
    """A system, and what drives it."""

    bench: Bench
    client: GatewayClient
    observer: Observer

    async def spent_us(self, name: str, seconds: float) -> list[float]:
        """CPU of an event in each of `PARTS`, in one turn."""
        result = await self.bench.step(name, RATE, seconds, self.client, self.observer)
        missing = {"lost": result.lost, "refused": result.refused}
        assert not any(missing.values()), f"{name}: {missing}"
        return [1_000 * result.cpu_ms_per_event[part] for part in PARTS]


def compare_stacks(endpoint: str, ratios: Sequence[float], rounds: int, seconds: float) -> None:
    """Print what each ratio costs beside no tracing. endpoint: takes the spans."""
    options = BenchOptions(rates=(RATE,))
    with Steps(Console()) as steps, ExitStack() as running:
        logs = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="headrace-bench-")))
        stack = running.enter_context(LocalStack(load(), progress=steps.step))
        world = world_of(options, stack.settings, steps)
        systems = []
        for number, ratio in enumerate((None, *ratios)):
            own = world._replace(settings=_settings(world.settings, number, ratio, endpoint))
            steps.step(f"starting a system that {_named(ratio)}")
            asyncio.run(seed_world(own))
            folder = logs / str(number)
            folder.mkdir()
            services = running.enter_context(Services(own.settings, folder, progress=steps.step))
            systems.append((own, UnderLoad(own.settings, stack, services, folder)))
        spent = asyncio.run(_rounds(options, systems, rounds, seconds, steps))
    _tell(spent, ratios)


def _settings(settings: Settings, number: int, ratio: float | None, endpoint: str) -> Settings:
    prefix = f"system-{number}."
    tree: dict[str, Any] = {
        "kafka": {"prefix": prefix},
        "redis": {"prefix": prefix},
        "gateway": {"port": free_ports(1)[0]},
    }
    if ratio is not None:
        tree["tracing"] = {"enabled": True, "ratio": ratio, "endpoint": endpoint, "events_per_s": 100_000}
    return override(settings, tree)


async def _rounds(
    options: BenchOptions,
    systems: Sequence[tuple[World, UnderLoad]],
    rounds: int,
    seconds: float,
    steps: Steps,
) -> NDArray[np.float64]:
    """CPU of an event in us, [rounds, systems, parts]."""
    spent = np.zeros((rounds, len(systems), len(PARTS)))
    async with AsyncExitStack() as open_:
        ready = []
        for world, under_load in systems:
            client = await open_.enter_async_context(GatewayClient(under_load.services.gateway_url, 2))
            observer = await open_.enter_async_context(Observer(world.settings.redis))
            await until_settled(under_load, client, steps)
            ready.append(Running(Bench(options, world, under_load), client, observer))
        for at, each in enumerate(ready):
            await each.spent_us(f"warm-{at}", WARM_S)
        for number in range(rounds):
            order = np.roll(np.arange(len(ready)), number)
            for at in (order if number % 2 else order[::-1]).tolist():
                spent[number, at] = await ready[at].spent_us(f"round-{number}-{at}", seconds)
    return spent


def _tell(spent: NDArray[np.float64], ratios: Sequence[float]) -> None:
    whole = spent.sum(2)
    off = whole[:, 0].mean()
    parts = ", ".join(f"{name} {us:,.0f}" for name, us in zip(PARTS, spent[:, 0].mean(0), strict=True))
    print(f"off: {off:,.0f} us an event ({parts}), {len(spent)} rounds at {RATE:g}/s")
    for at, ratio in enumerate(ratios, 1):
        more = whole[:, at] - whole[:, 0]
        error = more.std(ddof=1) / len(more) ** 0.5 if len(more) > 1 else float("nan")
        by_part = ", ".join(
            f"{name} {us:+,.0f}" for name, us in zip(PARTS, (spent[:, at] - spent[:, 0]).mean(0), strict=True)
        )
        print(
            f"{_named(ratio)}: {more.mean():+,.0f} ± {error:,.0f} us an event"
            f" ({more.mean() / off:+.1%} ± {error / off:.1%}; {by_part})"
        )


def _named(ratio: float | None) -> str:
    return "does not trace" if ratio is None else f"traces at a ratio of {ratio:g}"
