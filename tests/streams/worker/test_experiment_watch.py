"""An arm that crosses a guardrail is stopped, with the reason in the log; others are left alone."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.clock import ManualClock
from streams.experiments.registry.audit import Entry
from streams.experiments.registry.state import Registry, decode, encode
from streams.settings.tree import Settings
from streams.stores.base import Commit, digest_of
from streams.stores.memory import MemoryStore
from streams.worker.experiment_watch import ACTOR, ExperimentWatch
from tests.streams.experiments.declarations import raw, running
from tests.streams.experiments.sums import increments
from tests.streams.worker.conftest import NOW_MS

SETTINGS = Settings()
DISLIKES = SETTINGS.known_metrics["dislikes"]
GUARDED = raw(3, guardrails=[{"metric": "dislikes", "worst": 0.1}])


async def looked(
    rates: dict[str, float], declaration: dict[str, Any] = GUARDED
) -> tuple[MemoryStore, Registry]:
    """The store after two looks at such dislikes, and what is registered then."""
    store, registry = MemoryStore(), running(e=declaration)
    await store.put_experiments(encode(registry), digest_of(None), b"entry")
    await store.commit(Commit({}, {}, {}, {}, {}, arm_sums={"e": increments(DISLIKES, rates, 600)}), "w")
    watch = ExperimentWatch(SETTINGS, store, ManualClock(NOW_MS))
    for _ in range(2):
        await watch.look(decode(await store.experiments()))
    return store, decode(await store.experiments())


async def test_an_arm_that_does_harm_is_stopped_once() -> None:
    store, registry = await looked({"arm0": 0.1, "arm1": 0.2, "arm2": 0.1})
    assert registry.experiments["e"].stopped_arms == ("arm1",)
    assert registry.experiments["e"].state == "running"
    log = [msgspec.json.decode(raw, type=Entry) for raw in (await store.experiments_log())[1:]]
    assert [(each.action, each.actor, each.said["arm"]) for each in log] == [("stop-arm", ACTOR, "arm1")]
    assert "dislikes" in log[0].said["why"]
    assert len(await store.read_sums_history("e")) == 2


async def test_an_arm_that_does_none_goes_on() -> None:
    store, registry = await looked({"arm0": 0.1, "arm1": 0.1, "arm2": 0.08})
    assert registry.experiments["e"].stopped_arms == ()
    assert len(await store.experiments_log()) == 1


async def test_without_guardrails_sums_are_noted_and_nothing_is_stopped() -> None:
    store, registry = await looked({"arm0": 0.1, "arm1": 0.9, "arm2": 0.1}, raw(3))
    assert registry.experiments["e"].stopped_arms == ()
    assert len(await store.read_sums_history("e")) == 2
