"""A process that stands still, as one that is paused or starved does: alive, its sockets open, and silent."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BOUND_S = 20.0


def freeze(pid: int) -> None:
    """Stop all threads of the process, and return once they stand still.

    `kill` returns before that: a thread on the other core goes on to its next interrupt, and may well answer.
    """
    os.kill(pid, signal.SIGSTOP)
    bound = time.monotonic() + BOUND_S
    while moving := [thread for thread, state in _states(pid).items() if state not in "TtZX"]:
        assert time.monotonic() < bound, (
            f"threads {moving} of process {pid} still run {BOUND_S} s after SIGSTOP"
        )
        time.sleep(0.001)


def thaw(pid: int) -> None:
    """Let it go on."""
    os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process stands still for as long as the block lasts."""
    freeze(pid)
    try:
        yield
    finally:
        thaw(pid)


def _states(pid: int) -> dict[int, str]:
    """By thread, the letter that the system has for its state (proc(5))."""
    states = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            states[int(thread.name)] = (thread / "stat").read_text().rpartition(") ")[2][0]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    return states
