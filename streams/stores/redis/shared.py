"""What all processes share in Redis besides the ledger: row numbers, leases, the active model, by which
encoder texts are read, and the registry of experiments.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.stores.base import ACTIVATIONS_MOST, Activation
from streams.stores.redis.calls import KEYS_PER_CALL, ROWS_PER_CALL, Calls
from streams.stores.redis.keys import RedisKeys
from streams.stores.redis.scripts.shared import ACTIVATE, INTERN, LEAD, PUT_EXPERIMENTS

ROWS_AT_FIRST = 16
"""So many names of rows come over the connection of small calls; where there are more, the rest does not."""


class RedisShared:
    """The part of `Store` that names what is in force for all."""

    _pooled: Calls
    _hot: Calls
    _keys: RedisKeys

    async def intern(self, item_ids: Sequence[str]) -> list[int]:
        keys = [self._keys.shared("rows"), self._keys.shared("row-ids")]
        rows: list[int] = []
        for at in range(0, len(item_ids), KEYS_PER_CALL):
            rows += await self._hot.script(INTERN, keys, item_ids[at : at + KEYS_PER_CALL])
        return rows

    async def interned(self, start: int) -> list[str]:
        ids: list[str] = []
        # Every follower asks several times a second whether the last item that it knows is still there.
        calls, most = self._hot, ROWS_AT_FIRST
        while True:
            first = start + len(ids)
            part = await calls.call("LRANGE", self._keys.shared("row-ids"), first, first + most - 1)
            ids += [item_id.decode() for item_id in part]
            if len(part) < most:
                return ids
            calls, most = self._pooled, ROWS_PER_CALL

    async def lead(self, name: str, writer: str, ttl_ms: int) -> bool:
        return bool(await self._pooled.script(LEAD, [self._keys.shared("lease", name)], [writer, ttl_ms]))

    async def activate(self, model: str) -> None:
        keys = [self._keys.shared("model"), self._keys.shared("model", "log")]
        await self._pooled.script(ACTIVATE, keys, [model, ACTIVATIONS_MOST])

    async def active_model(self) -> str | None:
        model: bytes | None = await self._pooled.call("GET", self._keys.shared("model"))
        return None if model is None else model.decode()

    async def activations(self) -> list[Activation]:
        log: list[bytes] = await self._pooled.call("LRANGE", self._keys.shared("model", "log"), 0, -1)
        entries = [entry.decode().partition(" ") for entry in log]
        return [Activation(int(since), name) for since, _, name in entries] or [
            Activation(0, name) for name in [await self.active_model()] if name is not None
        ]  # an older build noted no activations

    async def note_text_encoder(self, encoder: str) -> str:
        await self._pooled.call("SET", self._keys.shared("text-encoder"), encoder, "NX")
        return await self.text_encoder() or encoder

    async def text_encoder(self) -> str | None:
        encoder: bytes | None = await self._pooled.call("GET", self._keys.shared("text-encoder"))
        return None if encoder is None else encoder.decode()

    async def experiments(self) -> bytes | None:
        value: bytes | None = await self._pooled.call("GET", self._keys.shared("experiments"))
        return value

    async def put_experiments(self, value: bytes, found: str, entry: bytes) -> None:
        keys = [self._keys.shared("experiments"), self._keys.shared("experiments", "log")]
        await self._pooled.script(PUT_EXPERIMENTS, keys, [found, value, entry])

    async def experiments_log(self) -> list[bytes]:
        entries: list[bytes] = await self._pooled.call(
            "LRANGE", self._keys.shared("experiments", "log"), 0, -1
        )
        return entries
