"""The threads and tasks that a worker can't do without. Whoever wrote them restarts some and forgets others:
where one has ended, the worker looks well and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


def ended_task(tasks: Iterable[tuple[str, asyncio.Future[Any] | None]]) -> BaseException | None:
    """The error with which one of these (name, task) has ended; None where all is well."""
    for name, task in tasks:
        if task is not None and task.done() and not task.cancelled():
            error = task.exception()
            if error is not None:
                error.add_note(f"{name} ended with it")
                return error
    return None


def ended_reader(consumer: Any, should_stop: bool) -> BaseException | None:
    """Why the thread under Faust's consumer, or what its client runs, has ended; None where all is well."""
    thread = getattr(consumer, "_thread", None)
    if thread is None or should_stop:
        return None
    found: BaseException | None = thread.ended()
    return found
