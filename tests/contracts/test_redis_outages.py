"""What a caller sees while the server is away: one kind of error, soon; and the store heals by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import pytest

from model.errors import FencedError, StoreUnavailableError
from streams.settings.connections import RedisSettings
from streams.stores.base import Store
from streams.stores.commit import digest_of
from streams.stores.ledger_entries import START, Snapshot
from streams.stores.redis.store import RedisStore
from tests.contracts.own_server import Server
from tests.contracts.store_contract import batch
from tests.listening import nobody_listens

TIMEOUT_MS = 300
# What a slow machine may add to the store's own bound before a test calls it a hang.
BOUND_S = TIMEOUT_MS / 1_000 + 5

R = TypeVar("R")
CALLS: dict[str, Callable[[Store], Coroutine[Any, Any, object]]] = {
    "load": lambda store: store.load(["u"], ["clicks-0"]),
    "commit": lambda store: store.commit(batch(states={"u": b"s"}), "w"),
    "intern": lambda store: store.intern(["i"]),
    "interned": lambda store: store.interned(0),
    "item_ids": lambda store: store.item_ids(0, 1),
    "users": lambda store: store.users("", 10),
    "notes": lambda store: store.notes(["n"]),
    "put_note": lambda store: store.put_note("n", b"v", "", 1_000),
    "activations": lambda store: store.activations(),
    "items": lambda store: store.items(["i"]),
    "states": lambda store: store.states(["u"]),
    "feed": lambda store: store.feed("u"),
    "read_feeds": lambda store: store.read_feeds(["u"], ["u"]),
    "hear_of_feeds": lambda store: store.hear_of_feeds(),
    "put_feed": lambda store: store.put_feed("u", b"f"),
    "withdrawals": lambda store: store.withdrawals(""),
    "mend_withdrawn": lambda store: store.mend_withdrawn({"i": True}, {"i": digest_of(None)}),
    "read_ledger": lambda store: store.read_ledger(START, 1),
    "save_snapshot": lambda store: store.save_snapshot(Snapshot(START, "w", START, b"p")),
    "snapshot": lambda store: store.snapshot(),
    "lead": lambda store: store.lead("l", "w", 1_000),
    "activate": lambda store: store.activate("m"),
    "active_model": lambda store: store.active_model(),
    "note_text_encoder": lambda store: store.note_text_encoder("e"),
    "text_encoder": lambda store: store.text_encoder(),
    "condition": lambda store: store.condition(),
}


async def in_time(call: Callable[[], Coroutine[Any, Any, R]]) -> R:
    """What a store answers whose server is well; on a busy machine it may miss its bound now and then."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await call()
            except StoreUnavailableError:
                await asyncio.sleep(0.02)


@pytest.fixture
def server(server: Server) -> Server:
    server.start()
    return server


@pytest.fixture
async def store(server: Server) -> AsyncIterator[RedisStore]:
    store = RedisStore(RedisSettings(url=server.url, timeout_ms=TIMEOUT_MS, connections=2))
    await server.until_it_answers(store)
    yield store
    await store.close()


pytestmark = pytest.mark.connected


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_where_nothing_listens(call: Callable[[Store], Coroutine[Any, Any, object]]) -> None:
    with nobody_listens() as port:
        url = f"redis://user:secret@127.0.0.1:{port}/0"
        store = RedisStore(RedisSettings(url=url, timeout_ms=TIMEOUT_MS))
        async with asyncio.timeout(BOUND_S):
            with pytest.raises(StoreUnavailableError, match=f"127.0.0.1:{port}") as caught:
                await call(store)
        assert "secret" not in str(caught.value)
        await store.close()


