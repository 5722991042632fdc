"""The gateway under requests of one kind, on the local stack: one row for each step."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from streams.bench.gateway_row import GatewayRow, row_of
from streams.bench.requests import Answers, Kind, RequestPlan
from streams.bench.settling import until_settled
from streams.bench.stored_feeds import Actors, seed_feeds
from streams.bench.under_load import UnderLoad, scrape
from streams.bench.world import BenchOptions, seed_world, world_of
from streams.demo.gateway_client import GatewayClient
from streams.demo.progress import Steps
from streams.local.services import Services
from streams.local.stack import LocalStack
from streams.settings.tree import Settings

DRAINS_WITHIN_S = 120.0
REQUESTS_MAX = 1_000_000


@dataclass(frozen=True)
class GatewayStep:
    """`rate` requests a second over `clients` connections; 0: each client asks as soon as it is answered.
    `per_request`: events in one request, or items to rank. `n`: places of one feed. `feeds`: reads of feeds a
    second beside.
    """

    clients: int = 8
    rate: float = 0.0
    per_request: int = 1
    n: int = 10
    feeds: float = 0.0


@dataclass(frozen=True)
class GatewayOptions:
    """`steps` in turn, for `seconds` each; `world`: the users, the items and the workers behind. `rankers`:
    processes that rank beside the gateway; 0: it does so itself.
    """

    steps: tuple[GatewayStep, ...] = (GatewayStep(1), GatewayStep(8))
    seconds: float = 10.0
    warm_seconds: float = 3.0
    world: BenchOptions = field(default_factory=BenchOptions)
    rankers: int = 0


def measure_requests(
    kind: Kind,
    options: GatewayOptions,
    settings: Settings,
    steps: Steps,
    say: Callable[[GatewayRow], None],
) -> list[GatewayRow]:
    """Start one system, and run every step in turn on it; `say` gets each row as it comes.

    Each read of a feed is an impression, which the workers fold. A row ends when they have read all messages,
    and its CPU includes that. `settings.gateway.port` must be free.
    """
    with _running(options, settings, steps) as system:
        return asyncio.run(system.run(kind, options, steps, say))


@contextmanager
def _running(options: GatewayOptions, settings: Settings, steps: Steps) -> Iterator[_System]:
    with contextlib.ExitStack() as running:
        logs = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="headrace-bench-")))
        stack = running.enter_context(LocalStack(settings, progress=steps.step))
        if options.world.workers:
            world = world_of(options.world, stack.settings, steps)
            steps.step("seeding the store")
            asyncio.run(seed_world(world))
            actors = Actors(world.settings, world.users, world.items, world.popularity, world.queries)
        else:
            actors = asyncio.run(seed_feeds(stack.settings, options.world.users))
        services = running.enter_context(
            Services(actors.settings, logs, options.world.workers, steps.step, rankers=options.rankers)
        )
        yield _System(actors, UnderLoad(actors.settings, stack, services, logs))


class _System:
    """What runs, and the steps on it."""

    def __init__(self, actors: Actors, running: UnderLoad) -> None:
        self.actors, self.running, self.services = actors, running, running.services

    async def run(
        self, kind: Kind, options: GatewayOptions, steps: Steps, say: Callable[[GatewayRow], None]
    ) -> list[GatewayRow]:
        rows = []
        async with GatewayClient(self.services.gateway_url, 2) as client:
            await until_settled(self.running, client, steps)
            if options.warm_seconds > 0 and options.steps:
                await self._step(self._plan(kind, "warm", options, options.steps[-1], True), client)
            for number, step in enumerate(options.steps):
                rows.append(await self._step(self._plan(kind, f"s{number}", options, step), client))
                say(rows[-1])
        return rows

    async def _step(self, plan: RequestPlan, client: GatewayClient) -> GatewayRow:
        (written, _), folded = await self._written(plan, client), await self._folded(plan, client)
        meter = await self.running.generate("streams.bench.requests", plan, msgspec.json.encode(plan))
        ended_s = time.monotonic()
        while True:
            self.running.check()
            read = await self._folded(plan, client) - folded
            total, waiting = await self._written(plan, client)
            messages, waited_s = total - written, time.monotonic() - ended_s
            drained = not waiting and (read >= messages or not self.services.workers)
            if drained or waited_s > DRAINS_WITHIN_S:
                break
            await asyncio.sleep(0.2)
        meter.look()
        spent_s = meter.spent_s()
        by_part = {"gateway": spent_s["gateway"], **spent_s}  # first what is measured
        answers = _answered(plan)
        return row_of(plan, answers.asked, by_part, messages, read, waited_s, answers.feeds)

    async def _written(self, plan: RequestPlan, client: GatewayClient) -> tuple[int, float]:
        """Impressions or events that the gateway has written to Kafka, and how many impressions wait for it,
        both of one moment.
        """
        samples = await scrape(client, [self.services.gateway_url])
        waiting = samples.total("headrace_gateway_impressions_waiting")
        if plan.kind == "feed":
            return int(samples.total("headrace_gateway_impressions_total", result="logged")), waiting
        return int(samples.total("headrace_gateway_events_total", result="accepted")), waiting

    async def _folded(self, plan: RequestPlan, client: GatewayClient) -> int:
        """How many of these the workers have read."""
        samples = await scrape(client, self.services.worker_urls)
        topic = "impressions" if plan.kind == "feed" else "clicks"
        return int(samples.total("headrace_worker_events_total", topic=topic))

    def _plan(
        self,
        kind: Kind,
        name: str,
        options: GatewayOptions,
        step: GatewayStep,
        warm: bool = False,
    ) -> RequestPlan:
        gateway = self.actors.settings.gateway
        return RequestPlan(
            name=name,
            kind=kind,
            clients=step.clients,
            rate=step.rate,
            seconds=options.warm_seconds if warm else options.seconds,
            requests_max=REQUESTS_MAX,
            arrivals=options.world.arrivals,
            seed=options.world.seed,
            users=self.actors.users,
            items=self.actors.items,
            popularity=self.actors.popularity,
            n=step.n,
            queries=list(self.actors.queries),
            feeds=step.feeds,
            per_request=step.per_request,
            host=gateway.host,
            port=gateway.port,
            started=str(self.running.logs / f"{name}-started"),
            result=str(self.running.logs / f"{name}-answered.json"),
        )


def _answered(plan: RequestPlan) -> Answers:
    return msgspec.json.decode(Path(plan.result).read_bytes(), type=Answers)
