"""Whether the consumer group still counts this worker in.

A worker that was stopped, or cut off from Kafka, for longer than its session has lost its partitions, and is
not told: it learns so from the answer to its next heartbeat. Until one is answered well, nobody may rely on
what it says it reads.

An answer that the client does not know is kept by it for whoever fetches next, and its part in the group
rests until then. While partitions move nobody fetches, so it would rest for ever. Here the group is joined
anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.errors import KafkaError

from streams.settings.connections import KafkaSettings

log = logging.getLogger(__name__)

AGAIN_AFTER_S = 1.0


class Membership:
    """When the group's coordinator last confirmed it; heard in one thread and read in any."""

    def __init__(self, kafka: KafkaSettings, now_s: Callable[[], float] = time.monotonic) -> None:
        # After a session without a heartbeat the partitions are gone; a pause that is shorter does no harm.
        session_ms, heartbeat_ms = kafka.session_timeout_ms, kafka.heartbeat_ms
        self._doubt_after_s = max(session_ms - heartbeat_ms, session_ms / 2) / 1_000
        self._now_s = now_s
        self._confirmed_s: float | None = None
        self._refusal = ""

    def confirmed(self, ago_s: float = 0.0) -> None:
        """The coordinator has answered so long ago, and this worker is a member."""
        self._confirmed_s, self._refusal = self._now_s() - ago_s, ""

    def lost(self) -> None:
        """The coordinator does not know this worker any more."""
        self._confirmed_s = None

    def refused(self, error: Exception) -> None:
        """The coordinator gave an answer that the client can't do anything with."""
        self._confirmed_s, self._refusal = None, f"the consumer group can't be joined: {error!r}"

    @property
    def trouble(self) -> str:
        """Why the membership is in doubt; "" where it is not."""
        if self._confirmed_s is None:
            return self._refusal or "partitions are being assigned"
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
    keep = coordinator._push_error_to_user

    async def join_anew(error: Exception) -> None:
        if not isinstance(error, KafkaError):  # a defect, which ends the worker: see vitals.py
            await keep(error)
            return
        log.error("the consumer group is joined anew: %r", error)
        membership.refused(error)
        coordinator.request_rejoin()
        await asyncio.wait([coordinator._closing], timeout=AGAIN_AFTER_S)

    coordinator._push_error_to_user = join_anew


def _hear(coordinator: Any, name: str, membership: Membership) -> None:
    ask: Callable[..., Awaitable[bool]] = getattr(coordinator, name)

    async def heard(*arguments: Any) -> bool:
        good = await ask(*arguments)
        if good:
            membership.confirmed()
        return good

    setattr(coordinator, name, heard)
