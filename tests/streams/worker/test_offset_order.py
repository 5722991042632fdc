"""Each partition is applied in the order of its offsets, with nothing left out and nothing twice."""

from __future__ import annotations

import pytest

from model.errors import ProgressError
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import Desk, click, counted, interactions


async def test_a_gap_is_read_again(desk: Desk, store: MemoryStore) -> None:
    """Events behind it are left alone: they are not done, and come again."""
    await desk.take(click(0))
    other = click(0, "bob", partition=1)
    assert await desk.take(click(3), click(4), other) == [other]
    assert desk.log.reread_from == [("clicks-0", 1)]
    assert await desk.take(click(5)) == []
    assert desk.log.reread_from == [("clicks-0", 1)], "one seek is enough"
    await desk.take(*(click(n) for n in range(1, 6)))
    assert await interactions(store) == 6


async def test_what_was_fetched_before_a_reread_is_no_part_of_it(desk: Desk, store: MemoryStore) -> None:
    """Old and reread events in one batch: those that are not next would take the progress past a gap."""
    await desk.take(click(0))
    await desk.take(click(5))
    batch = [click(6), click(1), click(2), click(7), click(3)]
    assert [each.offset for each in await desk.take(*batch)] == [1, 2, 3]
    assert (await store.load([], ["clicks-0"])).progress == {"clicks-0": 3}
    await desk.take(click(4), click(5), click(6), click(7))
    assert await interactions(store) == 8


async def test_an_event_read_before_and_after_a_reread_counts_where_its_turn_is(
    desk: Desk, store: MemoryStore
) -> None:
    """Else its user, who has it already, would have no room for the earlier ones."""
    await desk.take(click(0))
    await desk.take(click(5))
    batch = [click(3), click(4), *(click(n) for n in range(1, 6))]
    assert len(await desk.take(*batch)) == 5
    assert await interactions(store) == 6
    assert desk.counted("events_total", topic="clicks", result="applied") == 6
    assert await counted(store) == 6


async def test_what_kafka_has_dropped_is_passed_over(desk: Desk, store: MemoryStore) -> None:
    await desk.take(click(0))
    desk.log.first = 7
    batch = [click(7), click(8)]
    assert await desk.take(*batch) == batch
    assert await interactions(store) == 3
    assert desk.counted("gaps_total", result="accept") == 1


async def test_a_topic_made_anew_under_a_kept_store_is_refused(desk: Desk) -> None:
    """Its first events would be taken for old ones."""
    await desk.take(*(click(n) for n in range(5)))
    desk.log.last_end = 2
    with pytest.raises(ProgressError, match=r"ends at offset 2.*applied it up to 4.*redis\.prefix"):
        await desk.take(click(1))
