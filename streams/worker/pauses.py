"""Which partitions of a librdkafka client are paused: what is held back, or all while too much waits.

A paused partition throws away what the client has in store of it, and fetches it again when it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

from confluent_kafka import TopicPartition
from faust.types import TP

from streams.kafka.polled import Polling

WAITING_EVENTS = 8_192
"""With so many events handed over and not taken yet, nothing more is fetched until half of them are taken."""


class Pauses:
    """`held_back`: of which partitions no more is wanted for now; others change it. `waiting`: how many of
    the events that were brought were not taken yet. Used in the thread that polls.
    """

    def __init__(self, held_back: set[TP], waiting: Callable[[], int]) -> None:
        self._held_back, self._waiting = held_back, waiting
        self._paused: Set[TP] = frozenset()
        self._resting = False

    def __bool__(self) -> bool:
        """Whether anything is paused."""
        return bool(self._paused)

    def forget(self) -> None:
        """Partitions were assigned anew; the client reads all of them."""
        self._paused, self._resting = frozenset(), False

    def look(self, client: Any, polling: Polling) -> None:
        """Pause and resume what is to be."""
        most = WAITING_EVENTS // 2 if self._resting else WAITING_EVENTS
        self._resting = self._waiting() > most
        if not (self._resting or self._paused or self._held_back):
            return
        assigned = polling.partitions
        paused = assigned if self._resting else self._held_back & assigned
        if paused == self._paused:
            return
        if resumed := (self._paused - paused) & assigned:
            client.resume([TopicPartition(*tp) for tp in resumed])
        if begun := paused - self._paused:
            client.pause([TopicPartition(*tp) for tp in begun])
        self._paused = paused
