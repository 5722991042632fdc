"""The threads and tasks that a worker can't do without. Whoever wrote them restarts some and forgets others:
where one has ended, the worker looks well and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from model.errors import PartEndedError
from streams.kafka.inquiry import ended_in
from streams.worker.librdkafka_thread import LibrdkafkaThread


def ended_task(tasks: Iterable[tuple[str, asyncio.Future[Any] | None]]) -> BaseException | None:
    """The error with which one of these (name, task) has ended; None where all is well."""
    for name, task in tasks:
        if task is not None and task.done() and not task.cancelled():
            error = task.exception()
            if error is not None:
                error.add_note(f"{name} ended with it")
                return error
    return None


def ended_reader(consumer: Any, should_stop: bool) -> BaseException | None:
    """Why the thread under Faust's consumer, or what its client runs, has ended; None where all is well."""
    thread = getattr(consumer, "_thread", None)
    if thread is None or should_stop:
        return None
    if isinstance(thread, LibrdkafkaThread):
        return thread.ended()
    if thread._thread is not None and not thread._thread.is_alive():
        return PartEndedError("the thread that reads from Kafka has ended")
    client = thread._consumer
    if client is None or client._closed:
        return None
    fetcher, coordinator = getattr(client, "_fetcher", None), getattr(client, "_coordinator", None)
    if coordinator is not None and (kept := coordinator._pending_exception) is not None:
        # It rests until somebody fetches, and nobody does while partitions move.
        ended = PartEndedError(f"the Kafka client's group coordination has failed: {kept!r}")
        ended.__cause__ = kept
        return ended
    return ended_in(
        client,
        ("refresh of metadata", client._client._sync_task),
        ("fetcher", fetcher and fetcher._fetch_task),
        ("group coordination", coordinator and getattr(coordinator, "_coordination_task", None)),
    )
