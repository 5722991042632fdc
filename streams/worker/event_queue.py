"""The queue between Kafka's client and the intake: Faust's, which also rings where something comes.

Whoever waits for a queue and for something else at once needs a task for `get`. A bell needs none.

This module uses private members of Faust's queue; pyproject.toml bounds its version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mode.utils.queues import ThrowableQueue


class EventQueue(ThrowableQueue[Any]):
    """One reader takes what is there with `get_nowait`, which raises what was thrown. `ring` is called for
    each event that is put in, and for what is thrown.

    >>> from mode.utils.queues import FlowControlEvent
    >>> queue, heard = EventQueue(flow_control=FlowControlEvent()), []
    >>> queue.ring = lambda: heard.append("ring")
    >>> queue.put_nowait("event")
    >>> heard, queue.get_nowait()
    (['ring'], 'event')
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.ring: Callable[[], object] = lambda: None

    def _put(self, item: Any) -> None:
        super()._put(item)
        self.ring()

    def _throw(self, error: BaseException) -> None:
        super()._throw(error)
        self.ring()
