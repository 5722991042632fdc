"""Who may change how the system runs over HTTP: whoever asks from this very machine, until there are keys."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from streams.gateway.errors import ProblemError, problem
from streams.gateway.web.forgery import check_own_page

Connection = ASGIConnection[Any, Any, Any, Any]
FORWARDED = (
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-host",
    "x-original-url",
    "x-envoy-external-address",
    "true-client-ip",
    "cf-connecting-ip",
)
"""Headers of proxies, beside all that begin with `x-forwarded`."""


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
    for name in request.headers:
        if name in FORWARDED or name.startswith("x-forwarded"):
            return f"a request that a proxy has forwarded ({name[:100]})"
    if request.scope.get("http_version") == "1.0":
        return "a request in HTTP/1.0, as nginx forwards it without a word where it is not told otherwise"
    for host in request.headers.getall("host", [""]):
        if not is_loopback(_host_of(f"//{host}")):
            return f"a request for the host {host[:100]!r}"
    for origin in request.headers.getall("origin", []):
        if not is_loopback(_host_of(origin)):
            return f"a request from a page of {origin[:100]!r}"
    return ""


def _host_of(address: str) -> str:
    """The host in an address; "" where there is none, or where it is no address."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
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
