"""What changes something is sent by programs and by the gateway's own pages; the ways of others are tried."""

from __future__ import annotations

from functools import cache

import pytest
from litestar.testing import RequestFactory

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.errors import ProblemError
from streams.gateway.host_check import HostCheck
from streams.gateway.web.forgery import check_own_page
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.asgi_requests import HOST, Asked, Headers, Sent, ask
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

OWN_PAGE = ((b"origin", b"http://127.0.0.1:8080"), (b"sec-fetch-site", b"same-origin"))
FORM = (b"content-type", b"application/x-www-form-urlencoded")
TEXT = (b"content-type", b"text/plain")
JSON = (b"content-type", b"application/json")

CHANGES = [
    ("POST", b"/v1/admin/models/roll-back"),
    ("POST", b"/v1/admin/models/m/activate"),
    ("POST", b"/v1/admin/search/rebuild"),
    ("POST", b"/v1/admin/dead-letters/replay"),
    ("PUT", b"/v1/admin/experiments/e"),
    ("POST", b"/v1/admin/experiments/e/start"),
    ("POST", b"/v1/admin/experiments/e/stop"),
    ("POST", b"/v1/admin/experiments/e/ship"),
    ("POST", b"/v1/admin/experiments/e/remove"),
    ("POST", b"/v1/admin/experiments/e/arms/a/stop"),
]
ATTACKS: list[Headers] = [
    # A form, and a text without a preflight, of a page on the net.
    (HOST, FORM, (b"origin", b"https://evil.example"), (b"sec-fetch-site", b"cross-site")),
    (HOST, TEXT, (b"origin", b"https://evil.example")),
    # A page in a sandbox has no origin, a page of an old browser no Sec-Fetch-Site.
    (HOST, TEXT, (b"origin", b"null")),
    (HOST, FORM, (b"sec-fetch-site", b"cross-site")),
    # A page of another server on this machine: the same site, and a loopback host.
    (HOST, TEXT, (b"origin", b"http://127.0.0.1:3000"), (b"sec-fetch-site", b"same-site")),
    (HOST, TEXT, (b"origin", b"http://localhost:3000"), (b"sec-fetch-site", b"cross-site")),
    (HOST, JSON, (b"origin", b"http://localhost:3000")),
    (HOST, JSON, (b"origin", b"http://127.0.0.1")),
    (HOST, JSON, (b"origin", b"http://127.0.0.1:80801")),
    # Two origins, of which one is right.
    (HOST, JSON, (b"origin", b"http://127.0.0.1:8080"), (b"origin", b"http://localhost:3000")),
    # Its own page, framed or tricked into sending a form.
    (HOST, FORM, *OWN_PAGE, (b"sec-fetch-mode", b"navigate")),
    # A name that was rebound to this machine.
    ((b"host", b"evil.example:8080"), JSON, (b"origin", b"http://evil.example:8080")),
]  # fmt: skip
OWN: list[Headers] = [
    (HOST, JSON, *OWN_PAGE, (b"sec-fetch-mode", b"cors")),
    (HOST, JSON),
    ((b"host", b"LocalHost:8080"), JSON, (b"origin", b"http://localhost:8080")),
]  # fmt: skip


@cache
def app() -> HostCheck:
    settings = Settings()
    made = create_app(settings, MemoryStore(), RecordingSink(), ManualClock(NOW_MS))
    return HostCheck(made, settings.gateway)


async def sent(method: str, target: bytes, headers: Headers) -> Sent:
    return await ask(app(), Asked(method, target, headers, (b"{}",)))


@pytest.mark.parametrize("headers", ATTACKS)
async def test_others_change_nothing(headers: Headers) -> None:
    for method, target in CHANGES:
        answer = await sent(method, target, headers)
        assert answer.status in (403, 421), (method, target, answer)


@pytest.mark.parametrize("headers", OWN)
async def test_programs_and_own_pages_are_let_in(headers: Headers) -> None:
    for method, target in CHANGES:
        answer = await sent(method, target, headers)
        assert answer.status not in (403, 421), (method, target, answer)


async def test_no_answer_lets_another_page_read_it() -> None:
    for target in (b"/console", b"/v1/admin/models", b"/v1/admin/dead-letters"):
        answer = await sent("GET", target, (HOST, (b"origin", b"https://evil.example")))
        assert b"access-control-allow-origin" not in dict(answer.headers)
    answer = await sent(
        "OPTIONS", b"/v1/admin/models/roll-back", (HOST, (b"origin", b"https://evil.example"))
    )
    assert b"access-control-allow-origin" not in dict(answer.headers)


def test_the_refusal_says_what_to_do() -> None:
    request = RequestFactory().post("/", headers={"host": "localhost:1", "origin": "http://localhost:2"})
    with pytest.raises(ProblemError) as caught:
        check_own_page(request)
    assert caught.value.problem.reason == "cross_site"
    assert "http://localhost:2" in caught.value.problem.came
