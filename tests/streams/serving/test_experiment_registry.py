"""The registry in a store: changes made at the same time all count, and the log is whole."""

from __future__ import annotations

import asyncio
import json

import pytest

from model.errors import ExperimentError, FencedError
from streams.experiments.registry import changes
from streams.experiments.registry.audit import RegistryChange
from streams.experiments.registry.state import Registry
from streams.serving import experiment_registry as module
from streams.serving.experiment_registry import audit, change, read_registry
from streams.stores.memory import MemoryStore
from tests.streams.experiments.declarations import experiment


class Slow(MemoryStore):
    """Others come in between each read and the write that follows."""

    async def experiments(self) -> bytes | None:
        found = await super().experiments()
        await asyncio.sleep(0)
        return found


def declare(name: str) -> module.Step:
    return lambda registry: changes.declared(registry, name, experiment(name), 1)


async def test_changes_at_the_same_time_all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 100)
    store = Slow()
    names = [f"e{n}" for n in range(12)]
    await asyncio.gather(*(change(store, {}, "ann", n, declare(name)) for n, name in enumerate(names)))
    assert set((await read_registry(store)).experiments) == set(names)
    entries, verdict = await audit(store)
    assert (verdict.whole, [each.number for each in entries]) == (True, [*range(1, 13)])


async def test_whoever_always_comes_second_is_told() -> None:
    store = MemoryStore()
    turns = 0

    def overtaken(registry: Registry) -> RegistryChange:
        nonlocal turns
        turns += 1
        store._experiments = b'{"v": 1, "entries": %d}' % turns
        return changes.declared(registry, "e", experiment(), 1)

    with pytest.raises(FencedError):
        await change(store, {}, "ann", 1, overtaken)
    assert turns == module.ATTEMPTS
    assert await store.experiments_log() == []


async def test_what_the_settings_file_declares_can_be_started() -> None:
    store = MemoryStore()
    file = {"e": experiment(), "other": experiment("other")}
    assert set((await read_registry(store, file)).experiments) == {"e", "other"}
    await change(store, file, "ann", 5, lambda registry: changes.started(registry, "e", 5))
    registry = await read_registry(store)
    assert {name: each.state for name, each in registry.experiments.items()} == {"e": "running"}
    (entry,), _ = await audit(store)
    assert entry.said["declared"]["hypothesis"] == file["e"].hypothesis
    with pytest.raises(ExperimentError, match="not declared"):
        await change(store, {}, "ann", 6, lambda registry: changes.started(registry, "no", 6))


async def test_an_edited_log_is_read_up_to_what_can_be_read() -> None:
    store = MemoryStore()
    for n, name in enumerate(("one", "two", "three")):
        await change(store, {}, "ann", n, declare(name))
    entry = json.loads(store._experiments_log[1])
    store._experiments_log[1] = json.dumps({**entry, "actor": "eve"}).encode()
    entries, verdict = await audit(store)
    assert (len(entries), verdict.broken) == (3, 2)
    store._experiments_log[1] = b"eve"
    entries, verdict = await audit(store)
    assert (len(entries), verdict.broken) == (1, 2)
