"""What the chores say of a store that is away."""

from __future__ import annotations

import asyncio

import pytest

from model.errors import StoreUnavailableError
from streams.experiments.registry import changes
from streams.experiments.registry.state import encode
from streams.serving.learner_course import read_course
from streams.settings.processes import WorkerSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.commit import Commit, digest_of
from streams.stores.ledger_entries import LedgerEntry
from streams.stores.memory import MemoryStore
from streams.worker import chores as module
from tests.streams.experiments.declarations import raw, running
from tests.streams.worker.conftest import NOW_MS, Desk


class Hangs(MemoryStore):
    """Its ledger can't be read while it is `away`."""

    away, asked = True, 0

    async def read_ledger(self, after: str, limit: int) -> list[LedgerEntry]:
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("no answer")
        return await super().read_ledger(after, limit)


async def test_trouble_stays_until_the_store_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch over the store has nothing to ask meanwhile, and its turns are many."""
    monkeypatch.setattr(module, "TURN_S", 0.001)
    store = Hangs()
    chores = Desk(store, Settings(worker=WorkerSettings(ledger_every_ms=20))).chores()
    turns = 0

    async def turn() -> None:
        nonlocal turns
        turns += 1

    monkeypatch.setattr(chores.watch, "turn", turn)
    chores.start()
    try:
        async with asyncio.timeout(30):
            while not chores.trouble:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.001)
            seen = turns
            while turns < seen + 20:
                await asyncio.sleep(0.001)
                assert chores.trouble == "no answer"
            store.away = False
            while chores.trouble:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    finally:
        await chores.stop()


async def test_the_one_that_leads_notes_the_sums_of_experiments() -> None:
    store = MemoryStore()
    registry = running(e=raw())
    await store.put_experiments(encode(registry), digest_of(None), b"entry")
    await store.commit(Commit({}, {}, {}, {}, {}, arm_sums={"e": {"a:m:0": 3}}), "w")
    both = [Desk(store), Desk(store)]
    for desk in both:
        await desk.replica.rebuild()
        chores = desk.chores()
        await chores.experiments.turn()
        await chores.note_sums()
    ((_, sums),) = await store.read_sums_history("e")
    assert sums["a", "m"].users == 3
    stopped = changes.stopped(registry, "e", NOW_MS).registry
    await store.put_experiments(encode(stopped), digest_of(await store.experiments()), b"another")
    leader = both[0].chores()
    await leader.experiments.turn()
    await leader.note_sums()
    assert len(await store.read_sums_history("e")) == 1


async def test_the_one_that_leads_notes_what_was_learned() -> None:
    store, settings = MemoryStore(), override(Settings(), {"reweighting": {"enabled": True}})
    both = [Desk(store, settings), Desk(store, settings)]
    for desk in both:
        await desk.replica.rebuild()
        desk.replica.recommender.look_back()
        await desk.chores().note_learner()
    (point,) = (await read_course(store)).points
    report = both[0].replica.recommender.report
    assert report is not None
    assert (point.ts, point.levels["global"].lessons) == (both[0].clock.now_ms(), 0)
    assert point.levels["global"].weights == pytest.approx(
        [*report.levels["global"].weights.values()], abs=1e-4
    )


async def test_where_nobody_learns_nothing_is_noted() -> None:
    store = MemoryStore()
    desk = Desk(store, override(Settings(), {"reweighting": {"enabled": False}}))
    await desk.replica.rebuild()
    await desk.chores().note_learner()
    assert (await read_course(store)).points == []