async def test_a_frozen_server_fails_each_call_in_time_and_is_used_again_when_it_thaws(
    server: Server, store: RedisStore
) -> None:
    await in_time(lambda: store.commit(batch({"c-0": -1}, {"c-0": 1}, {"u": b"s"}), "w"))
    server.freeze()
    try:
        for call in CALLS.values():
            async with asyncio.timeout(BOUND_S):
                with pytest.raises(StoreUnavailableError, match=r"within 0\.3 s"):
                    await call(store)
        # More callers than connections: whoever waits for one waits no longer than that either.
        async with asyncio.timeout(BOUND_S):
            outcomes = await asyncio.gather(*(store.feed("u") for _ in range(20)), return_exceptions=True)
        assert all(isinstance(outcome, StoreUnavailableError) for outcome in outcomes)
    finally:
        server.thaw()
    await server.until_it_answers(store)
    answers = await asyncio.gather(*(in_time(lambda: store.states(["absent"])) for _ in range(20)))
    assert list(answers) == [[None]] * 20


async def test_answers_that_came_too_late_reach_nobody_else(server: Server, store: RedisStore) -> None:
    await in_time(lambda: store.put_feed("late", b"late"))
    await in_time(lambda: store.put_feed("next", b"next"))
    server.freeze()
    try:
        with pytest.raises(StoreUnavailableError):
            await store.feed("late")
    finally:
        server.thaw()
    await server.until_it_answers(store)
    assert [await in_time(lambda: store.feed("next")) for _ in range(4)] == [b"next"] * 4


async def test_a_call_that_is_cancelled_leaves_the_connection_in_step(server: Server) -> None:
    store = RedisStore(RedisSettings(url=server.url, timeout_ms=20_000, connections=2))
    await server.until_it_answers(store)
    await store.put_feed("a", b"a")
    await store.put_feed("b", b"b")
    server.freeze()
    try:
        asking = asyncio.create_task(store.feed("a"))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    finally:
        server.thaw()
    await server.until_it_answers(store)
    assert [await store.feed("b") for _ in range(4)] == [b"b"] * 4
    await store.close()


async def test_a_server_that_comes_back_is_used_at_once(server: Server, store: RedisStore) -> None:
    # Both connections of the pool are opened, then cut by the restart while they lie idle.
    commits = [partial(store.commit, batch(states={f"u{n}": b"s"}), "w") for n in range(2)]
    await asyncio.gather(*map(in_time, commits))
    server.kill()
    with pytest.raises(StoreUnavailableError):
        await store.active_model()
    server.start()
    await server.until_it_answers(store)
    reads = [partial(store.states, [user]) for user in ("u0", "u1")]
    assert list(await asyncio.gather(*map(in_time, reads))) == [[b"s"], [b"s"]]


async def test_a_batch_of_unknown_outcome_can_be_committed_again(server: Server, store: RedisStore) -> None:
    unknown = batch({"c-0": -1}, {"c-0": 1}, {"u": b"s"}, ledger=b"e")
    server.freeze()
    try:
        with pytest.raises(StoreUnavailableError):
            await store.commit(unknown, "w")
    finally:
        server.thaw()
    await server.until_it_answers(store)
    # The frozen server had received the script, and ran it when it thawed: the second call finds it done.
    position = await in_time(lambda: store.commit(unknown, "w"))
    entries = await in_time(lambda: store.read_ledger(START, 10))
    assert [entry.position for entry in entries] == [position]
    with pytest.raises(FencedError):
        await in_time(lambda: store.commit(unknown, "another"))


async def test_what_was_committed_survives_a_killed_server(server: Server, store: RedisStore) -> None:
    done = 0
    for n in range(20):
        made = batch({"c-0": n - 1}, {"c-0": n}, {"u": str(n).encode()}, ledger=b"e")
        await in_time(partial(store.commit, made, "w"))
        done = n
    server.kill()
    server.start()
    await server.until_it_answers(store)
    loaded = await in_time(lambda: store.load(["u"], ["c-0"]))
    assert loaded[:2] == ([str(done).encode()], {"c-0": done})
    assert len(await in_time(lambda: store.read_ledger(START, 100))) == 20
