"""Names that are not the gateway's are refused before anything else looks at the request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from model.errors import SettingsError
from streams.gateway.host_check import REMEMBERED, HostCheck
from streams.settings.processes import GatewaySettings
from streams.settings.reading import load
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


async def of_page(
    method: str, target: bytes, *headers: tuple[bytes, bytes], host: bytes = b"127.0.0.1:8080"
) -> int:
    answer = await ask(HostCheck(served, GATEWAY), Asked(method, target, ((b"host", host), *headers)))
    if answer.status != 204:
        told = msgspec.json.decode(answer.body)
        assert (told["status"], told["reason"]) == (403, "cross_site")
    return answer.status


CROSS = (b"sec-fetch-site", b"cross-site")
ROUTES = [
    ("POST", b"/v1/events"),
    ("PUT", b"/v1/items/i"),
    ("DELETE", b"/v1/items/i"),
    ("POST", b"/v1/admin/models/roll-back"),
    ("GET", b"/v1/users/u/feed"),
    ("POST", b"/elsewhere"),
]


@pytest.mark.parametrize(("method", "target"), ROUTES)
async def test_a_page_of_another_site_is_refused(method: str, target: bytes) -> None:
    for origin in (
        b"https://evil.example", b"null", b"", b"http://6.6.6.6", b"http://localhost.evil.example",
        b"http://evil.example/@localhost", b"http://localhost@evil.example", b"http://127.0.0.1, http://evil",
        b"https://gateway.evil.example", b"\xff",
    ):  # fmt: skip
        assert await of_page(method, target, (b"origin", origin)) == 403
        assert await of_page(method, target, (b"origin", origin), CROSS) == 403
        assert await of_page(method, target, (b"origin", b"http://localhost"), (b"origin", origin)) == 403
    assert await of_page(method, target, CROSS) == 403, "an image, or a form without an origin"


@pytest.mark.parametrize(("method", "target"), ROUTES)
async def test_its_own_pages_and_programs_are_not(method: str, target: bytes) -> None:
    for origin in (
        b"http://127.0.0.1:3000", b"http://localhost:5173", b"http://[::1]:1", b"https://shop.example",
        b"http://a.b.cluster.local", b"http://GATEWAY",
    ):  # fmt: skip
        assert await of_page(method, target, (b"origin", origin)) == 204
        assert await of_page(method, target, (b"origin", origin), CROSS) == 204
    for site in (b"same-origin", b"same-site", b"none"):
        near = (b"sec-fetch-site", site)
        assert await of_page(method, target, near) == 204
        assert await of_page(method, target, near, (b"origin", b"https://behind.a.proxy")) == 204
    assert await of_page(method, target, (b"origin", b"http://10.0.0.7:3000"), host=b"10.0.0.7:8080") == 204
    assert await of_page(method, target) == 204


async def test_a_link_from_another_site_may_lead_to_what_changes_nothing() -> None:
    for target in (b"/schema", b"/healthz", b"/metrics"):
        assert await of_page("GET", target, CROSS) == 204


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
