"""A batch is folded on the rung that fits what waits, and only where the counters can be trusted."""

from __future__ import annotations

import pytest

from model.errors import FencedError
from streams.kafka.message import Message
from streams.worker.look_up import BatchWork
from tests.streams.worker.conftest import NOW_MS, Desk, click


async def test_the_rung_is_chosen_by_what_waits_and_by_no_time_that_an_event_gives(
    desk: Desk,
) -> None:
    async def rung(message: Message) -> str:
        await desk.take(message)
        return desk.batches.folding.rung

    old = 3_600_000
    desk.waiting.learned("clicks", 0, 3)
    gateway_behind = click(0)._replace(headers={"headrace-accepted": b"%d" % (NOW_MS - old)})
    assert await rung(gateway_behind) == "full"
    assert await rung(click(1)._replace(headers=(), timestamp_ms=NOW_MS - old)) == "full"
    desk.clock.advance(40)  # far below 100: what a batch took on this machine is added
    desk.waiting.learned("clicks", 0, 5)
    assert await rung(click(2)) == "full"
    desk.clock.advance(101)
    assert await rung(click(3)) == "counters"
    desk.clock.advance(150)
    assert await rung(click(4)) == "popular"
    desk.waiting.learned("clicks", 0, 6)
    assert await rung(click(5)) == "full"


async def test_nothing_is_folded_on_counters_that_are_ahead_of_the_store(desk: Desk) -> None:
    await desk.take(click(0))
    desk.batches.folding.undo()
    assert not desk.replica.sound
    with pytest.raises(FencedError, match="the batch before this one was not written"):
        await desk.batches.folding.fold(BatchWork([], [], {}, {}, {}, {}, {}, {}, []), NOW_MS)
