"""A wait, with a deadline, for a server that has just started."""

from __future__ import annotations

import time
from collections.abc import Callable

from model.errors import LocalStackError
from streams.local.processes import ChildProcess

LONGEST_S = 900.0
"""A worker's first start compiles for a minute, and for many on a busy machine."""


def wait_until_ready(
    child: ChildProcess, ready: Callable[[], bool], deadline_s: float, alive: Callable[[], bool] | None = None
) -> None:
    """Return once `ready()` holds. `alive`: whether the child does its work meanwhile; then the deadline is
    `LONGEST_S`.

    Raises `LocalStackError`, with the end of the log, if the child ends or the deadline passes.
    """
    begun = time.monotonic()
    while True:
        if child.returncode is not None:
            raise LocalStackError(f"before it answered, {child.how_it_ended}")
        if ready():
            return
        waited = time.monotonic() - begun
        if waited > deadline_s and (waited > LONGEST_S or alive is None or not alive()):
            raise LocalStackError(
                f"{child.name} (process {child.pid}) was not ready within {waited:.3g} s;"
                f" its log is {child.log}, which ends:\n{child.tail()}"
            )
        time.sleep(0.05)
