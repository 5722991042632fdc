"""What this process must read anew before it folds: all counters after a refused write, the ledger after
partitions have moved, and Kafka itself after the store was emptied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.kafka.gaps import Gaps
from streams.serving.replica import Replica
from streams.stores.base import Store
from streams.worker.kept_states import KeptStates
from streams.worker.metrics import WorkerMetrics
from streams.worker.offset_order import PartitionLog


class Recovery:
    """Reads the counters anew where they can't be trusted, and forgets what is at hand of users (`kept`)."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        kafka: PartitionLog,
        kept: Sequence[KeptStates[Any]],
        gaps: Gaps,
        metrics: WorkerMetrics,
    ) -> None:
        self.store, self.replica, self.kafka, self.metrics = store, replica, kafka, metrics
        self.kept, self.gaps = kept, gaps
        self._followed = True

    def moved(self) -> None:
        """Partitions have come or gone: others may have written since. No batch may be under way."""
        self.forget()
        self._followed = False

    def forget(self, wrong: bool = False) -> None:
        """What is at hand of users; see `KeptStates.clear`."""
        for kept in self.kept:
            kept.clear(wrong)

    async def recover(self) -> None:
        """Read the counters anew where they can't be trusted. The caller holds the replica's lock."""
        if self.replica.sound:
            return
        self.forget()
        self.metrics.rebuilds.inc()
        await self.replica.rebuild()
        if self.replica.forgotten:  # the store was emptied: what Kafka still has makes it whole again
            places = self.kafka.assigned()
            for place, offset in (await self.store.load([], places)).progress.items():
                start = max(offset + 1, await self.kafka.earliest(place))
                self.gaps.sought(place, await self.kafka.reread(place, start))
            self.replica.forgotten = False

    async def follow(self) -> None:
        """Count what was applied by those who had the partitions before: whether an item's update is late is
        told by what is known of the item. The caller holds the replica's lock.
        """
        if self._followed:
            return
        try:
            self.metrics.followed.add(await self.replica.catch_up())
        except BaseException:
            self.replica.sound = False  # part of a page may have been counted
            raise
        self._followed = True
