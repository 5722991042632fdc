"""The demo from beginning to end: prepare, start, seed, play, sum up, stop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from export.registry import Registry
from model.errors import LocalStackError, SettingsError
from streams.clock import SystemClock
from streams.demo import experiment, summary
from streams.demo.browser import can_be_seen, open_beside
from streams.demo.live import LiveDemo
from streams.demo.prepare import DemoOptions, Prepared, prepared
from streams.demo.progress import Steps
from streams.demo.seed import seed
from streams.kafka.topics import ensure_topics
from streams.local.ports import free_ports, is_free
from streams.local.services import Services
from streams.local.stack import LocalStack
from streams.local.stopping import terminate_as_exit
from streams.serving.compiling import compiled_by_child
from streams.serving.loading import texts_by
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore

FAILED = 1


def run_demo(options: DemoOptions, settings: Settings, seconds: float | None, opens: bool = True) -> int:
    """Run the demo; returns the exit status: 0 if nothing went wrong. `opens`: the application in a browser,
    where there is one and somebody who sees it.
    """
    if options.rate <= 0:
        raise SettingsError(f"--rate {options.rate:g}: expected more than 0 events a second")
    terminate_as_exit()
    console = Console()
    started_s = time.monotonic()
    logs = options.folder / "logs"
    with contextlib.ExitStack() as running:
        with Steps(console) as steps:
            stack = running.enter_context(LocalStack(settings, progress=steps.step, logs=logs, durable=True))
            # What a child compiles serves the worker and the gateway too, and this process does not hold it.
            with compiled_by_child(stack.settings, on_request=True):
                ready = prepared(options, stack.settings, SystemClock(), steps.say)
            settings = experiment.noted(with_pages(with_gateway_port(ready.settings)))
            steps.step("seeding the store with the first part")
            asyncio.run(_begin(ready, settings))
            services = running.enter_context(Services(settings, logs, progress=steps.step))
        console.print(f"live after {time.monotonic() - started_s:.0f} s at {services.gateway_url}")
        for line in pages(settings, services.gateway_url):
            console.print(line, highlight=False, soft_wrap=True)
        if opens and can_be_seen(console.is_terminal):
            open_beside(f"{services.gateway_url}/demo")
        for line in experiment.introduction(settings, options.users):
            console.print(line, highlight=False, soft_wrap=True)
        demo = LiveDemo(ready, services, [*stack.processes, *services.processes], options.rate, console)
        try:
            asyncio.run(demo.run(seconds))
        except LocalStackError as error:
            console.print(f"headrace demo: {error}", style="red", highlight=False, markup=False)
            return FAILED
        return _sum_up(demo, console)


async def _begin(ready: Prepared, settings: Settings) -> None:
    """Start the experiment, and put what the core knows into the store."""
    await ensure_topics(settings.kafka)
    store, clock = RedisStore(settings.redis, settings.state, settings.learning), SystemClock()
    core = ready.run.recommender
    try:
        core.arms.run(await experiment.start(store, clock))
        by = texts_by(settings.model, Registry(Path(settings.model.registry)))
        await seed(store, core, ready.run.states, ready.records(), clock, by)
    finally:
        await store.close()


def with_gateway_port(settings: Settings) -> Settings:
    """The settings with their own port for the gateway if it is free, else with another."""
    gateway = settings.gateway
    if gateway.port == 0 or not is_free(gateway.host, gateway.port):
        gateway = msgspec.structs.replace(gateway, port=free_ports(1)[0])
    return msgspec.structs.replace(settings, gateway=gateway)


def with_pages(settings: Settings) -> Settings:
    """The settings with the demo application open to this machine, if they leave it off."""
    gateway = settings.gateway
    if gateway.demo_app == "off":
        gateway = msgspec.structs.replace(gateway, demo_app="loopback")
    return msgspec.structs.replace(settings, gateway=gateway)


def pages(settings: Settings, url: str) -> Iterator[str]:
    """Where to look with a browser."""
    yield f"the demo application: {url}/demo"
    if settings.gateway.console != "off":
        yield f"the console: {url}/console"


def _sum_up(demo: LiveDemo, console: Console) -> int:
    for line in summary.lines(demo.tally, demo.applied, demo.dead_letters, demo.elapsed_s, demo.others):
        console.print(line, highlight=False, soft_wrap=True)
    if demo.experiment:
        console.print(demo.experiment, highlight=False, soft_wrap=True)
    faults = summary.problems(demo.tally, demo.applied, demo.dead_letters, demo.others)
    for problem in faults:
        console.print(f"problem: {problem}", style="red", highlight=False, soft_wrap=True)
    return FAILED if faults else 0
