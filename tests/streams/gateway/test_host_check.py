"""Names that are not the gateway's are refused before anything else looks at the request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from model.errors import SettingsError
from streams.gateway.host_check import REMEMBERED, HostCheck
from streams.settings.reading import load
from streams.settings.sections import GatewaySettings
from tests.streams.gateway.asgi_requests import Asked, ask

GATEWAY = GatewaySettings(host="0.0.0.0", hosts=("gateway", "Shop.Example", "*.cluster.local"))


async def served(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def status(host: bytes | None, gateway: GatewaySettings = GATEWAY) -> int:
    headers = () if host is None else ((b"accept", b"*/*"), (b"host", host))
    check = HostCheck(served, gateway)
    answers = [await ask(check, Asked("GET", b"/v1/users/u/feed", headers)) for _ in range(2)]
    assert answers[0] == answers[1], "the second time, the name is remembered"
    if answers[0].status != 204:
        told = msgspec.json.decode(answers[0].body)
        assert (told["status"], told["reason"]) == (421, "unknown_host")
        assert "gateway.hosts" in told["remedy"]
    return answers[0].status


@pytest.mark.parametrize(
    "host",
    [
        b"localhost", b"LOCALHOST:8080", b"demo.localhost:1", b"127.0.0.1:8080", b"10.0.0.7", b"[::1]:8080",
        b"[2001:db8::1]", b"gateway:8080", b"gateway.", b"shop.example", b"a.b.cluster.local", None,
    ],
)  # fmt: skip
async def test_its_own_names_and_all_addresses_are_let_in(host: bytes | None) -> None:
    assert await status(host) == 204


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example", b"", b" ", b"gateway.evil.example", b"xshop.example", b"cluster.local",
        b"127.0.0.1.evil.example", b"localhost.evil.example", b"evil.example@localhost", b"localhost:80:80",
        b"localhost/", b"[::1", b"localhost, evil.example", b"\xff\xfe", b"127.1", b"0x7f000001",
        b"evillocalhost",
    ],
)  # fmt: skip
async def test_other_names_are_not(host: bytes) -> None:
    assert await status(host) == 421


async def test_the_name_it_listens_on_is_its_own() -> None:
    assert await status(b"shop:8080", GatewaySettings(host="shop")) == 204
    assert await status(b"shop:8080", GatewaySettings()) == 421
    assert await status(b"anything.at.all", GatewaySettings(hosts=("*",))) == 204


async def test_what_it_remembers_is_bounded() -> None:
    check = HostCheck(served, GATEWAY)
    for n in range(REMEMBERED + 10):
        await ask(check, Asked("GET", b"/", ((b"host", b"10.0.0.7:%d" % (n % 65_536)),)))
    assert len(check._known) == REMEMBERED


def test_hosts_are_settings() -> None:
    known = load(None, {"HEADRACE_GATEWAY__HOSTS": "gateway,*.inner"}).gateway.hosts
    assert known == ("gateway", "*.inner")
    for wrong in ("a b", "*x", "http://gateway", "a*"):
        with pytest.raises(SettingsError, match=r"\$\.gateway\.hosts"):
            load(None, {"HEADRACE_GATEWAY__HOSTS": wrong})
