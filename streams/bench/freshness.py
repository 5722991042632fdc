"""Freshness by offered load: from an event to its user's new feed in Redis, on the local stack."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from model.errors import LocalStackError
from streams.bench.cpu import CpuMeter
from streams.bench.load import Plan, Sent, encode_plan
from streams.bench.observe import Observer
from streams.bench.result import StepResult, step_result
from streams.bench.world import BenchOptions, World, seed_world, world_of
from streams.demo.gateway_client import GatewayClient
from streams.demo.progress import Steps
from streams.local.environment import environment
from streams.local.processes import ChildProcess
from streams.local.scrape import Samples
from streams.local.services import Services, check_running
from streams.local.stack import LocalStack
from streams.settings.tree import Settings

GENERATOR_STARTS_WITHIN_S = 60.0
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
        steps.done()
        return asyncio.run(_Bench(options, world, services, stack, logs).run(say))


class _Bench:
    """The steps on a running system."""

    def __init__(
        self, options: BenchOptions, world: World, services: Services, stack: LocalStack, logs: Path
    ) -> None:
        self.options, self.world, self.services, self.logs = options, world, services, logs
        self.processes = [*stack.processes, *services.processes]
        self.pids = {
            "worker": [child.pid for child in services.workers],
            "gateway": [child.pid for child in services.processes if child not in services.workers],
            "Kafka": [child.pid for child in stack.processes if child.name == "Apache Kafka"],
            "Valkey": [child.pid for child in stack.processes if child.name == "Valkey"],
        }

    async def run(self, say: Callable[[StepResult], None]) -> list[StepResult]:
        results = []
        async with (
            GatewayClient(self.services.gateway_url, 2) as client,
            Observer(self.world.settings.redis) as observer,
        ):
            if self.options.warm_seconds > 0:
                await self._step("warm", min(self.options.rates), self.options.warm_seconds, client, observer)
            for rate in self.options.rates:
                result = await self._step(f"r{rate:g}", rate, self.options.seconds, client, observer)
                results.append(result)
                say(result)
        return results

    async def _step(
        self, name: str, rate: float, seconds: float, client: GatewayClient, observer: Observer
    ) -> StepResult:
        observer.seen.clear()
        before = await self._applied(client)
        plan = self._plan(name, rate, seconds)
        path = self.logs / f"{name}.json"
        path.write_bytes(encode_plan(plan))
        command = [sys.executable, "-m", "streams.bench.load", str(path)]
        with ChildProcess(
            "load generator", command, self.logs / f"{name}.log", environment(self.world.settings)
        ) as generator:
            await self._started(plan, generator, observer)
            meter = CpuMeter({**self.pids, "generator": [generator.pid]})
            begun_s = time.monotonic()
            while generator.returncode is None:
                meter.look()
                self._check(observer)
                await asyncio.sleep(0.2)
            if generator.returncode != 0:
                raise LocalStackError(f"the load generator failed:\n{generator.tail()}")
        sent = _sent(plan)
        applied = await self._drain(client, observer, before, sent.accepted)
        wall_s = time.monotonic() - begun_s
        meter.look()
        result = step_result(name, rate, seconds, sent, observer.seen, applied, meter.spent_s(), wall_s)
        await asyncio.sleep(REST_S)
        return result

    async def _drain(self, client: GatewayClient, observer: Observer, before: float, accepted: int) -> int:
        """Wait until the workers have applied all accepted events, and the observer has seen their feeds."""
        end_s = time.monotonic() + DRAIN_WITHIN_S
        while True:
            self._check(observer)
            seen = len(observer.seen)
            applied = int(await self._applied(client) - before)
            await asyncio.sleep(0.3)
            if (applied >= accepted and len(observer.seen) == seen) or time.monotonic() > end_s:
                return applied

    async def _started(self, plan: Plan, generator: ChildProcess, observer: Observer) -> None:
        """Wait until the generator has set its schedule."""
        end_s = time.monotonic() + GENERATOR_STARTS_WITHIN_S
        while not _exists(plan.started):
            self._check(observer)
            if generator.returncode is not None or time.monotonic() > end_s:
                raise LocalStackError(f"the load generator did not start:\n{generator.tail()}")
            await asyncio.sleep(0.05)

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
            started=str(self.logs / f"{name}-started"),
            result=str(self.logs / f"{name}-sent.json"),
        )

    async def _applied(self, client: GatewayClient) -> float:
        pages = [await client.page(f"{url}/metrics") for url in self.services.worker_urls]
        samples = Samples.of(pages)
        return sum(
            samples.total("headrace_worker_events_total", topic=topic, result="applied")
            for topic in ("clicks", "reviews")
        )

    def _check(self, observer: Observer) -> None:
        check_running(self.processes)
        observer.check()


def _exists(path: str) -> bool:
    return Path(path).exists()


def _sent(plan: Plan) -> Sent:
    return msgspec.json.decode(Path(plan.result).read_bytes(), type=Sent)
