"""The index of a process: it follows a replica, survives restarts and lost stores, and is made anew whole."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest

from streams.events.schema import Item
from streams.search import index as index_module
from streams.search import kept
from streams.serving import item_search
from streams.serving.item_search import ItemSearch
from streams.serving.replica import Replica
from streams.settings.search import SearchSettings
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.stores.memory import MemoryStore
from tests.connected.events_on_kafka import eventually
from tests.streams.worker.conftest import NOW_MS, Desk, message


def item(offset: int, item_id: str, title: str, ts: int = 0) -> Any:
    return message(Item(event_id=f"e{offset}", ts=NOW_MS + ts, item_id=item_id, title=title), offset)


def rows(items: ItemSearch, term: str) -> list[int]:
    return sorted(items.index.words.search([[(term, 1.0)]], 10).rows.tolist())


async def read(store: MemoryStore, items: ItemSearch) -> Replica:
    """A replica that has read the store, and told `items`."""
    replica = Replica(Settings(), store, Desk(store).clock, items=items)
    async with replica.lock:
        await replica.rebuild(mend=False)
    await items.commit()
    return replica


async def test_it_has_what_the_store_had_and_follows_what_comes() -> None:
    store, items = MemoryStore(), ItemSearch(SearchSettings())
    desk = Desk(store)
    await desk.take(item(0, "a", "guitar"), item(1, "b", "drum"))
    replica = await read(store, items)
    assert (rows(items, "guitar"), rows(items, "drum")) == ([0], [1])
    await desk.take(item(2, "a", "banjo", ts=1), item(3, "c", "guitar"))
    async with replica.lock:
        await replica.catch_up()
    await items.commit()
    assert (rows(items, "guitar"), rows(items, "banjo")) == ([2], [0])
    await replica.close()


async def test_segments_are_merged_and_what_they_are_merged_to_is_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A catalogue that waits as a whole comes in eight commits, which tantivy makes one segment of."""
    monkeypatch.setattr(index_module, "SOON", 10)
    items, asked = ItemSearch(SearchSettings(commit_ms=10)), [[("guitar", 1.0)]]
    for row in range(80):
        items.note(row, ItemRecord(f"i{row}", NOW_MS, title=f"guitar number{row % 7}"))
    async with items.running():
        await found(items, 80)
        async with asyncio.timeout(60):
            while items.index.words.segments > 1:  # noqa: ASYNC110  # merged in a thread, shown by the timer
                await asyncio.sleep(0.01)
    hits = items.index.words.search(asked, 100)
    assert sorted(hits.rows.tolist()) == list(range(80))
    assert len(set(hits.scores.tolist())) == 1


@pytest.mark.parametrize("on_disk", [False, True])
async def test_an_index_that_is_made_anew_is_one_segment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, on_disk: bool
) -> None:
    monkeypatch.setattr(index_module, "SOON", 10)
    monkeypatch.setattr(item_search, "PAGE", 7)
    store, settings = MemoryStore(), SearchSettings(folder=str(tmp_path) if on_disk else "")
    items, desk = ItemSearch(settings), Desk(store)
    await desk.take(*(item(row, f"i{row}", f"guitar number{row % 7}") for row in range(80)))
    replica = await read(store, items)
    assert await items.rebuild(store, replica.recommender.catalog.ids) == 80
    assert items.index.words.segments == 1
    await desk.take(item(80, "i80", "guitar"))
    async with replica.lock:
        await replica.catch_up()
    await items.commit()
    hits = items.index.words.search([[("guitar", 1.0)]], 100)
    assert sorted(hits.rows.tolist()) == list(range(81)), "it goes on, with a writer made anew"
    await replica.close()


async def test_the_collector_does_not_look_at_an_index_of_many_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_search, "MANY", 3)
    items, rounds = ItemSearch(SearchSettings(commit_ms=10)), 0
    settle = items._settle

    async def counted() -> None:
        nonlocal rounds
        await settle()
        rounds += 1

    async def settled(count: int) -> None:
        """Returns once so many are found, and the timer has seen to the collector."""
        before = rounds
        await found(items, count)
        await eventually(lambda: rounds > before)

    monkeypatch.setattr(items, "_settle", counted)

    def note(first: int, last: int) -> None:
        for row in range(first, last):
            items.note(row, ItemRecord(f"i{row}", NOW_MS, title=f"guitar {'abcdefgh'[row] * 5}"))

    def looked_at() -> bool:
        spellings = {id(each) for each in items.index.table._table.deletes._fresh.values()}
        return any(id(each) in spellings for each in gc.get_objects())

    async with items.running():
        try:
            note(0, 2)
            await settled(2)
            assert looked_at()  # so few are no trouble
            note(2, 4)
            await settled(4)
            assert not looked_at()
            note(4, 5)
            await settled(5)
            assert looked_at()  # it is told again when there are as many again
        finally:
            gc.unfreeze()


