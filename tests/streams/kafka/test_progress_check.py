"""A worker that starts while others apply events does not take them for lost ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from model.errors import ProgressError
from streams.events.schema import EVENT_TOPICS
from streams.kafka import progress_check
from streams.settings.connections import KafkaSettings
from streams.stores.base import Loaded

SETTINGS = KafkaSettings(partitions=1)


class Busy:
    """Topics in which events come all the time, and a store in which another worker has applied them all."""

    def __init__(self, lost: int = 0) -> None:
        self.written, self.lost = 10, lost

    async def load(self, users: Sequence[str], partitions: Sequence[str]) -> Loaded:
        applied = self.written - 1
        self.written += 5
        return Loaded([], dict.fromkeys(partitions, applied))

    async def ends(self, settings: KafkaSettings) -> dict[str, int]:
        end = self.written - self.lost
        self.written += 5
        return {f"{topic}-0": end for topic in EVENT_TOPICS}


def checked(busy: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(progress_check, "_ends", busy.ends)
    asyncio.run(progress_check.check_progress(SETTINGS, busy))


def test_what_is_applied_meanwhile_is_not_beyond_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    checked(Busy(), monkeypatch)


def test_a_topic_that_ends_before_the_progress_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgressError, match="made the topic anew"):
        checked(Busy(lost=12), monkeypatch)
