"""The worker's own small web server: /healthz, /readyz and /metrics, and nothing else.

It runs on another thread than the worker's event loop. So a loop that is blocked, or that has ended, is said,
where a server on that loop could not answer at all.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from model.errors import SettingsError
from streams.settings.processes import WorkerSettings

T = TypeVar("T")

ANSWER_WITHIN_S = 1.0
"""The worker's loop has so long to say how it is."""

SECOND_LOOK_AFTER_S = 0.2
"""A process that was stopped and goes on: its threads need a moment to have their turns."""


class Part(msgspec.Struct, omit_defaults=True):
    """One of the things a worker needs; `trouble` says what is wrong with it."""

    ready: bool
    trouble: str = ""


class Readiness(msgspec.Struct):
    """`ready` where every part is. `model`: the name in service ("": none), the provider, and whether it fell
    back.
    """

    ready: bool
    parts: dict[str, Part]
    model: dict[str, Any] = {}


class HealthSubject(Protocol):
    """Whose health it is. `failure`: why it is about to end."""

    failure: BaseException | None

    def unwell(self) -> str:
        """Why it must be restarted; "" while it is alive. Asked in any thread."""
        ...

    def readiness(self) -> Readiness:
        """Asked in the worker's own loop."""
        ...

    def collect(self) -> None:
        """Bring the gauges up to date; asked in the worker's own loop."""
        ...

    def silent(self) -> None:
        """Its loop has not answered: have the metrics say that it is not ready."""
        ...


class LoopCall(Protocol):
    """Calls a function in the worker's own loop; its answer, or `TimeoutError`."""

    def __call__(self, question: Callable[[], T], timeout_s: float) -> Awaitable[T]: ...


class HealthServer:
    """Serves on the loop in which it is started, until it is stopped."""

    def __init__(
        self, listener: socket.socket, registry: CollectorRegistry, patient: HealthSubject, ask: LoopCall
    ) -> None:
        self._listener, self._registry = listener, registry
        self._patient, self._ask = patient, ask
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        trouble = await self._unwell()
        if trouble:
            return web.json_response({"status": "unwell", "trouble": trouble}, status=503)
        return web.json_response({"status": "alive"})

    async def _unwell(self) -> str:
        if not self._patient.unwell():
            return ""
        if self._patient.failure is None:
            await asyncio.sleep(SECOND_LOOK_AFTER_S)
        return self._patient.unwell()

    async def _readyz(self, _request: web.Request) -> web.Response:
        trouble = self._patient.unwell()
        try:
            readiness = await self._ask(self._patient.readiness, ANSWER_WITHIN_S)
            trouble = self._patient.unwell()
        except TimeoutError:
            trouble = trouble or f"the worker's event loop has not answered within {ANSWER_WITHIN_S:g} s"
            readiness = Readiness(False, {})
        if trouble:
            readiness.ready = False
            readiness.parts["process"] = Part(False, trouble)
        return web.Response(
            body=msgspec.json.encode(readiness),
            status=200 if readiness.ready else 503,
            content_type="application/json",
        )

    async def _metrics(self, _request: web.Request) -> web.Response:
        try:
            await self._ask(self._patient.collect, ANSWER_WITHIN_S)
        except TimeoutError:
            self._patient.silent()
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


def listen(worker: WorkerSettings) -> socket.socket:
    """A listening socket on the configured address; port 0 takes a free one."""
    try:
        return socket.create_server((worker.host, worker.port), backlog=128)
    except OSError as error:
        raise SettingsError(
            f"worker.host {worker.host!r}, worker.port {worker.port}: an address to listen on was expected,"
            f" and {error.strerror} came; set another port, or end what holds this one"
        ) from None
