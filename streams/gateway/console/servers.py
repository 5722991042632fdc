"""GET /console/servers: store, broker, partitions, the model in force and the ledger."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from streams.gateway.console.showing import show
from streams.gateway.console.watch import Watch
from streams.settings.shown import server_of
from streams.settings.tree import Settings


def servers_page(watch: Watch, settings: Settings) -> HTTPRouteHandler:
    """What workers stand on. The servers' addresses are named without passwords."""
    addresses = {
        "store": server_of(settings.redis.url),
        "broker": settings.kafka.bootstrap,
    }

    @get("/servers", name="console.servers")
    async def servers(request: Request[Any, Any, Any]) -> Template:
        await watch.look()
        return show(request, "servers", figures=watch.figures, services=watch.services, addresses=addresses)

    return servers
