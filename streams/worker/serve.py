"""A worker as a process: runs until SIGTERM or SIGINT, drains within a deadline; a second signal ends it at
once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal

import uvloop
from prometheus_client import disable_created_metrics

from streams.clock import SystemClock
from streams.settings import Settings
from streams.stores.redis import RedisStore
from streams.worker.health import listen
from streams.worker.worker import Worker

log = logging.getLogger(__name__)

OVERDUE = 3
"""The exit status of a worker that was not done by its deadline."""
INTERRUPTED = 130


def serve(settings: Settings) -> int:
    """Run a worker in this process; blocks. The exit status: 0 where it drained in time."""
    listener = listen(settings.worker)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves this one untyped
    host, port = listener.getsockname()[:2]
    log.info("worker answers on http://%s:%d", host, port)
    worker = Worker(settings, RedisStore(settings.redis, settings.state), SystemClock(), listener)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(worker, settings.worker.drain_deadline_s))


async def _run(worker: Worker, drain_deadline_s: float) -> int:
    asked = asyncio.Event()

    def on_signal() -> None:
        if asked.is_set():
            log.warning("second signal: ending at once")
            os._exit(INTERRUPTED)
        asked.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    stop_asked = asyncio.create_task(asked.wait())
    starting = asyncio.create_task(worker.start())
    await asyncio.wait([starting, stop_asked], return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        failing = asyncio.create_task(worker.failed())
        await asyncio.wait([failing, stop_asked], return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            raise failing.result()
        failing.cancel()
    else:
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
    log.info("draining, %g s at most", drain_deadline_s)
    try:
        async with asyncio.timeout(drain_deadline_s):
            await worker.stop()
    except TimeoutError:
        log.error(
            "not drained within %g s: ending; what was not written will be read again", drain_deadline_s
        )
        os._exit(OVERDUE)
    return 0
