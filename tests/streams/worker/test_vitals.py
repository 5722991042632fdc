"""Threads and tasks that have ended are found, whoever started them."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

from model.errors import PartEndedError
from streams.worker.aiokafka_thread import AiokafkaThread
from streams.worker.vitals import ended_reader, ended_task


async def fails() -> None:
    raise OSError("no more")


async def ended(coroutine: Any) -> asyncio.Task[Any]:
    task = asyncio.create_task(coroutine)
    await asyncio.wait([task])
    return task


async def test_a_task_that_failed_is_found_and_others_are_not() -> None:
    running = asyncio.create_task(asyncio.sleep(60))
    cancelled = asyncio.create_task(asyncio.sleep(60))
    cancelled.cancel()
    well = [("a", None), ("b", running), ("c", await ended(asyncio.sleep(0))), ("d", cancelled)]
    await asyncio.wait([cancelled])
    assert ended_task(well) is None
    found = ended_task([*well, ("the chore", await ended(fails()))])
    assert isinstance(found, OSError)
    assert found.__notes__ == ["the chore ended with it"]
    running.cancel()


def consumer(thread: threading.Thread, **tasks: Any) -> Any:
    client = SimpleNamespace(
        _closed=False,
        _fetcher=SimpleNamespace(_fetch_task=tasks.get("fetch")),
        _coordinator=SimpleNamespace(
            _coordination_task=tasks.get("coordination"), _pending_exception=tasks.get("kept")
        ),
        _client=SimpleNamespace(_sync_task=tasks.get("metadata")),
    )
    reader: Any = AiokafkaThread.__new__(AiokafkaThread)
    reader._thread, reader._consumer = thread, client
    return SimpleNamespace(_thread=reader)


async def test_the_reader() -> None:
    here, over = threading.current_thread(), threading.Thread(target=lambda: None)
    over.start()
    over.join()
    running = asyncio.create_task(asyncio.sleep(60))
    assert ended_reader(None, False) is None
    assert ended_reader(consumer(here, fetch=running, coordination=running), False) is None
    assert isinstance(ended_reader(consumer(over), False), PartEndedError)
    assert ended_reader(consumer(over), should_stop=True) is None
    for name, says in (
        ("fetch", "fetcher"),
        ("coordination", "group coordination"),
        ("metadata", "refresh of metadata"),
    ):
        for coroutine in (fails(), asyncio.sleep(0)):  # neither has a good end
            found = ended_reader(consumer(here, **{name: await ended(coroutine)}), False)
            assert isinstance(found, PartEndedError)
            assert says in str(found)
    kept = KeyError("what nobody has fetched")
    found = ended_reader(consumer(here, fetch=running, coordination=running, kept=kept), False)
    assert isinstance(found, PartEndedError)
    assert found.__cause__ is kept
    running.cancel()
