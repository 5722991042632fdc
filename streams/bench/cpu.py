"""CPU time of processes, as the system counts it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import psutil


class CpuMeter:
    """Counts from when it is made, for processes by name; several pids under one name are added up."""

    def __init__(self, pids: Mapping[str, list[int]]) -> None:
        self._processes = {name: [psutil.Process(pid) for pid in group] for name, group in pids.items()}
        self._latest: dict[int, float] = {}
        self.look()
        self._start = dict(self._latest)

    def look(self) -> None:
        """Read the clocks; one that has ended keeps what was last read of it."""
        for group in self._processes.values():
            for process in group:
                # An ended child that was not waited for yet is a zombie: it is there, and says 0.
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    spent = times.user + times.system
                    self._latest[process.pid] = max(spent, self._latest.get(process.pid, 0.0))

    def spent_s(self) -> dict[str, float]:
        """CPU seconds, user and system, from when the meter was made until the last look."""
        return {
            name: sum(self._latest[process.pid] - self._start[process.pid] for process in group)
            for name, group in self._processes.items()
        }
