"""The Host header is checked before anything else: a page of another site must not ask through a browser.

By DNS rebinding a site gives its own name the address of a machine behind a firewall. The browser then takes
the gateway for that site, and lets its pages read the answers. The header tells: it has the site's name. So a
name that is not the gateway's is refused (421). Nobody can rebind an address in the place of a name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send

from streams.gateway.answers import send_answer
from streams.gateway.errors import problem, problem_answer
from streams.settings.sections import GatewaySettings

REMEMBERED = 1_024
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class HostCheck:
    """The app behind the check; it costs a look at the headers, no task and no await."""

    def __init__(self, app: App, gateway: GatewaySettings) -> None:
        self._app, self._names = app, Names(gateway)
        self._known: set[bytes] = set()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP:
            for name, value in scope["headers"]:
                if name == b"host":
                    if value in self._known or self._is_known(value):
                        break
                    return self._refuse(scope, send, value)
        return self._app(scope, receive, send)

    def _is_known(self, value: bytes) -> bool:
        if not self._names.has(value.decode("latin-1")):
            return False
        if len(self._known) < REMEMBERED:
            self._known.add(value)
        return True

    async def _refuse(self, scope: HTTPScope, send: Send, value: bytes) -> None:
        refusal = problem(
            421,
            "unknown_host",
            expected=f"a Host header with an address of the gateway, or one of {self._names}",
            came=repr(value[:200].decode("latin-1")),
            remedy="ask under one of these names, or add the name to gateway.hosts",
        )
        await send_answer(problem_answer(refusal), send)


class Names:
    """The names that a gateway answers to, beside all addresses."""

    def __init__(self, gateway: GatewaySettings) -> None:
        hosts = [host.lower() for host in ("localhost", "*.localhost", gateway.host, *gateway.hosts)]
        self._any = "*" in hosts
        self._exact = {host for host in hosts if not host.startswith("*") and not _is_address(host)}
        self._below = tuple(host[1:] for host in hosts if host.startswith("*."))

    def has(self, header: str) -> bool:
        """Whether a Host header names the gateway.

        >>> names = Names(GatewaySettings(hosts=("shop.example", "*.inner")))
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

    def __str__(self) -> str:
        return ", ".join([*sorted(self._exact), *(f"*{ending}" for ending in self._below)])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
