"""The begin of a benchmark's results: the date, the command, the machine, the versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from export.manifest import versions_of
from streams.bench.gpus import gpus


def made(command: str, packages: Iterable[str]) -> dict[str, Any]:
    """`command`: what a user types to repeat it; `packages`: those whose versions matter, if installed."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "machine": machine(),
        "versions": {"python": platform.python_version(), **versions_of(packages)},
    }


def machine() -> dict[str, Any]:
    """The size of the machine, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "architecture": platform.machine(),
        "load_before": round(os.getloadavg()[0], 2),
        "gpus": gpus(),
    }
