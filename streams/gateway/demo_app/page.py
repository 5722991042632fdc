"""GET /demo: the page. It asks the routes under /v1 as any app does; what it shows comes through them."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from streams.gateway.web.pages import render
from streams.settings.tree import Settings

PLACES = 12
"""Two rows of six, three of four, four of three."""


def here(request: Request[Any, Any, Any]) -> str:
    """The gateway's address as the reader has it, for commands that the page shows."""
    return f"{request.url.scheme}://{request.url.netloc}"


def demo_page(settings: Settings) -> HTTPRouteHandler:
    """The page's frame; its modules fill it."""
    places = min(PLACES, settings.feed.size)
    console = settings.gateway.console != "off"

    @get("/", name="demo")
    async def demo(request: Request[Any, Any, Any]) -> Template:
        return render(request, "demo/demo.html", console=console, here=here(request), data={"places": places})

    return demo
