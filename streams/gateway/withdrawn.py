"""The withdrawn items, as the store lists them: a copy, renewed when a read shows that it is old."""

from __future__ import annotations

import asyncio

from streams.stores.base import Store
from streams.stores.withdrawals import version_of


class WithdrawnItems:
    """Each read of a feed returns the list's version; the gateway then reads only what changed since."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids: set[str] = set()
        self._version = ""
        self._lock = asyncio.Lock()

    def known(self, version: str) -> set[str] | None:
        """The same without a read; None where one is needed."""
        return self._ids if version == self._version else None

    async def up_to(self, version: str) -> set[str]:
        """The ids of the items that are withdrawn as of `version`, or later; callers must not change them."""
        if version != self._version:
            async with self._lock:
                if not self._covers(version):
                    await self._renew()
        return self._ids

    def _covers(self, version: str) -> bool:
        (began, number), (mine, known) = version_of(version), version_of(self._version)
        return began == mine and number <= known

    async def _renew(self) -> None:
        listed = await self._store.withdrawals(self._version)
        if listed.whole:
            self._ids = set()
        for item_id, withdrawn in listed.changes.items():
            if withdrawn:
                self._ids.add(item_id)
            else:
                self._ids.discard(item_id)
        self._version = listed.version
