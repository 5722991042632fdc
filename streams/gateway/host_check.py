"""Before anything else looks at a request: pages of other sites must not ask through a browser.

By DNS rebinding a site gives its own name the address of a machine behind a firewall. The browser then takes
the gateway for that site, and lets its pages read the answers. The header tells: it has the site's name. So a
name that is not the gateway's is refused (421). Nobody can rebind an address in the place of a name.

What a page sends from its own site to the gateway is refused as well (403), see `streams.gateway.cross_site`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send, WebSocketScope

from streams.gateway.answers import send_answer
from streams.gateway.cross_site import ORIGIN, SITE, host_of_origin, is_guarded, is_near
from streams.gateway.errors import Problem, problem, problem_answer
from streams.gateway.loopback import is_loopback
from streams.gateway.refused_sockets import refuse_socket
from streams.settings.processes import GatewaySettings

REMEMBERED = 1_024
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class HostCheck:
    """The app behind the check; it costs a look at the headers, no task and no await."""

    def __init__(self, app: App, gateway: GatewaySettings) -> None:
        self._app, self._names = app, HostNames(gateway)
        self._known: set[bytes] = set()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            host: bytes = b""
            site: bytes | None = None
            origins: list[bytes] = []
            for name, value in scope["headers"]:
                if name == b"host":
                    if value not in self._known and not self._is_known(value):
                        return self._refuse(self._unknown(value), scope, receive, send)
                    host = value
                elif name == SITE:
                    site = value
                elif name == ORIGIN:
                    origins.append(value)
            if (site is not None or origins) and _is_guarded(scope):
                came = self._stranger(host, site, origins)
                if came:
                    return self._refuse(self._cross_site(came), scope, receive, send)
        return self._app(scope, receive, send)

    def _refuse(self, told: Problem, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.WEBSOCKET:
            return refuse_socket(problem_answer(told), scope, receive, send)
        return send_answer(problem_answer(told), send)

    def _stranger(self, host: bytes, site: bytes | None, origins: list[bytes]) -> str:
        """Whose page asks, where it is another site's; else ""."""
        if is_near(site):
            return ""
        for origin in origins:
            if not self._names.own(host_of_origin(origin) or "", host.decode("latin-1")):
                return f"Origin: {origin[:200].decode('latin-1')}"
        if site is not None and not origins:
            return f"Sec-Fetch-Site: {site[:200].decode('latin-1')}"
        return ""

    def _is_known(self, value: bytes) -> bool:
        if not self._names.has(value.decode("latin-1")):
            return False
        if len(self._known) < REMEMBERED:
            self._known.add(value)
        return True

    def _unknown(self, value: bytes) -> Problem:
        return problem(
            421,
            "unknown_host",
            expected=f"a Host header with an address of the gateway, or one of {self._names}",
            came=repr(value[:200].decode("latin-1")),
            remedy="ask under one of these names, or add the name to gateway.hosts",
        )

    def _cross_site(self, came: str) -> Problem:
        return problem(
            403,
            "cross_site",
            expected="a request of a program, or of a page of the gateway's own host, of this machine or of"
            f" {self._names}",
            came=came,
            remedy="have the page's server ask, or add the page's host to gateway.hosts",
        )


class HostNames:
    """The names that a gateway answers to, beside all addresses."""

    def __init__(self, gateway: GatewaySettings) -> None:
        hosts = [host.lower() for host in ("localhost", "*.localhost", gateway.host, *gateway.hosts)]
        self._any = "*" in hosts
        self._exact = {host for host in hosts if not host.startswith("*") and not _is_address(host)}
        self._below = tuple(host[1:] for host in hosts if host.startswith("*."))

    def has(self, header: str) -> bool:
        """Whether a Host header names the gateway.

        >>> names = HostNames(GatewaySettings(hosts=("shop.example", "*.inner")))
        >>> [names.has(host) for host in ("shop.example:80", "a.inner", "10.0.0.7", "inner", "evil.example")]
        [True, True, True, False, False]
        """
        if self._any:
            return True
        found = _HOST.fullmatch(header)
        if found is None:
            return False
        host = found[1].lower().removesuffix(".")
        return host in self._exact or host.endswith(self._below) or _is_address(host.strip("[]"))

    def own(self, host: str, header: str) -> bool:
        """Whether a page of `host` is the gateway's own, where `header` is the Host header. Anybody may have
        an address: only this machine's, and the one that was asked, are its own.

        >>> names = HostNames(GatewaySettings(hosts=("shop.example", "*")))
        >>> [names.own(host, "10.0.0.7:80") for host in ("shop.example", "10.0.0.7", "::1", "6.6.6.6")]
        [True, True, True, False]
        """
        asked = _HOST.fullmatch(header)
        if asked is not None and host == asked[1].lower():
            return True
        return host in self._exact or host.endswith(self._below) or is_loopback(host.strip("[]"))

    def __str__(self) -> str:
        return ", ".join([*sorted(self._exact), *(f"*{ending}" for ending in self._below)])


def _is_guarded(scope: HTTPScope | WebSocketScope) -> bool:
    """A browser lets pages of any site open a WebSocket, and read what comes on it."""
    return scope["type"] == ScopeType.WEBSOCKET or is_guarded(scope["method"], scope["path"])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
