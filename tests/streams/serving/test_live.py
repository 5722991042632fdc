"""What a serving process holds: whole when it is there, and nothing left of it afterwards."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession

from export.registry import Registry
from export.text_to_onnx import export_text_encoder
from model.errors import (
    DataError,
    HeadraceError,
    ModelError,
    SettingsError,
    StoreError,
    StoreUnavailableError,
)
from model.universal import UNIVERSAL
from streams.clock import ManualClock
from streams.events.schema import Control, Item
from streams.serving import live as module
from streams.serving.live import Live, open_live
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.catalog import decode_item
from streams.stores.ledger_entries import LedgerEntry
from streams.stores.memory import MemoryStore
from tests.connected.events_on_kafka import eventually
from tests.streams.serving.test_replica import assert_equal
from tests.streams.worker.conftest import NOW_MS, Desk, click, message

GRAPH = "head,relation,tail\n" + "".join(f"item-{n},by,p{n % 4}\n" for n in range(24))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, three_models: Path, small_encoder: Path) -> Registry:
    registry = Registry(tmp_path_factory.mktemp("live") / "models")
    shutil.copytree(three_models, registry.folder)
    export_text_encoder(registry, ["a quiet film", "a loud film", "of the sea"], 1, str(small_encoder))
    return registry


@pytest.fixture
def settings(registry: Registry, tmp_path: Path) -> Settings:
    (tmp_path / "kg.csv").write_text(GRAPH)
    encoder = registry.text.names()[0]
    return override(
        Settings(),
        {
            "model": {"registry": str(registry.folder), "active": "first", "text_encoder": encoder},
            "graph": {"triples": str(tmp_path / "kg.csv")},
            "arms": {"calm": {"model": "second"}},
            "worker": {"ledger_every_ms": 20},
        },
    )


class Faulty(MemoryStore):
    """Answers `good` calls, and none after that; counts them."""

    def __init__(self, good: int = 10**9) -> None:
        super().__init__()
        self.good, self.calls, self.closed = good, 0, False

    def _answer(self) -> None:
        self.calls += 1
        if self.calls > self.good:
            raise StoreUnavailableError("no answer")

    async def snapshot(self) -> Any:
        self._answer()
        return await super().snapshot()

    async def interned(self, start: int) -> list[str]:
        self._answer()
        return await super().interned(start)

    async def items(self, item_ids: Any) -> Any:
        self._answer()
        return await super().items(item_ids)

    async def withdrawals(self, after: str) -> Any:
        self._answer()
        return await super().withdrawals(after)

    async def read_ledger(self, after: str, limit: int) -> list[LedgerEntry]:
        self._answer()
        return await super().read_ledger(after, limit)

    async def text_encoder(self) -> str | None:
        self._answer()
        return await super().text_encoder()

    async def active_model(self) -> str | None:
        self._answer()
        return await super().active_model()

    async def close(self) -> None:
        self.closed = True


async def busy(store: MemoryStore, settings: Settings = Settings()) -> Desk:
    desk = Desk(store, settings)
    await desk.take(*(click(n, f"u{n % 3}", f"item-{n % 8}") for n in range(20)))
    return desk


def sessions() -> int:
    gc.collect()
    return sum(issubclass(type(each), InferenceSession) for each in gc.get_objects())


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds after a while at most: a pool's thread gives an answer first, then lets go of it."""
    until_s = time.monotonic() + 30
    while not (held := holds()) and time.monotonic() < until_s:
        time.sleep(0.01)
    return held


