"""Whether the consumer group still counts this worker in.

A worker that was stopped, or cut off from Kafka, for longer than its session has lost its partitions, and is
not told: it learns so from the answer to its next heartbeat. Until one is answered well, nobody may rely on
what it says it reads.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from streams.settings import KafkaSettings


class Membership:
    """When the group's coordinator last confirmed it; heard in one thread and read in any."""

    def __init__(self, kafka: KafkaSettings, now_s: Callable[[], float] = time.monotonic) -> None:
        # Some heartbeats may be late; after a session without one the partitions are gone.
        self._doubt_after_s = max(3 * kafka.heartbeat_ms, kafka.session_timeout_ms / 2) / 1_000
        self._now_s = now_s
        self._confirmed_s: float | None = None

    def confirmed(self) -> None:
        """The coordinator has answered, and this worker is a member."""
        self._confirmed_s = self._now_s()

    def lost(self) -> None:
        """The coordinator does not know this worker any more."""
        self._confirmed_s = None

    @property
    def trouble(self) -> str:
        """Why the membership is in doubt; "" where it is not."""
        if self._confirmed_s is None:
            return "partitions are being assigned"
        silent_s = self._now_s() - self._confirmed_s
        if silent_s < self._doubt_after_s:
            return ""
        return f"Kafka has not confirmed for {silent_s:.1f} s that this worker has its partitions"


def watch_membership(coordinator: Any, membership: Membership) -> None:
    """Have aiokafka's group coordinator tell `membership` what it hears; the protocol stays its own."""
    _hear(coordinator, "_do_heartbeat", membership)
    _hear(coordinator, "_do_rejoin_group", membership)
    reset = coordinator.reset_generation

    def reset_generation() -> None:
        membership.lost()
        reset()

    coordinator.reset_generation = reset_generation


def _hear(coordinator: Any, name: str, membership: Membership) -> None:
    ask: Callable[..., Awaitable[bool]] = getattr(coordinator, name)

    async def heard(*arguments: Any) -> bool:
        good = await ask(*arguments)
        if good:
            membership.confirmed()
        return good

    setattr(coordinator, name, heard)
