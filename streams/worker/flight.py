"""A batch in flight: from its fold until it is written."""

from __future__ import annotations

import asyncio

from streams.kafka.message import Message


class Flight:
    """Whoever awaits `task` gets the messages that are done with.

    `folded`: the next batch may be begun. `straight`: whether the batch was written as it was first folded.
    `pushed_ms`, `written_ms`: when its transaction began, and when its answer was read; 0 without one.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.folded: asyncio.Future[None] = loop.create_future()
        self.straight: asyncio.Future[bool] = loop.create_future()
        self.task: asyncio.Task[list[Message]]
        self.pushed_ms = self.written_ms = 0.0

    def ended(self, straight: bool) -> None:
        """The first attempt is over."""
        if not self.straight.done():
            self.straight.set_result(straight)
        if not self.folded.done():
            self.folded.set_result(None)
