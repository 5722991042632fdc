"""A worker as a process: runs until SIGTERM or SIGINT, drains within a deadline; a second signal ends it at
once. One that can't go on ends as well, within the same deadline, and says why.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from pathlib import Path
from typing import Any, NoReturn, Protocol

from prometheus_client import CollectorRegistry, disable_created_metrics

from model.errors import PartEndedError
from streams.clock import SystemClock
from streams.kafka.connection import mend_connections
from streams.serving.arms import check_arms
from streams.serving.claim import claim
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from streams.worker.ending import DRAINED, INTERRUPTED, OVERDUE, Ending, because_of, end
from streams.worker.health import HealthServer, HealthSubject, listen
from streams.worker.loop_thread import LoopRunner, LoopThread
from streams.worker.worker import Worker

log = logging.getLogger(__name__)


class Served(LoopRunner, HealthSubject, Protocol):
    """A worker as this module needs it; `failure` is set here once it can't go on."""


def serve(settings: Settings) -> NoReturn:
    """Run a worker in this process, and end the process with it; see `streams.worker.ending`.

    Raises `SettingsError` where an arm names a model that can't be served, where its examples are to lie
    among those of another namespace, and where it can't listen.
    """
    check_arms(settings)
    _claim_examples(settings)
    listener = listen(settings.worker)
    mend_connections()
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves this one untyped
    host, port = listener.getsockname()[:2]
    log.info("worker answers on http://%s:%d", host, port)
    worker = Worker(settings, RedisStore(settings.redis, settings.state, settings.learning), SystemClock())

    async def run() -> NoReturn:
        # From within the loop: it has health to answer to the last.
        end(await look_after(worker, listener, worker.metrics.registry, settings.worker.drain_deadline_s))

    asyncio.run(run())


def _claim_examples(settings: Settings) -> None:
    if not settings.examples.folder:
        return
    try:
        claim(Path(settings.examples.folder), settings.namespace, "examples.folder")
    except OSError as error:  # no example is worth a worker
        log.warning("examples.folder %s can't be written: %s", settings.examples.folder, error)


async def look_after(
    worker: Served, listener: socket.socket, registry: CollectorRegistry, drain_deadline_s: float
) -> Ending:
    """Run the worker in a thread of its own, answer for its health, and return how the process is to end."""
    running = LoopThread(worker)
    signals: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, number)
    threading.excepthook = lambda died: _died(running, died)
    health = HealthServer(listener, registry, worker, running.ask)
    await health.start()
    running.start()

    told = asyncio.create_task(signals.get())
    either: list[asyncio.Future[Any]] = [running.failed, told]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    ending = Ending(DRAINED, "drained")
    if running.failed.done():
        ending = _failed(worker, running.failed.result())
    else:
        log.info("draining, %g s at most", drain_deadline_s)
    again = asyncio.create_task(signals.get()) if told.done() else told
    running.stop()
    ended = asyncio.create_task(running.ended.wait())
    either = [ended, again]
    await asyncio.wait(either, timeout=drain_deadline_s, return_when=asyncio.FIRST_COMPLETED)
    if ending.status == DRAINED and running.failed.done():
        ending = _failed(worker, running.failed.result())
    if ending.status != DRAINED or ended.done():
        return ending
    if again.done():
        return Ending(INTERRUPTED, "second signal")
    return Ending(
        OVERDUE, f"not drained within {drain_deadline_s:g} s; what was not written will be read again"
    )


def _failed(worker: Served, error: BaseException) -> Ending:
    worker.failure = error
    log.error("the worker can't go on", exc_info=error)
    return because_of(error)


def _died(running: LoopThread, died: threading.ExceptHookArgs) -> None:
    """No thread of this process is meant to end by an error: what it did is not done any more."""
    name = died.thread.name if died.thread is not None else "a thread"
    error = PartEndedError(f"{name} has ended: {died.exc_type.__name__}: {died.exc_value}")
    error.__cause__ = died.exc_value
    running.fail(error)
