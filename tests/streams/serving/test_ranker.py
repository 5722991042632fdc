"""A ranker answers as the core does, at most a moment behind the workers, and never writes."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from msgspec.structs import replace

from model.errors import RankerBusyError, RankerLateError, RankerUnreadyError, RequestError, StoreError
from streams.clock import ManualClock
from streams.recommender import Recommender
from streams.serving.ranker import Ranker, open_ranker
from streams.serving.ranker_asked import Asked
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.stores.base import Loaded
from streams.stores.ledger_entries import Snapshot
from streams.stores.memory import MemoryStore
from tests.connected.events_on_kafka import eventually
from tests.streams.worker.conftest import NOW_MS, Desk, click

R = TypeVar("R")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, three_models: Path) -> Settings:
    folder = tmp_path_factory.mktemp("ranker") / "models"
    shutil.copytree(three_models, folder)
    return override(
        Settings(),
        {"model": {"registry": str(folder), "active": "first"}, "worker": {"ledger_every_ms": 20}},
    )


async def busy(store: MemoryStore, settings: Settings) -> Desk:
    desk = Desk(store, settings)
    await desk.take(*(click(n, f"u{n % 3}", f"item-{n % 24}") for n in range(60)))
    return desk


async def in_time(ask: Callable[[], Awaitable[R]]) -> R:
    """What is answered within a bound that is tight on purpose: a busy machine may miss it now and then."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await ask()
            except RankerLateError:
                continue


def size(recommender: Recommender, more: int = 0) -> int:
    return len(recommender.catalog) + more


async def test_the_same_request_through_the_core_makes_the_same_slate(settings: Settings) -> None:
    store, clock = MemoryStore(), ManualClock(NOW_MS + 1_000)
    await busy(store, settings)
    async with open_ranker(settings, store, clock) as ranker:
        answer = await ranker.slate(Asked("u1", size=7, cause="c"))
        given = await ranker.slate(Asked("u1", items=("item-3", "nowhere", "item-1", "item-3"), cause="c"))
        assert ranker.live is not None
        core = ranker.live.recommender
        state = user_state_codec.decode((await store.states(["u1"]))[0])
        asked: dict[str, Any] = {"user": "u1", "cause": "c"}
        rows = tuple(core.catalog.rows[item] for item in ("item-3", "item-1"))
        [one, other] = await ranker.ask(
            lambda core: (
                core.recommend([core.request(state, clock.now_ms(), size=7, **asked)])
                + core.recommend([core.request(state, clock.now_ms(), size=2, candidates=rows, **asked)])
            )
        )
    assert answer.slate == one
    assert answer.slate.model == "first"
    assert len(answer.slate.items) == 7
    assert given.slate == other
    assert {item.item_id for item in given.slate.items} == {"item-1", "item-3"}
    assert given.unknown == ("nowhere",)


async def test_it_follows_the_workers(settings: Settings) -> None:
    store = MemoryStore()
    desk = await busy(store, settings)
    async with open_ranker(settings, store, ManualClock(NOW_MS)) as ranker:
        before = await ranker.ask(size)
        await desk.take(*(click(60 + n, "new", f"new-{n}") for n in range(5)))
        # A state may name items that the ledger has not brought yet.
        answer = await ranker.slate(Asked("new", items=tuple(f"new-{n}" for n in range(5))))
        assert len(answer.slate.items) == 5
        await eventually(lambda: ranker.live.recommender.counters.interactions == 65)  # type: ignore[union-attr]
        assert await ranker.ask(size, more=1) == before + 6


async def test_someone_nobody_knows_gets_a_slate(settings: Settings) -> None:
    store = MemoryStore()
    await busy(store, settings)
    async with open_ranker(settings, store, ManualClock(NOW_MS)) as ranker:
        slate = (await ranker.slate(Asked("stranger \U0001f600", size=5))).slate
        assert len(slate.items) == 5
        assert (await ranker.slate(Asked("u1", items=()))).slate.items == []


