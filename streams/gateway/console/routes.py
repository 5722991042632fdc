"""All routes under /console."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Router
from litestar.handlers import HTTPRouteHandler

from streams.clock import Clock
from streams.gateway.console.navigation import PREFIX
from streams.gateway.console.overview import overview_page
from streams.gateway.web.access import open_to
from streams.gateway.web.pages import pages_router
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store


def console_routes(
    settings: Settings, store: Store, sink: EventSink, clock: Clock, further: Sequence[HTTPRouteHandler] = ()
) -> list[Router]:
    """The console, where `gateway.console` lets it be. `further`: pages beside those of this room's own."""
    mode = settings.gateway.console
    if mode == "off":
        return []
    pages = [
        overview_page(clock),
        *further,
    ]
    return [pages_router(PREFIX, pages, [open_to(mode, "gateway.console")])]
