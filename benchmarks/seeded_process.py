"""A worker or a gateway with a large catalogue, as the benchmarks of memory look at it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import psutil

from streams.bench.world import BenchOptions, World, seed_world, world_of
from streams.demo.progress import Steps
from streams.local.environment import environment
from streams.local.ports import free_ports
from streams.local.processes import ChildProcess
from streams.local.readiness import wait_until_ready
from streams.local.services import is_ready
from streams.local.stack import LocalStack
from streams.settings.reading import load
from streams.settings.tree import Settings

MODULES = {"worker": "streams.worker.worker", "gateway": "streams.gateway.app"}
"""What a process imports, nearly all of it."""


class SeededWorld(NamedTuple):
    """A stack whose store knows the catalogue. `folder`: for logs, as long as the stack runs."""

    world: World
    folder: Path


class ReadyProcess(NamedTuple):
    """`started_s`: when it was started, by the monotonic clock. It is ready."""

    process: psutil.Process
    url: str
    settings: Settings
    started_s: float


@contextmanager
def seeded_world(options: BenchOptions, steps: Steps) -> Iterator[SeededWorld]:
    """Start the stack and seed its store; it is stopped at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder,
        LocalStack(load(), progress=steps.step) as stack,
    ):
        world = world_of(options, stack.settings, steps)
        steps.step("seeding the store")
        asyncio.run(seed_world(world))
        yield SeededWorld(world, Path(folder))


@contextmanager
def ready_process(
    seeded: SeededWorld, name: Literal["worker", "gateway"], within_s: float, steps: Steps
) -> Iterator[ReadyProcess]:
    """Start it on a port of its own, and wait until it is ready; it is ended at the end.

    It finds bytecode, as a process does that pip has installed: where an environment forbids Python to write
    any (`PYTHONDONTWRITEBYTECODE`), each start would compile all that it imports.
    """
    steps.step(f"starting the {name}")
    (port,) = free_ports(1)
    section = msgspec.structs.replace(getattr(seeded.world.settings, name), port=port)
    settings = msgspec.structs.replace(seeded.world.settings, **{name: section})
    variables = _as_installed(environment(settings), seeded.folder)
    subprocess.run([sys.executable, "-c", f"import {MODULES[name]}"], env=variables, check=True)
    started_s, url = time.monotonic(), f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streams.commands", name]
    with ChildProcess(name, command, seeded.folder / f"{name}.log", variables) as child:
        wait_until_ready(child, partial(is_ready, url), within_s)
        yield ReadyProcess(psutil.Process(child.pid), url, settings, started_s)


def _as_installed(variables: Mapping[str, str], folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in variables.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), **kept}
