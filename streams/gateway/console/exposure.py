"""GET /console/exposure: what was shown of late: by which source, how diverse, how evenly spread."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from streams.gateway.console.showing import show
from streams.gateway.console.watch import Watch


def exposure_page(watch: Watch) -> HTTPRouteHandler:
    """Of the slates that workers made in the last five minutes."""

    @get("/exposure", name="console.exposure")
    async def exposed(request: Request[Any, Any, Any]) -> Template:
        await watch.look()
        figures = watch.figures
        return show(request, "exposure", exposed=figures.exposed if figures is not None else {})

    return exposed