async def found(items: ItemSearch, count: int) -> None:
    """Returns once so many are found."""
    async with asyncio.timeout(60):
        while len(items.index.words) != count or items.index.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_store_that_was_emptied_leaves_nothing_behind() -> None:
    store, items = MemoryStore(), ItemSearch(SearchSettings())
    await Desk(store).take(item(0, "a", "guitar"), item(1, "b", "drum"))
    await (await read(store, items)).close()
    other = MemoryStore()
    await Desk(other).take(item(0, "z", "kazoo", ts=-1_000))
    await (await read(other, items)).close()
    assert (rows(items, "guitar"), rows(items, "drum"), rows(items, "kazoo")) == ([], [], [0])


async def test_a_folder_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, settings = MemoryStore(), SearchSettings(folder=str(tmp_path))
    desk = Desk(store)
    await desk.take(item(0, "a", "guitar"), item(1, "b", "drum"))
    before = ItemSearch(settings)
    await (await read(store, before)).close()
    before.index.words.close()
    await desk.take(item(2, "b", "snare drum", ts=1))
    after = ItemSearch(settings)
    assert rows(after, "guitar") == [0]  # before anything is read
    written: list[int] = []
    write = after.index.words._write

    def watched(made: Any) -> None:
        written.extend(each.row for each in made)
        write(made)

    monkeypatch.setattr(after.index.words, "_write", watched)
    await (await read(store, after)).close()
    assert written == [1]
    assert rows(after, "snare") == [1]
    assert list(after.index.titles) == ["guitar", "snare drum"]


async def test_a_folder_that_another_process_writes_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = SearchSettings(folder=str(tmp_path))
    first, second = ItemSearch(settings), ItemSearch(settings)
    assert first.index.folder is not None
    assert second.index.folder is None
    assert "another process" in caplog.text


async def test_a_folder_that_can_not_be_read_is_made_anew(tmp_path: Path) -> None:
    settings = SearchSettings(folder=str(tmp_path))
    first = ItemSearch(settings)
    first.index.words.close()
    folder = kept.current(tmp_path)
    assert folder is not None
    (folder / "meta.json").write_text("{ broken")
    again = ItemSearch(settings)
    assert again.index.folder not in (None, folder)


async def test_what_changes_while_it_is_made_anew_is_in_it() -> None:
    store, items = MemoryStore(), ItemSearch(SearchSettings())
    desk = Desk(store)
    await desk.take(item(0, "a", "guitar"), item(1, "b", "drum"))
    replica = await read(store, items)

    class Slow(MemoryStore):
        async def items(self, item_ids: Any) -> Any:
            raws = await store.items(item_ids)
            await desk.take(item(2, "a", "banjo", ts=1), item(3, "c", "kazoo"))
            async with replica.lock:
                await replica.catch_up()
            return raws

    former = items.index
    assert await items.rebuild(Slow(), ["a", "b"]) == 3
    assert items.index is not former
    assert (rows(items, "guitar"), rows(items, "banjo"), rows(items, "kazoo")) == ([], [0], [2])
    await replica.close()


async def test_a_commit_that_fails_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    items = ItemSearch(SearchSettings(commit_ms=10))
    store = MemoryStore()
    await Desk(store).take(item(0, "a", "guitar"))
    put, failures = items.index.words.put, 2

    def failing(documents: Any) -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OSError("no space left on device")
        return put(documents)

    monkeypatch.setattr(items.index.words, "put", failing)
    replica = await read(store, items)
    assert items.trouble == "no space left on device"
    async with items.running(), asyncio.timeout(60):
        while items.trouble or not rows(items, "guitar"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert caplog.text.count("tried again") == 1
    await replica.close()
