"""The queue between Kafka's client and the intake: Faust's, which also rings where something comes.

Whoever waits for a queue and for something else at once needs a task for `get`. A bell needs none.

This module uses private members of Faust's queue; pyproject.toml bounds its version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mode.utils.queues import ThrowableQueue


class EventQueue(ThrowableQueue[Any]):
    """One reader takes what is there. `ring` is called for each event that is put in, and for what is
    thrown.

    >>> from mode.utils.queues import FlowControlEvent
    >>> queue, heard = EventQueue(flow_control=FlowControlEvent()), []
    >>> queue.ring = lambda: heard.append("ring")
    >>> queue.put_nowait("event")
    >>> heard, queue.take(9), queue.empty()
    (['ring'], ['event'], True)
    """

    _queue: Any  # of `asyncio.Queue`, which does not tell of them
    _wakeup_next: Any

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.ring: Callable[[], object] = lambda: None

    def take(self, most: int) -> list[Any]:
        """What is there, in its order, `most` at most; raises what was thrown."""
        if self._errors:
            raise self._errors.popleft()
        self.maybe_endorse_pressure_drop()
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        for _ in taken if self._putters else ():
            self._wakeup_next(self._putters)
        return taken

    def _put(self, item: Any) -> None:
        super()._put(item)
        self.ring()

    def _throw(self, error: BaseException) -> None:
        super()._throw(error)
        self.ring()
