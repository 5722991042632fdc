"""The list of withdrawn items in Redis: what changed on it, and how it is mended outside a batch."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from itertools import chain

from streams.stores.commit import digest_of
from streams.stores.redis.calls import KEYS_PER_CALL, ROWS_PER_CALL
from streams.stores.redis.scripts.withdrawn import MEND_SHARED, MEND_WITHDRAWN
from streams.stores.redis.values import RedisValues
from streams.stores.withdrawals import Withdrawals, version_of


class RedisWithdrawn(RedisValues):
    """The part of `Store` that is about withdrawn items."""

    async def withdrawals(self, after: str) -> Withdrawals:
        # The version is read first: what changes in between is read again the next time, and none is missed.
        value = await self._pooled.call("GET", self._keys.shared("withdrawn", "version"))
        version = "" if value is None else value.decode()
        (began, number), (now, _) = version_of(after), version_of(version)
        whole = began != now
        least = 1 if whole else 2 * number + 1
        changes: dict[str, bool] = {}
        while True:
            page = await self._pooled.call(
                *("ZRANGEBYSCORE", self._keys.shared("withdrawn"), f"({least}", "+inf"),
                *("WITHSCORES", "LIMIT", 0, ROWS_PER_CALL),
            )  # fmt: skip
            scores = [int(float(score)) for score in page[1::2]]
            changes |= {
                item_id.decode(): score % 2 == 1 for item_id, score in zip(page[::2], scores, strict=True)
            }
            if len(scores) < ROWS_PER_CALL:
                return Withdrawals(version, whole, changes)
            least = scores[-1]

    async def mend_withdrawn(self, withdrawn: Mapping[str, bool], found: Mapping[str, str]) -> None:
        item_ids = list(withdrawn)
        for at in range(0, len(item_ids), KEYS_PER_CALL):
            part = {item_id: withdrawn[item_id] for item_id in item_ids[at : at + KEYS_PER_CALL]}
            if self._keys.shards > 1:
                while not await self._mended(part, found):
                    pass
                continue
            listed = [self._keys.shared("withdrawn"), self._keys.shared("withdrawn", "version")]
            await self._pooled.script(
                MEND_WITHDRAWN,
                [*listed, *(self._keys.of("item", item_id) for item_id in part)],
                [uuid.uuid4().hex, *flat_marks(part), *(found[item_id] for item_id in part)],
            )

    async def _mended(self, withdrawn: Mapping[str, bool], found: Mapping[str, str]) -> bool:
        """The same in a store of several shards; False where items were marked meanwhile."""
        shared = self._keys.shared
        often = await self._pooled.call("HGET", shared("relayed"), "marks")
        records = await self.items(list(withdrawn))
        part = {
            item_id: now
            for (item_id, now), record in zip(withdrawn.items(), records, strict=True)
            if digest_of(record) == found[item_id]
        }
        keys = [shared("relayed"), shared("withdrawn"), shared("withdrawn", "version")]
        arguments = [uuid.uuid4().hex, often or b"0", len(part), *flat_marks(part)]
        return bool(await self._pooled.script(MEND_SHARED, keys, arguments))


def flat_marks(withdrawn: Mapping[str, bool]) -> chain[str | int]:
    return chain.from_iterable((item_id, int(now)) for item_id, now in withdrawn.items())
