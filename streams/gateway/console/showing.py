"""A page of the console: its template with the navigation."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.exceptions import NoRouteMatchFoundException
from litestar.response import Template

from streams.gateway.console.navigation import NAVIGATION, PREFIX
from streams.gateway.web.pages import render


def show(request: Request[Any, Any, Any], page: str, status: int = 200, **values: Any) -> Template:
    """The page `page` of the navigation (or one below it) with `values`; see `web.pages.render`."""
    groups = [
        (title, [(each.name, (PREFIX + each.path).removesuffix("/")) for each in pages])
        for title, pages in NAVIGATION
    ]
    return render(
        request, f"console/{page}.html", status, navigation=groups, page=page, demo=_demo(request), **values
    )


def _demo(request: Request[Any, Any, Any]) -> str | None:
    """The address of the demo application, where this gateway has it."""
    try:
        return request.app.route_reverse("demo")
    except NoRouteMatchFoundException:
        return None
