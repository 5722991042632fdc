"""Freshness by offered load: from an event to its user's new feed in Redis, on the local stack."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from streams.bench.load import Plan, Sent, encode_plan
from streams.bench.observe import Observer
from streams.bench.result import StepResult, step_result
from streams.bench.settling import until_settled
from streams.bench.under_load import UnderLoad, scrape
from streams.bench.world import BenchOptions, World, seed_world, world_of
from streams.demo.gateway_client import GatewayClient
from streams.demo.progress import Steps
from streams.local.services import Services
from streams.local.stack import LocalStack
from streams.settings.tree import Settings

DRAIN_WITHIN_S = 120.0
REST_S = 1.0


def measure(
    options: BenchOptions, settings: Settings, steps: Steps, say: Callable[[StepResult], None]
) -> list[StepResult]:
    """Start one system, and run every rate in turn on it; `say` gets each result as it comes."""
    with contextlib.ExitStack() as running:
        logs = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="headrace-bench-")))
        stack = running.enter_context(LocalStack(settings, progress=steps.step))
        world = world_of(options, stack.settings, steps)
        steps.step("seeding the store")
        asyncio.run(seed_world(world))
        services = running.enter_context(Services(world.settings, logs, options.workers, steps.step))
        bench = Bench(options, world, UnderLoad(world.settings, stack, services, logs))
        return asyncio.run(bench.run(steps, say))


class Bench:
    """The steps on a running system."""

    def __init__(self, options: BenchOptions, world: World, running: UnderLoad) -> None:
        self.options, self.world, self.running = options, world, running

    async def run(self, steps: Steps, say: Callable[[StepResult], None]) -> list[StepResult]:
        results = []
        async with (
            GatewayClient(self.running.services.gateway_url, 2) as client,
            Observer(self.world.settings.redis) as observer,
        ):
            await until_settled(self.running, client, steps)
            if self.options.warm_seconds > 0:
                await self.step("warm", min(self.options.rates), self.options.warm_seconds, client, observer)
            for rate in self.options.rates:
                result = await self.step(f"r{rate:g}", rate, self.options.seconds, client, observer)
                results.append(result)
                say(result)
        return results

    async def step(
        self, name: str, rate: float, seconds: float, client: GatewayClient, observer: Observer
    ) -> StepResult:
        """One load, until all of it is applied; no other step of this system may have had its `name`."""
        observer.seen.clear()
        before = await self._applied(client)
        plan = self._plan(name, rate, seconds)
        meter = await self.running.generate("streams.bench.load", plan, encode_plan(plan), observer.check)
        sent = _sent(plan)
        applied = await self._drain(client, observer, before, sent.accepted)
        meter.look()
        result = step_result(name, rate, seconds, sent, observer.seen, applied, meter.spent_s(), meter.wall_s)
        await asyncio.sleep(REST_S)
        return result

    async def _drain(self, client: GatewayClient, observer: Observer, before: float, accepted: int) -> int:
        """Wait until the workers have applied all accepted events, and the observer has seen their feeds."""
        end_s = time.monotonic() + DRAIN_WITHIN_S
        while True:
            self.running.check()
            observer.check()
            seen = len(observer.seen)
            applied = int(await self._applied(client) - before)
            await asyncio.sleep(0.3)
            if (applied >= accepted and len(observer.seen) == seen) or time.monotonic() > end_s:
                return applied

    def _plan(self, name: str, rate: float, seconds: float) -> Plan:
        gateway, options = self.world.settings.gateway, self.options
        return Plan(
            name=name,
            rate=rate,
            seconds=seconds,
            arrivals=options.arrivals,
            seed=options.seed + round(rate),
            users=self.world.users,
            items=self.world.items,
            popularity=self.world.popularity,
            host=gateway.host,
            port=gateway.port,
            connections=options.connections,
            per_request=options.per_request,
            direct=options.direct,
            kafka=self.world.settings.kafka,
            started=str(self.running.logs / f"{name}-started"),
            result=str(self.running.logs / f"{name}-sent.json"),
        )

    async def _applied(self, client: GatewayClient) -> float:
        samples = await scrape(client, self.running.services.worker_urls)
        return sum(
            samples.total("headrace_worker_events_total", topic=topic, result="applied")
            for topic in ("clicks", "reviews")
        )


def _sent(plan: Plan) -> Sent:
    return msgspec.json.decode(Path(plan.result).read_bytes(), type=Sent)
