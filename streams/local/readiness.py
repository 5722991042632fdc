"""A wait, with a deadline, for a server that has just started."""

from __future__ import annotations

import time
from collections.abc import Callable

from model.errors import LocalStackError
from streams.local.processes import ChildProcess


def wait_until_ready(child: ChildProcess, ready: Callable[[], bool], deadline_s: float) -> None:
    """Return once `ready()` holds.

    Raises `LocalStackError`, with the end of the log, if the child ends or the deadline passes.
    """
    end = time.monotonic() + deadline_s
    while True:
        if child.returncode is not None:
            raise LocalStackError(f"before it answered, {child.how_it_ended}")
        if ready():
            return
        if time.monotonic() > end:
            raise LocalStackError(
                f"{child.name} (process {child.pid}) gave no answer within {deadline_s:g} s;"
                f" its log is {child.log}, which ends:\n{child.tail()}"
            )
        time.sleep(0.05)
