"""To whom pages are open: this machine alone, until it is set otherwise; and no other site's page."""

from __future__ import annotations

from typing import Any

import pytest

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.host_check import HostCheck
from streams.settings.processes import GatewaySettings, PagesOpenTo
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.asgi_requests import HOST, Asked, Headers, Sent, ask
from tests.streams.gateway.conftest import NOW_MS, RecordingSink


async def shown(mode: PagesOpenTo, headers: Headers = (HOST,), client: str = "127.0.0.1") -> Sent:
    settings = Settings(gateway=GatewaySettings(console=mode, hosts=("shop.example",)))
    app = HostCheck(
        create_app(settings, MemoryStore(), RecordingSink(), ManualClock(NOW_MS)), settings.gateway
    )

    async def from_client(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"client": (client, 50_000)}, receive, send)

    return await ask(from_client, Asked("GET", b"/console", headers))


async def test_this_machine_sees_it() -> None:
    answer = await shown("loopback")
    assert answer.status == 200
    assert b"<h1>" in answer.body


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ((HOST,), "10.0.0.7"),
        ((HOST, (b"x-forwarded-for", b"10.0.0.7")), "127.0.0.1"),
        ((HOST, (b"forwarded", b"for=10.0.0.7")), "127.0.0.1"),
        (((b"host", b"shop.example"),), "127.0.0.1"),
    ],
)
async def test_others_see_it_where_it_is_set_on(headers: Headers, client: str) -> None:
    refused = await shown("loopback", headers, client)
    assert refused.status == 403
    assert b"gateway.console" in refused.body
    assert b"text/html" in dict(refused.headers)[b"content-type"]
    assert (await shown("on", headers, client)).status == 200


async def test_no_other_name_even_then() -> None:
    assert (await shown("on", ((b"host", b"evil.example"),))).status == 421


async def test_nobody_sees_it_where_it_is_off() -> None:
    assert (await shown("off")).status == 404


async def test_no_page_is_kept_or_framed_or_runs_what_is_in_it() -> None:
    for answer in (await shown("on"), await shown("loopback", client="10.0.0.7")):
        headers = dict(answer.headers)
        policy = dict(
            part.strip().split(" ", 1) for part in headers[b"content-security-policy"].decode().split(";")
        )
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert "unsafe" not in " ".join(policy.values())
        assert headers[b"cache-control"] == b"no-store"
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"referrer-policy"] == b"no-referrer"
