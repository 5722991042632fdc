"""All routes under /demo, where `gateway.demo_app` lets them be."""

from __future__ import annotations

from litestar import Router

from streams.gateway.demo_app.items import items_route
from streams.gateway.demo_app.page import demo_page
from streams.gateway.web.access import open_to
from streams.gateway.web.pages import pages_router
from streams.settings.tree import Settings
from streams.stores.base import Store

PREFIX = "/demo"


def demo_routes(settings: Settings, store: Store) -> list[Router]:
    """The page, and what it asks beside the routes under /v1."""
    mode = settings.gateway.demo_app
    if mode == "off":
        return []
    routes = [demo_page(settings), items_route(settings, store)]
    return [pages_router(PREFIX, routes, [open_to(mode, "gateway.demo_app")])]
