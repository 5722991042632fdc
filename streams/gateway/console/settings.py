"""GET /console/settings: the settings in force in this process, and what differs from the defaults."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Literal

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Template

from streams.gateway.console.showing import show
from streams.settings.shown import shown
from streams.settings.tree import Settings

Asked = Request[Any, Any, Any]


def settings_page(settings: Settings) -> HTTPRouteHandler:
    """The page. Settings don't change while a process runs."""
    rows = shown(settings)

    @get("/settings", name="console.settings")
    async def settings_list(request: Asked, which: FromQuery[Literal["all", "changed"]] = "all") -> Template:
        kept = [row for row in rows if which == "all" or row.differs]
        sections = [(name, list(group)) for name, group in groupby(kept, key=lambda row: row.section)]
        return show(
            request,
            "settings",
            sections=sections,
            which=which,
            total=len(rows),
            differing=sum(row.differs for row in rows),
        )

    return settings_list
