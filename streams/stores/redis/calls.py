"""What is asked of Redis, whichever way it travels: one kind of error, and nothing is retried.

Whoever calls knows better whether and when to try again. Only a script that the server does not know travels
once more, with its source.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from redis.exceptions import (
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from model.errors import FencedError, StoreError, StoreUnavailableError
from streams.stores.redis.pipeline import Argument, Command
from streams.stores.redis.scripts.script import FENCED, Script

T = TypeVar("T")

KEYS_PER_CALL = 1_000
ROWS_PER_CALL = 20_000
"""So many keys, or entries of a list, one call names or reads at most: others wait for it."""

PASSING: tuple[tuple[type[RedisError], str], ...] = (
    (ReadOnlyError, "is a replica and takes no writes; name the primary in redis.url, or promote it"),
    (MasterDownError, "is a replica that has lost its primary"),
    (OutOfMemoryError, "is full and takes no writes; raise its maxmemory"),
    (BusyLoadingError, "is loading its data; try again"),
    (ClusterDownError, "is a cluster that is down: a node is away, or slots have none"),
    (TryAgainError, "is moving these keys to another node; try again"),
    (MovedError, "is a node of a Redis Cluster; set redis.cluster"),
    (ClusterCrossSlotError, "is a Redis Cluster, where these keys don't lie together; set redis.cluster"),
)
"""What a server refuses in a state that passes, or that settings mend. Nothing was done, so the call may be
tried again.
"""


class Calls(ABC):
    """One way to a server, or to the servers of a cluster. Each call ends within `redis.timeout_ms`."""

    def __init__(self, server: str, timeout_s: float) -> None:
        self.server, self.timeout_s = server, timeout_s

    @abstractmethod
    async def attempts(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to commands that travel together and run in order; others may run in between. A refusal
        stands as a `RedisError` in the place of its reply.

        The first key of the first command (`key_of`) says which server of a cluster is asked.
        """

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """The same, where each command must succeed."""
        replies = await self.attempts(commands)
        for reply in replies:
            if isinstance(reply, RedisError):
                raise self.as_store_error(reply)
        return replies

    async def call(self, *command: Argument) -> Any:
        """The reply to one command."""
        return (await self.pipeline([command]))[0]

    async def script(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """The reply of a script; its source travels only where the server does not know it yet."""
        (reply,) = await self.attempts([("EVALSHA", script.sha, len(keys), *keys, *arguments)])
        if isinstance(reply, NoScriptError):
            (reply,) = await self.attempts([("EVAL", script.source, len(keys), *keys, *arguments)])
        if isinstance(reply, RedisError):
            raise self.as_store_error(reply)
        return reply

    def as_store_error(self, error: Exception) -> StoreError:
        """What went wrong, for whoever knows no Redis."""
        if isinstance(error, TimeoutError | RedisTimeoutError):
            return StoreUnavailableError(
                f"redis at {self.server} did not answer within {self.timeout_s:g} s; try again"
            )
        for kind, state in PASSING:
            if isinstance(error, kind):
                return StoreUnavailableError(f"redis at {self.server} {state}: {error}")
        if isinstance(error, ResponseError):
            why = str(error)
            if why.startswith(FENCED):
                return FencedError(why.removeprefix(FENCED).strip() + ": another worker has written")
            return StoreUnavailableError(f"redis at {self.server} refused: {why}")
        return StoreUnavailableError(f"redis at {self.server} can't be reached: {error}; try again")


def key_of(command: Command) -> str:
    """The key that says which server of a cluster is asked: a script's first, else the word after the name.

    >>> key_of(("GET", "k")), key_of(("EVALSHA", "f00d", 2, "k", "l", "argument"))
    ('k', 'k')
    """
    return str(command[3] if command[0] in {"EVAL", "EVALSHA"} else command[1])


async def together(calls: Sequence[Awaitable[T]]) -> list[T]:
    """What all of them return; one alone costs no task."""
    return [await calls[0]] if len(calls) == 1 else await asyncio.gather(*calls)
