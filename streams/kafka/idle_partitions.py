"""Most fetches leave out the partitions that bring nothing.

A fetch names each of its partitions, and so does its answer: 24 of them cost the worker a millisecond and the
broker more than that, even if they are empty. Under load a few partitions carry everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

Asked = list[tuple[str, list[tuple[int, int, int]]]]
"""What a fetch asks for: topic -> (partition, offset, most bytes)."""

IDLE_AFTER_S = 5.0
"""A partition that brings nothing for this long is idle."""

EVERY = 4
"""One of this many fetches asks for an idle partition (a fetch waits kafka.fetch_max_wait_ms at most)."""


@dataclass
class _Partition:
    """The offset of the last request, since when it is that, and how many fetches have left it out since."""

    offset: int
    since_s: float
    left_out: int = 0


class IdlePartitions:
    """Decides for each fetch which partitions it asks for; it always asks for partitions that move."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._partitions: dict[tuple[str, int], _Partition] = {}

    def without(self, asked: Asked) -> Asked:
        """`asked`, mostly without idle partitions. All of it where all are idle: that saves nothing."""
        now_s, busy, kept = self._now_s(), False, []
        for topic, partitions in asked:
            part = []
            for each in partitions:
                known = self._known(topic, each[0], each[1], now_s)
                if now_s - known.since_s < IDLE_AFTER_S:
                    busy = True
                elif known.left_out < EVERY - 1:
                    known.left_out += 1
                    continue
                known.left_out = 0
                part.append(each)
            if part:
                kept.append((topic, part))
        return kept if busy else asked

    def _known(self, topic: str, partition: int, offset: int, now_s: float) -> _Partition:
        known = self._partitions.get((topic, partition))
        if known is None or known.offset != offset:
            known = self._partitions[topic, partition] = _Partition(offset, now_s)
        return known


def spare_idle(fetcher: Any) -> None:
    """Make aiokafka's fetcher leave idle partitions out. It still keeps its own offsets and assignments."""
    plan, idle = fetcher._get_actions_per_node, IdlePartitions()

    def spared(assignment: Any) -> Any:
        requests, *others = plan(assignment)
        return [(node, _spared(request, idle)) for node, request in requests], *others

    fetcher._get_actions_per_node = spared


def _spared(request: FetchRequest, idle: IdlePartitions) -> FetchRequest:
    request._topics = idle.without(request.topics)
    return request
