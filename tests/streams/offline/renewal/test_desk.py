"""A renewal that is asked for begins at once; whoever asked is told how far it is, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from model.errors import StoreUnavailableError
from streams.clock import ManualClock
from streams.offline.renewal import desk as module
from streams.offline.renewal.desk import PROGRESS, Progress, ProgressFile, RenewalDesk, read_progress
from streams.offline.renewal.service import Renewal
from streams.serving.renewal_notes import (
    STATUS,
    RenewalAsked,
    RenewalSeen,
    RenewalStatus,
    ask_renewal,
    read_renewal,
)
from streams.stores.memory import MemoryStore
from tests.streams.offline.renewal.test_service import NEW, NOW_MS, World

ASKED = RenewalAsked(1, "r1", NOW_MS, "ann", "new items")
HOUR_S = 3_600.0


class Asked(World):
    """The world of `test_service`, with a desk."""

    def __init__(self, folder: Path, verdict: str = "better") -> None:
        super().__init__(folder, verdict)
        self.notes = MemoryStore()
        self.desk = RenewalDesk(self.notes, self.clock, self.registry.folder / PROGRESS)
        self.during: list[RenewalSeen] = []

    def renewal(self) -> Renewal:
        return Renewal(
            self.settings, self.registry, self.examples, self.in_force, self.promote, self.train, self.clock,
            desk=self.desk,
        )  # fmt: skip

    async def train(self, parent: str, name: str) -> bool:
        ProgressFile(self.registry.folder / PROGRESS)("training", 3, 8)
        await self.desk.turn()
        self.during.append(await read_renewal(self.notes))
        return await super().train(parent, name)


async def until_told(world: Asked, outcome: str) -> None:
    async with asyncio.timeout(30):
        while (await read_renewal(world.notes)).status.outcome != outcome:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_request_is_served_though_nothing_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_S", 0.005)
    world = Asked(tmp_path)
    await world.store.activate("first")
    renewal = world.renewal()
    renewal._save(last_ms=NOW_MS)  # the next one is due in an hour
    stopped = asyncio.Event()
    tasks = [asyncio.create_task(renewal.serve(HOUR_S, stopped)), asyncio.create_task(world.desk.run())]
    try:
        async with asyncio.timeout(30):
            while not (await read_renewal(world.notes)).alive:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.005)
        assert world.trained == []
        assert await ask_renewal(world.notes, ASKED)
        await until_told(world, "promoted")
    finally:
        stopped.set()
        tasks[1].cancel()
        await asyncio.wait(tasks)
    assert world.trained == [("first", NEW)]
    (during,) = world.during
    assert (during.asked, during.status.request_id, during.status.began_ms) == (None, "r1", NOW_MS)
    assert (during.status.stage, during.status.done, during.status.total) == ("training", 3, 8)
    status = (await read_renewal(world.notes)).status
    assert (status.began_ms, status.ended_request_id, status.ended_ms) == (0, "r1", NOW_MS)
    assert f"{NEW!r} is better than 'first'" in status.said


async def test_too_little_is_said_to_who_asked_and_to_nobody_else(tmp_path: Path) -> None:
    world = Asked(tmp_path)
    await world.store.activate("first")
    renewal = world.renewal()
    renewal.settings = world.settings = type(world.settings)()  # thousands of examples are wanted
    assert await renewal.told() == "waiting"
    assert (await read_renewal(world.notes)).status.outcome == ""
    assert await renewal.told(ASKED) == "waiting"
    status = (await read_renewal(world.notes)).status
    assert (status.outcome, status.ended_request_id) == ("waiting", "r1")
    assert "expected at least 5000" in status.said


async def test_what_the_process_before_ended_with_is_still_told(tmp_path: Path) -> None:
    world = Asked(tmp_path, "worse")
    await world.store.activate("first")
    await world.renewal().told(ASKED)
    later = RenewalDesk(world.notes, ManualClock(NOW_MS + 5), tmp_path / PROGRESS)
    await later.turn()
    status = (await read_renewal(world.notes)).status
    assert (status.outcome, status.ended_ms) == ("kept", NOW_MS)


async def test_a_request_whose_process_died_is_taken_up_by_the_next(tmp_path: Path) -> None:
    class Dies(Asked):
        dies = True

        async def train(self, parent: str, name: str) -> bool:
            if self.dies:
                raise asyncio.CancelledError
            return await super().train(parent, name)

    world = Dies(tmp_path)
    await world.store.activate("first")
    await ask_renewal(world.notes, ASKED)
    with pytest.raises(asyncio.CancelledError):
        await world.renewal().told(await world.desk.take())
    assert world.trained == []
    world.dies = False
    world.desk = RenewalDesk(world.notes, world.clock, world.registry.folder / PROGRESS)
    await world.desk.turn()
    assert world.desk.wanted.is_set()
    asked = await world.desk.take()
    assert asked is not None
    assert (asked.request_id, asked.tries) == ("r1", 2)
    assert await world.renewal().told(asked) == "promoted"
    seen = await read_renewal(world.notes)
    assert (seen.taken, seen.asked, seen.status.ended_request_id) == (None, None, "r1")
    assert await world.desk.take() is None


async def test_a_request_that_ends_processes_is_told_as_failed(tmp_path: Path) -> None:
    store, clock = MemoryStore(), ManualClock(NOW_MS)
    await ask_renewal(store, ASKED)
    for _ in range(module.TRIES_MOST):
        assert await RenewalDesk(store, clock, tmp_path / PROGRESS).take() is not None
    assert await RenewalDesk(store, clock, tmp_path / PROGRESS).take() is None
    seen = await read_renewal(store)
    assert (seen.taken, seen.status.outcome, seen.status.ended_request_id) == (None, "failed", "r1")
    assert "3 renewal processes ended" in seen.status.said


async def test_one_that_is_stopped_leaves_the_request_to_the_next(tmp_path: Path) -> None:
    class Stops(Asked):
        async def train(self, parent: str, name: str) -> bool:
            stopped.set()
            return False

    stopped = asyncio.Event()
    world = Stops(tmp_path)
    await world.store.activate("first")
    await ask_renewal(world.notes, ASKED)
    await world.renewal().serve(HOUR_S, stopped)
    seen = await read_renewal(world.notes)
    assert (seen.taken is not None, seen.status.outcome) == (True, "")


async def test_an_end_that_the_store_did_not_hear_of_is_told_later(tmp_path: Path) -> None:
    class Flaky(MemoryStore):
        away = False

        async def notes(self, names: Sequence[str], about: str = "") -> list[bytes | None]:
            if self.away:
                raise StoreUnavailableError("no answer")
            return await super().notes(names, about)

    world = Asked(tmp_path)
    world.notes = world.desk._store = store = Flaky()
    await world.store.activate("first")
    await ask_renewal(store, ASKED)
    await world.desk.begin(await world.desk.take())
    store.away = True
    await world.desk.ended("kept", "no better")
    store.away = False
    assert (await read_renewal(store)).taken is not None
    await world.desk.turn()
    seen = await read_renewal(store)
    assert (seen.taken, seen.status.outcome) == (None, "kept")


async def test_a_store_that_is_away_stops_no_renewal(tmp_path: Path) -> None:
    class Away(MemoryStore):
        async def notes(self, names: Sequence[str], about: str = "") -> list[bytes | None]:
            raise StoreUnavailableError("no answer")

    world = Asked(tmp_path)
    await world.store.activate("first")
    world.desk._store = Away()
    assert await world.desk.take() is None
    assert await world.renewal().told() == "promoted"


def test_progress_is_written_now_and_then(tmp_path: Path) -> None:
    path = tmp_path / PROGRESS
    assert read_progress(path) == Progress("", 0, 0)
    say = ProgressFile(path)
    say("training", 1, 8)
    say("training", 2, 8)
    assert read_progress(path) == Progress("training", 1, 8)
    say("training", 8, 8)
    assert read_progress(path) == Progress("training", 8, 8)
    say("exporting the model", 0, 1)
    assert read_progress(path) == Progress("exporting the model", 0, 1)
    path.write_bytes(b"{")
    assert read_progress(path) == Progress("", 0, 0)


class Unhurried(MemoryStore):
    """Others have their turn between what is read and what is written for it."""

    async def notes(self, names: Sequence[str], about: str = "") -> list[bytes | None]:
        found = await super().notes(names, about)
        await asyncio.sleep(0)
        return found


@pytest.mark.parametrize("lead", range(8))
async def test_that_a_renewal_begins_is_told_in_the_midst_of_a_turn(tmp_path: Path, lead: int) -> None:
    """What one turn wrote kept out what the other had to tell, and was taken for told until it changed."""
    store = Unhurried()
    desk = RenewalDesk(store, ManualClock(NOW_MS), tmp_path / PROGRESS)
    turn = asyncio.create_task(desk.turn())
    for _ in range(lead):
        await asyncio.sleep(0)
    await desk.begin(ASKED)
    await turn
    status = (await read_renewal(store)).status
    assert (status.began_ms, status.request_id) == (NOW_MS, "r1")


class Taken(Unhurried):
    """Another process writes the note just before this one."""

    def __init__(self) -> None:
        super().__init__()
        self.others = 1

    async def put_note(
        self, name: str, value: bytes, found: str, ttl_ms: int, about: str = "", ts: int = 0
    ) -> None:
        if name == STATUS and self.others:
            self.others -= 1
            await super().put_note(name, msgspec.msgpack.encode(RenewalStatus()), found, ttl_ms)
        await super().put_note(name, value, found, ttl_ms, about, ts)


async def test_what_another_process_kept_from_being_told_is_told_in_the_next_turn(tmp_path: Path) -> None:
    store = Taken()
    desk = RenewalDesk(store, ManualClock(NOW_MS), tmp_path / PROGRESS)
    await desk.begin(ASKED)
    assert store.others == 0
    await desk.turn()
    assert (await read_renewal(store)).status.request_id == "r1"
