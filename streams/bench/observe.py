"""What an app sees: every feed as it appears in Redis, with the event that caused it.

The observer subscribes to the channel on which workers announce feeds, and reads each announced feed. A feed
is `seen` once the observer has read it, so the announcement and the read are part of the measured time.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis

from streams.bench.load import now_ms
from streams.settings.connections import RedisSettings


class SeenFeed(NamedTuple):
    """`cause` is an event id; `times` are the slate's; `seen_ms`: when the observer read it."""

    cause: str
    rung: str
    times: dict[str, float]
    seen_ms: float


class _Slate(msgspec.Struct):
    """The part of `streams.ranking.slate.Slate` that the benchmark measures."""

    cause: str
    rung: str
    times: dict[str, float]


_decoder = msgspec.msgpack.Decoder(_Slate)


class Observer:
    """Use it as a context; `seen` grows while it runs, one entry for each slate."""

    def __init__(self, settings: RedisSettings) -> None:
        self._redis: Any = Redis.from_url(settings.url)
        self._prefix = settings.prefix
        self._announced: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._last: dict[str, str] = {}
        self.seen: list[SeenFeed] = []

    async def __aenter__(self) -> Observer:
        channel: Any = self._redis.pubsub(ignore_subscribe_messages=True)
        await channel.subscribe(f"{self._prefix}feeds")
        self._tasks = [asyncio.create_task(self._listen(channel)), asyncio.create_task(self._read())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    def check(self) -> None:
        """Raise the error that ended the observer, if there is one."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _listen(self, channel: Any) -> None:
        async for message in channel.listen():
            self._announced.put_nowait(message["data"].decode())

    async def _read(self) -> None:
        while True:
            users = [await self._announced.get()]
            while not self._announced.empty():
                users.append(self._announced.get_nowait())
            users = list(dict.fromkeys(users))
            values = await self._redis.mget([f"{self._prefix}feed:{user}" for user in users])
            seen_ms = now_ms()
            for user, value in zip(users, values, strict=True):
                if value is None:
                    continue
                slate = _decoder.decode(value)
                if self._last.get(user) != slate.cause:
                    self._last[user] = slate.cause
                    self.seen.append(SeenFeed(slate.cause, slate.rung, slate.times, seen_ms))
