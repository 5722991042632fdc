"""CPU time of processes, as the system counts it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

import psutil


class CpuMeter:
    """Counts from its creation, for processes by name; it adds up several pids under one name."""

    def __init__(self, pids: Mapping[str, list[int]]) -> None:
        self._processes = {name: [psutil.Process(pid) for pid in group] for name, group in pids.items()}
        self._latest: dict[int, float] = {}
        self._begun_s = self._looked_s = time.monotonic()
        self.look()
        self._start = dict(self._latest)

    def look(self) -> None:
        """Read the clocks; a process that has ended keeps its last reading."""
        self._looked_s = time.monotonic()
        for group in self._processes.values():
            for process in group:
                # A child that has ended without a wait for it is a zombie: it exists, and shows 0.
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    spent = times.user + times.system
                    self._latest[process.pid] = max(spent, self._latest.get(process.pid, 0.0))

    @property
    def wall_s(self) -> float:
        """Seconds of real time from the meter's creation until the last look."""
        return self._looked_s - self._begun_s

    def spent_s(self) -> dict[str, float]:
        """CPU seconds, user and system, from the meter's creation until the last look."""
        return {
            name: sum(self._latest[process.pid] - self._start[process.pid] for process in group)
            for name, group in self._processes.items()
        }
