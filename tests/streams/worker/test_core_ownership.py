"""The core is touched in its own thread alone, whatever a worker does with it."""

from __future__ import annotations

import functools
import inspect
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.counters.counters import Counters
from streams.events.schema import Control, Impression, Item
from streams.examples.collector import ExampleCollector
from streams.ranking.models import Models
from streams.ranking.pipeline import Pipeline
from streams.recommender import Recommender
from streams.serving.models import RegistryModels
from streams.serving.replica import Replica
from streams.settings.models import ExampleSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.catalog import Catalog
from streams.stores.memory import MemoryStore
from streams.worker import batches
from streams.worker.examples_log import ExamplesLog
from tests.streams.serving.test_models import Told
from tests.streams.worker.conftest import NOW_MS, Desk, click, counted, message, until

OF_THE_CORE = (Recommender, Catalog, Counters, Pipeline, Models, ExampleCollector)


def core_of(replica: Replica) -> tuple[object, ...]:
    """Without asking the recommender for anything: that is watched."""
    recommender = replica.recommender
    parts = vars(recommender)
    return recommender, parts["catalog"], parts["counters"], parts["pipeline"], parts["pipeline"].models


class Watch:
    """Notes from which thread each method of one replica's core is called, and its counters and pipeline are
    asked for.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.replica: Replica | None = None
        self.calls: Counter[tuple[str, str]] = Counter()
        for kind in OF_THE_CORE:
            for name, method in inspect.getmembers(kind, inspect.isfunction):
                if not name.startswith("_"):
                    monkeypatch.setattr(kind, name, self._watched(kind, name, method))

        def asked(this: Recommender, name: str) -> Any:
            watched = self.replica is not None and this is self.replica.recommender
            if watched and name in {"counters", "pipeline"}:
                self._note(f"Recommender.{name}")
            return object.__getattribute__(this, name)

        monkeypatch.setattr(Recommender, "__getattribute__", asked)

    def _note(self, what: str) -> None:
        self.calls[threading.current_thread().name.partition("_")[0], what] += 1

    def _watched(self, kind: type, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def called(this: Any, *arguments: Any, **more: Any) -> Any:
            collects = kind is ExampleCollector
            if self.replica is not None and (collects or any(this is each for each in core_of(self.replica))):
                self._note(f"{kind.__name__}.{name}")
            return method(this, *arguments, **more)

        return called


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
async def test_all_that_a_worker_does_with_its_core_is_done_in_one_thread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, three_models: Path
) -> None:
    monkeypatch.setattr(batches, "RETRY_S", (0.0, 0.001))
    examples = msgspec.structs.replace(ExampleSettings(str(tmp_path), whole=0.5), shard_events=4)
    settings = override(
        msgspec.structs.replace(Settings(), examples=examples),
        {"model": {"registry": str(three_models), "active": "first"}, "arms": {"calm": {"model": "second"}}},
    )
    store, watch = MemoryStore(), Watch(monkeypatch)
    desk, other = Desk(store, settings), Desk(store)
    models = RegistryModels(settings, store, desk.replica, Told())
    log = ExamplesLog(settings, desk.replica.core, desk.metrics, desk.clock)
    desk.batches.models, desk.batches.folding.examples = models, log
    desk.batches.reader.check_model = models.check
    watch.replica = desk.replica
    chores = desk.chores()

    await desk.take(*(click(n, f"u{n % 3}", f"item-{n}") for n in range(6)))
    await models.start()
    log.start()
    one_by_one = [[click(n, f"u{n % 3}", f"item-{n % 7}")] for n in range(6, 18)]
    for flight in [await desk.batches.begin(batch) for batch in one_by_one]:  # each behind the last
        await flight
    item = Item(event_id="x", ts=NOW_MS, item_id="item-1", title="One")
    shown = Impression(event_id="y", ts=NOW_MS, user_id="u1", slate_id="s", items=["item-1", "item-90"])
    order = Control(event_id="z", ts=NOW_MS, command="activate_model", model="third")
    await desk.take(message(item, 0), message(shown, 0), message(order, 0))
    assert models.loading is not None
    await models.loading
    await other.take(click(0, "bob", "of-the-others", partition=1))
    await chores.follow()
    await chores.popular()
    await chores.snapshot()
    await other.take(click(18, "u0", "item-2"))
    await desk.take(
        click(18, "u0", "item-2"), click(19, "u0", "item-3")
    )  # fenced: the counters are read anew
    await log.stop()
    await until(lambda: not desk.replica.lock.locked())
    watch.replica = None

    assert desk.counted("fenced_batches_total") == 1
    assert models.name == "third"
    assert desk.counted("examples_total", kind="learn") > 0
    threads = {thread for thread, _ in watch.calls}
    assert threads == {"core"}, {call for call in watch.calls if call[0] != "core"}
    for name in ("meet", "apply", "announce", "show", "follow", "request", "recommend", "serve", "load"):
        assert watch.calls["core", f"Recommender.{name}"] > 0, f"{name} was never called"
    assert watch.calls["core", "ExampleCollector.take"] > 0
    assert watch.calls["core", "ExampleCollector.release"] > 0
    assert desk.replica.recommender.counters.interactions == await counted(store)
