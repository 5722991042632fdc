"""Keeps a replica up with the other processes: what they have applied, and which model they are to serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from model.errors import FencedError, LedgerGapError, StoreUnavailableError
from streams.serving.replica import Replica

log = logging.getLogger(__name__)


class FollowedModels(Protocol):
    """The models of this process, as far as a follower speaks to them."""

    async def activated(self, name: str) -> None:
        """The ledger says that `name` is the model now."""
        ...

    async def mend(self) -> None:
        """Try again to load what is missing."""
        ...


class Follower:
    """`turn` counts what others have applied. `recover` makes the counters whole where they can't be trusted;
    it is called with the replica's lock held.
    """

    def __init__(
        self, replica: Replica, models: FollowedModels, recover: Callable[[], Awaitable[None]]
    ) -> None:
        self.replica, self.models, self.recover = replica, models, recover
        self.trouble = ""
        self._reported = replica.activated

    async def turn(self) -> int:
        """Count what others have applied since the last turn; how many ledger entries came.

        Raises `StoreUnavailableError` where the store is away. Where the counters can't be trusted, they are
        read anew in the next turn.
        """
        try:
            came = await self._follow()
        except (LedgerGapError, FencedError) as error:
            log.warning("the counters are read anew: %s", error)
            self.replica.sound = False
            return 0
        if (name := self.replica.activated) != self._reported:  # by whoever read the ledger since
            await self.models.activated(name)
            self._reported = name
        await self.models.mend()
        return came

    async def _follow(self) -> int:
        """The lock is taken only where there is something to count: no batch waits for what nobody wrote."""
        replica, page = self.replica, None
        if replica.sound:
            await replica.check_kept()
            page = await replica.unread()
            if page is None and replica.sound:
                return 0
        async with replica.lock:
            try:
                await self.recover()
                return await replica.catch_up(page)
            except BaseException:
                replica.sound = False  # part of a page may have been counted
                raise

    async def run(self, every_s: float) -> None:
        """Turn after turn, until it is cancelled. A store that is away is waited for; `trouble` says so."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.turn()
            except StoreUnavailableError as error:
                if not self.trouble:
                    log.warning("the ledger is not followed: %s", error)
                self.trouble = str(error)
            else:
                self.trouble = ""