async def test_what_waits_together_is_one_batch_and_one_read(settings: Settings) -> None:
    class Counting(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.reads: list[int] = []

        async def load(self, users: Sequence[str], *rest: Any) -> Loaded:
            self.reads.append(len(users))
            return await super().load(users, *rest)

    store = Counting()
    await busy(store, settings)
    async with open_ranker(settings, store, ManualClock(NOW_MS)) as ranker:
        store.reads.clear()
        alone = [await ranker.slate(Asked(f"u{n % 3}", size=4, cause=str(n))) for n in range(9)]
        store.reads.clear()
        made = await asyncio.gather(
            *(ranker.slate(Asked(f"u{n % 3}", size=4, cause=str(n))) for n in range(9))
        )
    assert [answer.slate.items for answer in made] == [answer.slate.items for answer in alone]
    assert len(store.reads) <= 3


async def test_a_request_that_fails_takes_no_other_with_it(settings: Settings) -> None:
    store = MemoryStore()
    await busy(store, settings)
    store._states.put("torn", b"\xff\xff")
    async with open_ranker(settings, store, ManualClock(NOW_MS)) as ranker:
        good, torn, wrong = await asyncio.gather(
            *(ranker.slate(asked) for asked in (Asked("u1", size=4), Asked("torn"), Asked("u2", size=-1))),
            return_exceptions=True,
        )  # fmt: skip
    assert not isinstance(good, BaseException)
    assert len(good.slate.items) == 4
    assert isinstance(torn, StoreError)
    assert isinstance(wrong, RequestError)


async def test_too_many_are_refused_and_what_takes_too_long_is_given_up(settings: Settings) -> None:
    class Slow(MemoryStore):
        gate = asyncio.Event()

        async def load(self, *asked: Any) -> Loaded:
            await self.gate.wait()
            return await super().load(*asked)

    store = Slow()
    Slow.gate.set()
    await busy(store, settings)
    Slow.gate.clear()
    bounds = override(settings, {"ranker": {"queue_max": 2, "batch_max": 1, "timeout_ms": 150}})
    async with open_ranker(bounds, store, ManualClock(NOW_MS)) as ranker:
        results = await asyncio.gather(
            *(ranker.slate(Asked(f"u{n}")) for n in range(6)), return_exceptions=True
        )
        kinds = [type(result) for result in results]
        assert kinds.count(RankerBusyError) == 2  # two are under way, two wait
        assert kinds.count(RankerLateError) == 4
        Slow.gate.set()
        await eventually(lambda: ranker.trouble == "")
        assert (await in_time(lambda: ranker.slate(Asked("u1")))).slate.items


async def test_calls_of_the_core_and_explanations_have_limits(settings: Settings) -> None:
    store, gate, called = MemoryStore(), threading.Event(), list[int]()
    await busy(store, settings)
    bounds = override(settings, {"ranker": {"queue_max": 3, "timeout_ms": 300}})

    def hold(_: Recommender) -> None:
        gate.wait(30)

    def count(_: Recommender) -> None:
        called.append(1)

    async with open_ranker(bounds, store, ManualClock(NOW_MS)) as ranker:
        answer = await in_time(lambda: ranker.slate(Asked("u1", size=4)))
        assert await in_time(lambda: ranker.worth(answer, 4, 2))
        results = await asyncio.gather(
            ranker.ask(hold), *(ranker.ask(count) for _ in range(4)), return_exceptions=True
        )
        assert [type(each) for each in results] == [RankerLateError] * 3 + [RankerBusyError] * 2
        explained = await asyncio.gather(
            *(ranker.worth(answer, 4, 2) for _ in range(3)), return_exceptions=True
        )
        assert {type(each) for each in explained} == {RankerBusyError}
        gate.set()
        await eventually(lambda: ranker._asking == 0)
        assert not called, "whoever asked is gone"
        explained = await asyncio.gather(
            *(ranker.worth(answer, 4, 2) for _ in range(4)), return_exceptions=True
        )
        assert [isinstance(each, RankerBusyError) for each in explained] == [False, False, True, True]
        await in_time(lambda: ranker.ask(count))
        assert called


async def test_a_session_that_is_the_user_counts_once(settings: Settings) -> None:
    store = MemoryStore()
    await busy(store, settings)
    async with open_ranker(settings, store, ManualClock(NOW_MS)) as ranker:
        alone = await ranker.slate(Asked("u1", size=4, cause="c"))
        both = await ranker.slate(Asked("u1", size=4, cause="c", session="u1"))
    assert both.slate == alone.slate


async def test_what_can_t_be_opened_is_said_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    class Counting(MemoryStore):
        snapshots = 0

        async def snapshot(self) -> Snapshot | None:
            self.snapshots += 1
            return await super().snapshot()

    store = Counting()
    ranker = Ranker(override(settings, {"model": {"active": "nowhere"}}), store, ManualClock(NOW_MS))
    ranker.begin()
    await eventually(lambda: store.snapshots >= 4)
    assert "nowhere" in ranker.trouble
    said = [each for each in caplog.records if "can't be opened" in each.message]
    assert len(said) == 1
    await ranker.close()


async def test_it_says_why_it_is_not_ready(settings: Settings) -> None:
    ranker = Ranker(settings, MemoryStore(), ManualClock(NOW_MS))
    with pytest.raises(RankerUnreadyError, match="not begun"):
        await ranker.slate(Asked("u1"))
    assert ranker.begin()
    assert not ranker.begin()
    with pytest.raises(RankerUnreadyError, match="starting"):
        await ranker.ask(size)
    await ranker.close()


async def test_a_state_that_names_what_nobody_knows_takes_no_other_with_it(settings: Settings) -> None:
    store = MemoryStore()
    desk = await busy(store, settings)
    known = user_state_codec.decode((await store.states(["u1"]))[0])
    lost = replace(known, items=known.items + np.int32(len(desk.replica.recommender.catalog)))
    store._states.put("lost", user_state_codec.encode(lost))
    async with open_ranker(settings, store, ManualClock(NOW_MS)) as ranker:
        good, bad = await asyncio.gather(
            ranker.slate(Asked("u1", size=4)), ranker.slate(Asked("lost")), return_exceptions=True
        )
    assert not isinstance(good, BaseException)
    assert len(good.slate.items) == 4
    assert isinstance(bad, StoreError)
