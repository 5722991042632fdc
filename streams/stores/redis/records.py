"""What is asked of Redis about records one by one: pages of items and users, notes of the gateways,
and what workers report of themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from model.errors import CursorError
from streams.stores.base import StoredReport, UserPage
from streams.stores.redis.calls import Calls
from streams.stores.redis.keys import ABOUT_USER, NOTE, RedisKeys
from streams.stores.redis.scripts.records import PUT_NOTE, PUT_NOTE_ABOUT, PUT_REPORT

SCANS = 64
"""Calls for one page of users at most: few of the keys that are looked through may be states."""
SCAN_MOST = 5_000
CURSOR_MOST = 2**64


class RedisRecords:
    """The part of `Store` that lists records, and keeps notes."""

    _pooled: Calls
    _keys: RedisKeys

    async def item_ids(self, start: int, most: int) -> list[str]:
        if most <= 0:
            return []
        found = await self._pooled.call("LRANGE", self._keys.shared("row-ids"), start, start + most - 1)
        return [item_id.decode() for item_id in found]

    async def users(self, cursor: str, about: int) -> UserPage:
        # The server looks through all keys, some at a time; shard by shard, as each may be on another node.
        shard, at = place_of(cursor, self._keys.shards)
        users: list[str] = []
        count = about
        for _ in range(SCANS):
            start = self._keys.of_shard(shard, "state", "")
            # The first command says which node of a cluster is asked.
            here = ("EXISTS", self._keys.of_shard(shard, "progress"))
            scan = ("SCAN", at, "MATCH", escaped(start) + "*", "COUNT", count)
            _, (after, keys) = await self._pooled.pipeline([here, scan])
            users += [key.decode().removeprefix(start) for key in keys]
            at = int(after)
            if at == 0:
                shard += 1
                if shard == self._keys.shards:
                    return UserPage(users, "")
            if len(users) >= about:
                break
            count = about if keys else min(2 * count, SCAN_MOST)
        return UserPage(users, f"{shard}.{at}")

    async def notes(self, names: Sequence[str], about: str = "") -> list[bytes | None]:
        if about:
            return await self._notes_about(about, names)
        parts: dict[int, list[str]] = {}
        for name in dict.fromkeys(names):
            parts.setdefault(self._keys.shard_of(name), []).append(name)
        values: dict[str, bytes | None] = {}
        for part in parts.values():
            found = await self._pooled.call("MGET", *(self._keys.of(NOTE, name) for name in part))
            values.update(zip(part, found, strict=True))
        return [values[name] for name in names]

    async def _notes_about(self, user: str, names: Sequence[str]) -> list[bytes | None]:
        if not names:
            return []
        # The first command says which node of a cluster is asked.
        read = ("HMGET", self._keys.of(ABOUT_USER, user), *names)
        packed, (seconds, microseconds) = await self._pooled.pipeline([read, ("TIME",)])
        now_ms = 1_000 * int(seconds) + int(microseconds) // 1_000
        return [None if raw is None else _held(raw, now_ms) for raw in packed]

    async def put_note(
        self, name: str, value: bytes, found: str, ttl_ms: int, about: str = "", ts: int = 0
    ) -> None:
        if about:
            key = self._keys.of(ABOUT_USER, about)
            await self._pooled.script(PUT_NOTE_ABOUT, [key], [name, found, value, ttl_ms, ts])
        else:
            await self._pooled.script(PUT_NOTE, [self._keys.of(NOTE, name)], [found, value, ttl_ms])

    async def put_report(self, worker: str, report: bytes, ttl_ms: int) -> None:
        await self._pooled.script(PUT_REPORT, [self._keys.shared("reports")], [worker, report, ttl_ms])

    async def reports(self) -> list[StoredReport]:
        pairs, now = await self._pooled.pipeline([("HGETALL", self._keys.shared("reports")), ("TIME",)])
        now_ms = int(now[0]) * 1_000 + int(now[1]) / 1_000
        found = []
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            written, expires, report = value.split(b" ", 2)
            if int(expires) > now_ms:
                found.append(StoredReport(name.decode(), max(0.0, now_ms - int(written)), report))
        return sorted(found)


def _held(packed: bytes, now_ms: int) -> bytes | None:
    """What a note about a user says; None where it holds no more.

    >>> _held(b"12:5:said: so", 11), _held(b"12:5:said", 12)
    (b'said: so', None)
    """
    until_ms, _, value = packed.split(b":", 2)
    return value if int(until_ms) > now_ms else None


def place_of(cursor: str, shards: int) -> tuple[int, int]:
    """The shard, and the server's own cursor in it; raises `CursorError`.

    >>> place_of("", 1), place_of("3.17", 4)
    ((0, 0), (3, 17))
    """
    if not cursor:
        return 0, 0
    shard, _, at = cursor.partition(".")
    digits = shard + at
    if digits.isascii() and digits.isdigit() and shard and at and len(digits) < 40:
        place = int(shard), int(at)
        if place[0] < shards and place[1] < CURSOR_MOST:
            return place
    raise CursorError(f"cursor {cursor[:60]!r}: expected one that a page of users named")


def escaped(text: str) -> str:
    """As a pattern that matches it alone."""
    return "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in text)