@contextmanager
def nothing_runs() -> Iterator[None]:
    """No task afterwards, and no thread but those that asyncio keeps for later."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    yield
    assert asyncio.all_tasks() == tasks

    def left() -> list[threading.Thread]:
        more = set(threading.enumerate()) - threads
        return [thread for thread in more if not thread.name.startswith("asyncio")]

    assert soon(lambda: not left()), left()


@contextmanager
def nothing_left() -> Iterator[None]:
    """And no ONNX session."""
    before = sessions()
    with nothing_runs():
        yield
    assert soon(lambda: sessions() <= before), "some that were closed before may be gone only now"


@asynccontextmanager
async def opened(settings: Settings, store: MemoryStore, **more: Any) -> AsyncIterator[Live]:
    async with open_live(settings, store, ManualClock(NOW_MS), **more) as live:
        yield live


async def test_it_is_whole_when_it_is_there(settings: Settings) -> None:
    store = Faulty()
    desk = await busy(store, settings)
    async with opened(settings, store) as live:
        assert_equal(live.replica, desk.replica)
        assert live.replica.sound
        assert live.recommender.pipeline.workspace.entities is not None, "the graph"
        assert (live.models.name, live.models.beside) == ("first", ["second"])
        assert live.encode is not None
        assert live.encode(["a film"]).shape == (1, 64)
        assert live.trouble == ""
        (state,) = await store.states(["u0"])
        request = live.recommender.request(user_state_codec.decode(state or b""), NOW_MS, user="u0")
        (slate,) = live.recommender.recommend([request])
        assert (slate.model, slate.rung) == ("first", "full")
    assert not store.closed, "it is the caller's"


async def test_opening_and_closing_leave_nothing(settings: Settings) -> None:
    store = MemoryStore()
    await busy(store)
    for read_only in (False, True):
        with nothing_left():
            async with opened(settings, store, read_only=read_only) as live:
                await live.replica._background.call(len, "a thread of its own")
            del live


@pytest.mark.parametrize("read_only", [False, True])
async def test_each_call_of_the_store_fails_in_turn(settings: Settings, read_only: bool) -> None:
    """Nothing is left of what was there by then."""
    store = Faulty()
    await busy(store)
    store.calls = 0
    async with opened(settings, store, read_only=read_only):
        calls = store.calls
    assert calls >= 5
    with nothing_left():
        for good in range(calls):
            store.calls, store.good = 0, good
            with nothing_runs(), pytest.raises(StoreUnavailableError):
                async with opened(settings, store, read_only=read_only):
                    raise AssertionError("it is not whole")


class BrokenError(Exception):
    """Of one step."""


@pytest.mark.parametrize(
    "step", ["check_arms", "load_graph", "Replica", "RegistryModels", "load_encoder", "Follower"]
)
async def test_each_step_fails_in_turn(
    settings: Settings, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    await busy(store)

    def fail(*_arguments: object, **_more: object) -> None:
        raise BrokenError

    monkeypatch.setattr(module, step, fail)
    with nothing_left(), pytest.raises(BrokenError):
        async with opened(settings, store, read_only=True):
            raise AssertionError("it is not whole")


@pytest.mark.parametrize(
    ("tree", "kind", "said"),
    [
        ({"arms": {"calm": {"model": "absent"}}}, SettingsError, r"arms\.calm\.model: no model 'absent'"),
        ({"graph": {"triples": "absent.kg"}}, DataError, "absent"),
        ({"model": {"active": "absent"}}, ModelError, "no model 'absent'.*train one or name another"),
        ({"model": {"providers": ["cuda"]}}, ModelError, "cuda"),
    ],
)
async def test_what_is_wrong_is_said(
    settings: Settings, tree: dict[str, Any], kind: type[HeadraceError], said: str
) -> None:
    with nothing_left(), pytest.raises(kind, match=said):
        async with opened(override(settings, tree), MemoryStore()):
            raise AssertionError("it is not whole")


async def test_one_that_is_cancelled_as_it_opens_leaves_nothing(settings: Settings) -> None:
    reached = asyncio.Event()

    class Hangs(MemoryStore):
        async def snapshot(self) -> Any:
            reached.set()
            await asyncio.sleep(3_600)

    async def open_it() -> None:
        async with opened(settings, Hangs()):
            raise AssertionError("it is not whole")

    with nothing_left():
        opening = asyncio.create_task(open_it())
        await reached.wait()
        opening.cancel()
        await asyncio.wait([opening])
        assert opening.cancelled()
        del opening


async def test_a_store_that_is_away_can_be_waited_for(settings: Settings) -> None:
    store = Faulty()
    desk = await busy(store)
    store.calls, store.good, waited = 0, 2, 0

    async def attempt(step: Callable[[], Awaitable[None]]) -> None:
        nonlocal waited
        while True:
            try:
                await step()
                return
            except StoreUnavailableError:
                waited, store.good, store.calls = waited + 1, store.good + 1, 0

    async with opened(settings, store, attempt=attempt) as live:
        assert_equal(live.replica, desk.replica)
        assert live.models.name == "first"
    assert waited > 1


async def test_a_store_that_another_encoder_has_read_is_not_gone_on_with(
    settings: Settings, registry: Registry, universal_registry: Registry, tmp_path: Path
) -> None:
    """Neither by a worker nor by a reader; nothing in it changes."""
    store = MemoryStore()
    async with opened(settings, store) as live:
        noted = await store.text_encoder()
        assert noted is not None
        assert noted.startswith(f"{settings.model.text_encoder} ")
        assert live.encode is not None
        desk = Desk(store, settings)
        desk.batches.reader.encode = live.encode
        await desk.take(
            *(
                message(Item(event_id=f"{n}", ts=NOW_MS, item_id=f"i{n}", title=title), n)
                for n, title in enumerate(["a quiet film", "of the sea"])
            )
        )
    records = await store.items(["i0", "i1"])
    assert all(decode_item(raw or b"").text for raw in records)
    shutil.copytree(registry.folder, tmp_path / "models")
    shutil.copytree(universal_registry.text.get(UNIVERSAL), tmp_path / "models" / "text" / UNIVERSAL)
    other = override(settings, {"model": {"registry": str(tmp_path / "models"), "text_encoder": UNIVERSAL}})
    for read_only in (False, True):
        with nothing_left(), pytest.raises(ModelError, match=settings.model.text_encoder):
            async with opened(other, store, read_only=read_only):
                raise AssertionError("it is not whole")
    assert (await store.text_encoder(), await store.items(["i0", "i1"])) == (noted, records)
    # What a former build has filled says nothing of its encoder.
    store._text_encoder = None
    with pytest.raises(ModelError, match="a former build"):
        async with opened(other, store):
            raise AssertionError("it is not whole")
    async with opened(settings, store):
        assert await store.text_encoder() == noted
    # An empty one is begun with the other.
    empty = MemoryStore()
    async with opened(other, empty):
        assert ((await empty.text_encoder()) or "").startswith(f"{UNIVERSAL} ")


async def test_a_registry_without_the_encoder_of_the_settings_is_refused(settings: Settings) -> None:
    """Texts were left out in silence else, after the default has changed."""
    unset = override(settings, {"model": {"text_encoder": UNIVERSAL}})
    with nothing_left(), pytest.raises(ModelError, match=rf"there: {settings.model.text_encoder}\)"):
        async with opened(unset, MemoryStore()):
            raise AssertionError("it is not whole")


async def test_texts_can_be_left_out(settings: Settings) -> None:
    async with opened(settings, MemoryStore(), texts=False) as live:
        assert live.encode is None


async def test_a_reader_follows_the_ledger_and_writes_nothing(settings: Settings) -> None:
    store = MemoryStore()
    desk = await busy(store, settings)
    async with opened(settings, store, read_only=True) as live:
        assert live.follower is not None
        before = live.recommender.counters.interactions
        await desk.take(*(click(20 + n, "new", f"new-{n}") for n in range(5)))
        await eventually(lambda: live.recommender.counters.interactions == before + 5)
        assert_equal(live.replica, desk.replica)
        assert live.trouble == ""
        # An order reaches it through the ledger; that it was carried out is for workers to tell.
        desk.models.known = ("second",)
        order = Control(event_id="o", ts=NOW_MS, command="activate_model", model="second")
        await desk.take(message(order, 0))
        await eventually(lambda: live.models.name == "second")
        assert await store.active_model() is None
        with pytest.raises(StoreError, match="read only"):
            await live.replica.meet(["unheard of"])
        with pytest.raises(StoreError, match="read only"):
            await live.replica.save_snapshot()
        assert store._leases == {}
    assert await store.interned(0) == desk.replica.recommender.catalog.ids


async def test_a_reader_is_never_a_second_behind(settings: Settings) -> None:
    """Whatever the settings say of workers."""
    store = MemoryStore()
    desk = await busy(store, settings)
    slow = override(settings, {"worker": {"ledger_every_ms": 60_000}})
    async with opened(slow, store, read_only=True) as live:
        assert live.follower is not None
        await desk.take(click(20))
        await eventually(lambda: live.recommender.counters.interactions == 21, deadline_s=20)
        await desk.take(click(21))
        await eventually(
            lambda: live.recommender.counters.interactions == 22, deadline_s=20, what="for the next turn"
        )


async def test_a_reader_outlives_a_store_that_is_away_or_was_emptied(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    store = Faulty()
    await busy(store, settings)
    async with opened(settings, store, read_only=True) as live:
        store.good = 0
        await eventually(lambda: live.trouble != "")
        with caplog.at_level(logging.WARNING):
            store.good = 10**9
            await eventually(lambda: live.trouble == "")
        assert live.recommender.counters.interactions == 20
        MemoryStore.__init__(store)
        desk = Desk(store, settings)
        await desk.take(click(0, "bob", "other"))
        await eventually(lambda: live.recommender.catalog.ids == ["other"])
        assert (live.models.name, live.models.beside) == ("first", ["second"])


async def test_a_reader_that_can_not_go_on_says_so(settings: Settings) -> None:
    store = MemoryStore()
    await busy(store, settings)

    async def broken(_after: str, _limit: int) -> list[LedgerEntry]:
        raise ValueError("not what it was")

    async with opened(settings, store, read_only=True) as live:
        store.read_ledger = broken  # type: ignore[assignment, method-assign]
        await eventually(lambda: "followed no more: not what it was" in live.trouble)
        assert live.following is not None
        assert live.following.done()


async def test_a_model_outlives_a_rebuild_that_failed_half_way(settings: Settings) -> None:
    """The store goes away while the ledger is read."""
    store = Faulty()
    await busy(store, settings)
    async with opened(settings, store) as live:
        store.calls, store.good = 0, 4
        async with live.replica.lock:
            with pytest.raises(StoreUnavailableError):
                await live.replica.rebuild()
            store.good = 10**9
            await live.replica.rebuild()
        assert (live.models.name, live.models.beside) == ("first", ["second"])
        model = live.recommender.pipeline.models.active
        assert model is not None
        model.refresh(live.recommender.catalog)
        assert np.abs(model.vectors[: model.known]).sum() > 0
