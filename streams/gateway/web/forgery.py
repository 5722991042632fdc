"""Which page may have a browser send a call that changes something, or that takes a slot: the gateway's own.

No page of the gateway has a form that the browser sends, and no cookie gives a right. So what is left to an
attacker is a page that has a browser ask: one of another site (`streams.gateway.cross_site` refuses it), or
one of another port of this machine, of the same site. A browser says in headers that no page can write
where a request comes from. A program sends none of them, and is let in.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from streams.gateway.cross_site import SAFE
from streams.gateway.errors import ProblemError, problem

Connection = ASGIConnection[Any, Any, Any, Any]
_OWN = ("same-origin", "none")


def stranger(connection: Connection) -> str:
    """What shows that another page than the gateway's own has asked; "" where nothing does."""
    headers = connection.headers
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OWN:
        return f"Sec-Fetch-Site: {site[:100]}"
    for origin in headers.getall("origin", []):
        if origin.partition("://")[2].lower() != headers.get("host", "").lower():
            return f"Origin: {origin[:200]}"
    if connection.scope.get("method") not in SAFE and headers.get("sec-fetch-mode") == "navigate":
        return "a form that was sent by itself (Sec-Fetch-Mode: navigate)"
    return ""


def check_own_page(connection: Connection, _: BaseRouteHandler | None = None) -> None:
    """A guard of routes. Raises `ProblemError` (403) for what another page has a browser send."""
    if came := stranger(connection):
        raise ProblemError(
            problem(
                403,
                "cross_site",
                expected="a request of a program, or of a page under this gateway's own address and port",
                came=came,
                remedy="open the gateway's /console under the address that is asked, or use the command line",
            )
        )
