"""Whether the store's keys are laid out as the settings say. Else nothing is read or written: values under
other names would be overlooked, and begun anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model.errors import StoreUnfitError
from streams.stores.redis.calls import Calls
from streams.stores.redis.keys import RedisKeys
from streams.stores.redis.pipeline import Argument, Command
from streams.stores.redis.scripts.script import Script


class RedisLayout:
    """Asked for once in a process. `known`: whether it was, and is right; `marked`: whether the store says so
    itself, or needs not.
    """

    def __init__(self, calls: Calls, keys: RedisKeys) -> None:
        self._calls, self._keys = calls, keys
        self.known = False
        self.marked = keys.shards == 1  # stores that were made before there were shards have no mark

    async def check(self, writes: bool = False) -> None:
        """Raises `StoreUnfitError` where the store has another number of shards. Whoever `writes` first to a
        new store of several shards leaves a mark there.
        """
        shards, mark = self._keys.shards, self._keys.layout
        value = await self._calls.call("GET", mark)
        if value is None and shards > 1:
            await self._check_new()
            if writes:
                await self._calls.call("SET", mark, shards, "NX")
                value = await self._calls.call("GET", mark)
        if value is not None and int(value) != shards:
            raise StoreUnfitError(
                f"redis.shards is {shards}, but the store under {self._keys.prefix!r} has {int(value)}:"
                " set it to that, or move the data with `headrace reshard`"
            )
        self.marked = value is not None or shards == 1
        self.known = self.marked  # a store that is new yet may be given other shards by another process

    async def _check_new(self) -> None:
        for name in ("progress", "rows"):
            if await self._calls.call("EXISTS", self._keys.prefix + name):
                raise StoreUnfitError(
                    f"redis.shards is {self._keys.shards}, but the store under {self._keys.prefix!r} has"
                    " one shard: set it to 1, or move the data with `headrace reshard`"
                )


class CheckedCalls(Calls):
    """Calls that wait for the check before the first of them. Scripts count as what writes."""

    def __init__(self, calls: Calls, layout: RedisLayout) -> None:
        super().__init__(calls.server, calls.timeout_s)
        self._calls, self._layout = calls, layout

    async def attempts(self, commands: Sequence[Command]) -> list[Any]:
        if not self._layout.known:
            await self._layout.check()
        return await self._calls.attempts(commands)

    async def script(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        if not self._layout.marked:
            await self._layout.check(writes=True)
        return await super().script(script, keys, arguments)
