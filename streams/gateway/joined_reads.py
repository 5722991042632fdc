"""Reads of one turn of the event loop, joined: many requests are served by one call to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from model.errors import StoreUnavailableError

V = TypeVar("V")

MOST = 128
"""Users in one call. More than these, in one turn, share several calls side by side."""


class JoinedReads(Generic[V]):
    """`read` returns one value for each of its users, in order. Each call has `timeout_s` at most.

    A read waits for no other turn: alone, it is a call of its own at once.
    """

    def __init__(self, read: Callable[[Sequence[str]], Awaitable[Sequence[V]]], timeout_s: float) -> None:
        self._read_many, self._timeout_s = read, timeout_s
        self._asked: list[tuple[str, asyncio.Future[V]]] = []
        self._calls: set[asyncio.Task[None]] = set()

    def read(self, user: str) -> asyncio.Future[V]:
        """The user's value; `StoreUnavailableError`, or whatever else the call raises."""
        loop = asyncio.get_running_loop()
        value: asyncio.Future[V] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._begin)
        self._asked.append((user, value))
        return value

    def _begin(self) -> None:
        asked, self._asked = self._asked, []
        for at in range(0, len(asked), MOST):
            call = asyncio.create_task(self._call(asked[at : at + MOST]))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _call(self, asked: Sequence[tuple[str, asyncio.Future[V]]]) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                values = await self._read_many([user for user, _ in asked])
            for (_, waiting), value in zip(asked, values, strict=True):
                if not waiting.done():
                    waiting.set_result(value)
        except BaseException as error:
            if isinstance(error, TimeoutError):
                error = StoreUnavailableError(f"no answer within {self._timeout_s * 1_000:.0f} ms")
            for _, waiting in asked:
                if waiting.done():
                    continue
                if isinstance(error, Exception):
                    waiting.set_exception(error)
                else:
                    waiting.cancel()
            if not isinstance(error, Exception):
                raise
