"""Partitions that bring nothing are not asked for with every fetch.

A fetch names each of its partitions, and so does its answer: 24 of them cost the worker a millisecond and the
broker more than that, whether or not there is anything in them. Under load a few carry everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

Asked = list[tuple[str, list[tuple[int, int, int]]]]
"""What a fetch asks for: topic -> (partition, offset, most bytes)."""

IDLE_AFTER_S = 5.0
"""A partition that has brought nothing for so long is idle."""

EVERY = 4
"""Idle partitions are in one of so many fetches (each waits for kafka.fetch_max_wait_ms at most)."""


class IdlePartitions:
    """Decides fetch by fetch which partitions are asked for; one that moved on is asked for each time."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._moved: dict[tuple[str, int], tuple[int, float]] = {}
        self._fetches = 0

    def without(self, asked: Asked) -> Asked:
        """`asked`, mostly without the idle ones. All of it where all are idle: that saves nothing."""
        now_s, busy = self._now_s(), []
        for topic, partitions in asked:
            kept = [each for each in partitions if self._is_busy(topic, each[0], each[1], now_s)]
            if kept:
                busy.append((topic, kept))
        self._fetches += 1
        return asked if not busy or self._fetches % EVERY == 0 else busy

    def _is_busy(self, topic: str, partition: int, offset: int, now_s: float) -> bool:
        last = self._moved.get((topic, partition))
        if last is None or last[0] != offset:
            self._moved[topic, partition] = (offset, now_s)
            return True
        return now_s - last[1] < IDLE_AFTER_S


def spare_idle(fetcher: Any) -> None:
    """Have aiokafka's fetcher leave idle partitions out. Offsets and assignments stay its own affair."""
    plan, idle = fetcher._get_actions_per_node, IdlePartitions()

    def spared(assignment: Any) -> Any:
        requests, *others = plan(assignment)
        return [(node, _spared(request, idle)) for node, request in requests], *others

    fetcher._get_actions_per_node = spared


def _spared(request: FetchRequest, idle: IdlePartitions) -> FetchRequest:
    request._topics = idle.without(request.topics)
    return request
