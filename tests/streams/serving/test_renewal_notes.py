"""A request is taken once, and whoever is gone is no longer taken for alive."""

from __future__ import annotations

from streams.clock import ManualClock
from streams.serving.renewal_notes import (
    ALIVE_MS,
    ASKED,
    ASKED_MS,
    TAKEN,
    RenewalAsked,
    RenewalStatus,
    ask_renewal,
    encode_asked,
    end_renewal,
    read_renewal,
    take_renewal,
    take_up_renewal,
    tell_alive,
    tell_status,
)
from streams.stores.memory import MemoryStore

NOW_MS = 1_700_000_000_000


def asked(name: str, tries: int = 0) -> RenewalAsked:
    return RenewalAsked(1, name, NOW_MS, "ann", "", tries)


async def test_one_request_waits_at_a_time_and_is_taken_once() -> None:
    clock = ManualClock(NOW_MS)
    store = MemoryStore(clock=clock)
    assert await take_renewal(store) is None
    assert await ask_renewal(store, asked("one"))
    assert not await ask_renewal(store, asked("two"))
    assert (await read_renewal(store)).asked == asked("one")
    assert await take_renewal(store) == asked("one", 1)
    assert await take_renewal(store) is None
    assert await ask_renewal(store, asked("three"))
    clock.advance(ASKED_MS)
    assert (await read_renewal(store)).asked is None


async def test_who_was_not_heard_of_is_gone_and_what_it_said_stays() -> None:
    clock = ManualClock(NOW_MS)
    store = MemoryStore(clock=clock)
    status = RenewalStatus(began_ms=5, stage="training", done=1, total=4)
    for _ in range(2):
        await tell_alive(store, "host:7")
        await tell_status(store, status)
        assert await read_renewal(store) == (True, None, status, None)
    clock.advance(ALIVE_MS)
    assert await read_renewal(store) == (False, None, status, None)


async def test_a_request_that_can_not_be_read_keeps_out_no_other() -> None:
    store = MemoryStore()
    await store.put_note(ASKED, b"damaged", "", 1_000_000)
    assert await take_renewal(store) is None
    assert await ask_renewal(store, asked("one"))


async def test_what_a_process_began_and_did_not_end_is_taken_up_again() -> None:
    store = MemoryStore()
    assert await take_up_renewal(store) is None
    await ask_renewal(store, asked("one"))
    await take_renewal(store)
    assert (await read_renewal(store)).taken == asked("one", 1)
    assert await take_up_renewal(store) == asked("one", 2)
    await ask_renewal(store, asked("two"))
    assert await take_up_renewal(store) == asked("one", 3)
    await end_renewal(store, "two")
    assert (await read_renewal(store)).taken == asked("one", 3)
    await end_renewal(store, "one")
    assert await take_up_renewal(store) is None
    assert (await read_renewal(store)).asked == asked("two")


async def test_a_process_that_ends_while_it_takes_a_request_loses_and_doubles_nothing() -> None:
    store = MemoryStore()
    await ask_renewal(store, asked("one"))
    await store.put_note(TAKEN, encode_asked(asked("one", 1)), "", ASKED_MS)  # and there it ended
    assert await take_up_renewal(store) == asked("one", 2)
    assert await take_renewal(store) is None


async def test_a_taken_request_that_can_not_be_read_is_dropped() -> None:
    store = MemoryStore()
    await store.put_note(TAKEN, b"damaged", "", ASKED_MS)
    assert await take_up_renewal(store) is None
    assert await store.notes([TAKEN]) == [None]
