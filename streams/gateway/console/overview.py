"""GET /console: how the system does, at a glance."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from streams.clock import Clock
from streams.gateway.console.showing import show


def overview_page(clock: Clock) -> HTTPRouteHandler:
    """The first page."""

    @get("/", name="console.overview")
    async def overview(request: Request[Any, Any, Any]) -> Template:
        return show(request, "overview", now_ms=clock.now_ms())

    return overview
