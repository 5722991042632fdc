"""The worker's own small web server: /healthz, /readyz and /metrics, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from model.errors import SettingsError
from streams.settings import WorkerSettings


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
    model: dict[str, Any]


class HealthServer:
    """Serves until it is stopped; `ready` and `collect` are asked at each request."""

    def __init__(
        self,
        listener: socket.socket,
        registry: CollectorRegistry,
        ready: Callable[[], Readiness],
        collect: Callable[[], None],
    ) -> None:
        self._listener, self._registry = listener, registry
        self._ready, self._collect = ready, collect
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
        return web.json_response({"status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        readiness = self._ready()
        return web.Response(
            body=msgspec.json.encode(readiness),
            status=200 if readiness.ready else 503,
            content_type="application/json",
        )

    async def _metrics(self, _request: web.Request) -> web.Response:
        self._collect()
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
