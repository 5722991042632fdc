"""Who may change how the system runs over HTTP: whoever asks from this very machine, until there are keys."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from streams.gateway.errors import ProblemError, problem
from streams.gateway.web.forgery import check_own_page

Connection = ASGIConnection[Any, Any, Any, Any]
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def check_loopback(request: Connection) -> None:
    """Raises `ProblemError` (403) unless the request comes from a loopback address, and says nothing of a
    proxy in between, of another host (a name that a browser was led to), or of a page that is not its own.
    """
    if came := came_through(request):
        raise _refused(came)
    check_own_page(request)


def came_through(request: Connection) -> str:
    """What shows that a request is not of this machine alone; "" where nothing does."""
    client = request.client.host if request.client is not None else ""
    if not is_loopback(client):
        return f"a request from {client or 'an unknown address'}"
    for name in FORWARDED:
        if name in request.headers:
            return f"a request that a proxy has forwarded ({name})"
    if not is_loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname or ""):
        return f"a request for the host {request.headers.get('host', '')[:100]!r}"
    origin = request.headers.get("origin")
    if origin is not None and not is_loopback(urlsplit(origin).hostname or ""):
        return f"a request from a page of {origin[:100]!r}"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.7", "127.0.0.1.example.org")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _refused(came: str) -> ProblemError:
    return ProblemError(
        problem(
            403,
            "not_loopback",
            expected="a request from a loopback address of the gateway's machine, such as 127.0.0.1",
            came=came,
            remedy="ask from that machine, or use `headrace experiments` where the store can be reached",
        )
    )
