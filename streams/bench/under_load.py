"""A running system under load: its processes, their CPU, and the generator beside them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from model.errors import LocalStackError
from streams.bench.cpu import CpuMeter
from streams.demo.gateway_client import GatewayClient
from streams.local.environment import environment
from streams.local.processes import ChildProcess
from streams.local.scrape import Samples
from streams.local.services import Services, check_running
from streams.local.stack import LocalStack
from streams.settings.tree import Settings

STARTS_WITHIN_S = 60.0


class LoadPlan(Protocol):
    """What the plan of every generator says: its name, and the file that it writes when it begins."""

    @property
    def name(self) -> str: ...

    @property
    def started(self) -> str: ...


class UnderLoad:
    """The stack and the services that run under `settings`; logs and plans go into the folder `logs`."""

    def __init__(self, settings: Settings, stack: LocalStack, services: Services, logs: Path) -> None:
        self.settings, self.services, self.logs = settings, services, logs
        self.processes = [*stack.processes, *services.processes]
        self.pids = {
            "worker": [child.pid for child in services.workers],
            "gateway": [] if services.gateway is None else [services.gateway.pid],
            **({"rankers": [child.pid for child in services.rankers]} if services.rankers else {}),
            "Kafka": [child.pid for child in stack.processes if child.name == "Apache Kafka"],
            "Valkey": [child.pid for child in stack.processes if child.name == "Valkey"],
        }

    def check(self) -> None:
        """Raise `LocalStackError` if a process has ended."""
        check_running(self.processes)

    async def generate(
        self, module: str, plan: LoadPlan, written: bytes, check: Callable[[], None] = lambda: None
    ) -> CpuMeter:
        """Run `python -m module PLAN` until it has sent everything; returns the meter, which counts from the
        moment when it began.

        `written`: the plan as that module reads it. `check` raises if something else than a process went
        wrong. Raises `LocalStackError` if the generator, or a process of the system, ends as it should not.
        """
        path = self.logs / f"{plan.name}.json"
        path.write_bytes(written)
        command = [sys.executable, "-m", module, str(path)]
        log = self.logs / f"{plan.name}.log"
        with ChildProcess("load generator", command, log, environment(self.settings)) as generator:
            end_s = time.monotonic() + STARTS_WITHIN_S
            while not _exists(plan.started):
                self.check()
                check()
                if generator.returncode is not None or time.monotonic() > end_s:
                    raise LocalStackError(f"the load generator did not start:\n{generator.tail()}")
                await asyncio.sleep(0.02)
            meter = CpuMeter({**self.pids, "generator": [generator.pid]})
            while generator.returncode is None:
                meter.look()
                self.check()
                check()
                await asyncio.sleep(0.1)
            if generator.returncode != 0:
                raise LocalStackError(f"the load generator failed:\n{generator.tail()}")
        return meter


async def scrape(client: GatewayClient, urls: Sequence[str]) -> Samples:
    """The metrics of the processes at these addresses, as one."""
    return Samples.of([await client.page(f"{url}/metrics") for url in urls])


def _exists(path: str) -> bool:
    return Path(path).exists()
