"""Experiments' sums in Redis: a hash of numbers in each shard, which transactions add to, and notes of what
they were.
"""

from __future__ import annotations

import msgspec

from streams.experiments.arm_totals import totals_of
from streams.state.stored_format import decoded_by_head
from streams.stores.base import HISTORY_MOST, AllTotals
from streams.stores.redis.calls import Calls
from streams.stores.redis.keys import RedisKeys
from streams.stores.redis.scripts.records import NOTE_SUMS

SUMS, HISTORY = "sums", "sums-history"

VERSION = 1


class Note(msgspec.Struct, array_like=True, frozen=True):
    """Version 1: an experiment's numbers by their fields, as they were at `ts_ms`."""

    version: int
    ts_ms: int
    numbers: dict[str, int]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Note)


class RedisSums:
    """The part of `Store` that is about experiments."""

    _pooled: Calls
    _keys: RedisKeys

    async def read_arm_sums(self, experiment: str) -> AllTotals:
        return totals_of(await numbers_of(self._pooled, self._keys, experiment))

    async def append_sums_history(self, experiment: str, ts_ms: int) -> None:
        note = encode_note(ts_ms, await numbers_of(self._pooled, self._keys, experiment))
        await self._pooled.script(NOTE_SUMS, [self._keys.shared(HISTORY, experiment)], [note, HISTORY_MOST])

    async def read_sums_history(self, experiment: str) -> list[tuple[int, AllTotals]]:
        notes = await self._pooled.call("LRANGE", self._keys.shared(HISTORY, experiment), 0, -1)
        return [(note.ts_ms, totals_of(note.numbers)) for note in map(decode_note, notes)]

    async def forget_sums(self, experiment: str) -> None:
        for shard in range(self._keys.shards):
            await self._pooled.call("DEL", self._keys.of_shard(shard, SUMS, experiment))
        await self._pooled.call("DEL", self._keys.shared(HISTORY, experiment))


async def numbers_of(calls: Calls, keys: RedisKeys, experiment: str) -> dict[str, int]:
    """An experiment's numbers by their fields, of all shards together."""
    together: dict[str, int] = {}
    for shard in range(keys.shards):
        flat = await calls.call("HGETALL", keys.of_shard(shard, SUMS, experiment))
        for name, number in zip(flat[::2], flat[1::2], strict=True):
            together[name.decode()] = together.get(name.decode(), 0) + int(number)
    return together


def encode_note(ts_ms: int, numbers: dict[str, int]) -> bytes:
    """A note as the bytes that `decode_note` reads."""
    return _encoder.encode(Note(VERSION, ts_ms, numbers))


def decode_note(raw: bytes) -> Note:
    """The note that `encode_note` packed; `StoreError` for anything else."""
    return decoded_by_head("note of sums", _decoder, raw, VERSION)
