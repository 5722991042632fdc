"""Work beside the service: a thread that yields the processor to everything else."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

LOWEST_PRIORITY = 19


def beside(work: Callable[[], None], name: str) -> threading.Thread:
    """A thread that does `work`; the process does not wait for it when it ends."""

    def run() -> None:
        if sys.platform == "linux":  # where each thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
        work()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
