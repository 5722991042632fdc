"""All routes under /console."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Router
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from streams.clock import Clock
from streams.gateway.console.exposure import exposure_page
from streams.gateway.console.live import live_routes
from streams.gateway.console.navigation import PREFIX
from streams.gateway.console.overview import overview_page
from streams.gateway.console.servers import servers_page
from streams.gateway.console.watch import Watch
from streams.gateway.web.access import open_to
from streams.gateway.web.pages import pages_router
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store


def console_routes(
    settings: Settings,
    store: Store,
    sink: EventSink,
    clock: Clock,
    watch: Watch | None,
    further: Sequence[HTTPRouteHandler] = (),
) -> list[Router]:
    """The console, where `gateway.console` lets it be; without a watch there is none. `further`: pages beside
    those of this room's own.
    """
    mode = settings.gateway.console
    if mode == "off" or watch is None:
        return []
    pages: list[BaseRouteHandler] = [
        overview_page(watch),
        servers_page(watch, settings),
        exposure_page(watch),
        *live_routes(watch),
        *further,
    ]
    return [pages_router(PREFIX, pages, [open_to(mode, "gateway.console")])]
