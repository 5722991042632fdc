"""Rows that a user's state names, and the core does not know: met since the ledger was last read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from streams.recommender import Recommender
from streams.serving.live import Live

MEETINGS = 3
"""So often a batch is tried. The last time it does without those whose rows are still not known."""


class WithNewest(Protocol):
    """`newest`: a row that a state names and that is still to be met; -1 where all went well."""

    @property
    def newest(self) -> int: ...


M = TypeVar("M", bound=WithNewest)


async def with_rows_met(live: Live, make: Callable[[Recommender, bool], M]) -> M:
    """What `make` comes to in the core's thread, with all rows met that it needs. It is told whether it may
    be asked again: then it makes nothing where a row is not known.
    """
    for again in reversed(range(MEETINGS)):
        # The recommender as it is now: what is read anew begins in the core's thread after this.
        made = await live.replica.core.call(make, live.recommender, again > 0)
        if made.newest < 0 or not again:
            break
        async with live.replica.lock:
            await live.replica.know(made.newest)
    return made
