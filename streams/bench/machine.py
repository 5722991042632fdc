"""The machine of a measurement; its numbers mean nothing without it."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import psutil

from export.manifest import versions_of
from streams.bench.gpus import gpus
from streams.local.kafka_jars import KAFKA_VERSION

PACKAGES = ("headrace", "faust-streaming", "aiokafka", "litestar", "msgspec", "numpy", "onnxruntime", "redis")


class Machine(msgspec.Struct, frozen=True, omit_defaults=True):
    """`load_before`: the system's one-minute load average when the measurement began. `gpus`: NVIDIA's."""

    date: str
    command: str
    processor: str
    cores: int
    memory_gib: float
    load_before: float
    versions: dict[str, str]
    gpus: list[str] = []


def this_machine() -> Machine:
    """The machine as it is now."""
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        command=command_line(sys.argv),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        load_before=round(os.getloadavg()[0], 2),
        versions={
            "python": platform.python_version(),
            "Kafka": KAFKA_VERSION,
            **{name: _version(name) for name in PACKAGES},
            **versions_of(["onnxruntime-gpu"]),
        },
        gpus=gpus(),
    )


def command_line(words: Sequence[str]) -> str:
    """The command as a user types it: `headrace ...`, or the module of a benchmark. It leaves out the folders
    of files outside the working folder, which concern only this machine.

    >>> command_line(["bin/headrace", "bench", "freshness", "--json", "/some/where/it.json"])
    'headrace bench freshness --json it.json'
    >>> command_line(["benchmarks/peers/__main__.py", "gorse"])
    'python -m benchmarks.peers gorse'
    """
    path = Path(words[0])
    name = path.parent.name if path.stem == "__main__" else path.stem
    program = ["headrace"] if name in ("headrace", "commands") else ["python", "-m", f"benchmarks.{name}"]
    return shlex.join([*program, *map(_without_folder, words[1:])])


def _without_folder(word: str) -> str:
    return Path(word).name if word.startswith(("/", "../", "~")) else word


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
