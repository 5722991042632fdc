"""Only this machine may change experiments; what a proxy or a page brings is not of this machine."""

from __future__ import annotations

import pytest
from litestar.testing import RequestFactory

from streams.gateway.errors import ProblemError
from streams.gateway.loopback import check_loopback, is_loopback

HERE = {"host": "127.0.0.1:8080"}


def asked(client: str, headers: dict[str, str]) -> None:
    request = RequestFactory(server="127.0.0.1").put("/", headers=headers)
    request.scope["client"] = (client, 5_000)
    check_loopback(request)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_this_machine_may(client: str, host: str) -> None:
    asked(client, {"host": host})
    asked(client, {"host": host, "origin": f"http://{host}"})


@pytest.mark.parametrize(
    "client", ["10.0.0.7", "192.168.1.1", "::2", "::ffff:10.0.0.7", "8.8.8.8", "testclient"]
)
def test_others_may_not(client: str) -> None:
    with pytest.raises(ProblemError, match="403 not_loopback"):
        asked(client, HERE)


@pytest.mark.parametrize(
    "more",
    [
        {"x-forwarded-for": "10.0.0.7"},
        {"forwarded": "for=10.0.0.7"},
        {"x-real-ip": "10.0.0.7"},
        {"via": "1.1 proxy"},
        {"x-forwarded-proto": "https"},
        {"x-forwarded-host": "shop.example.org"},
        {"cf-connecting-ip": "10.0.0.7"},
        {"host": "shop.example.org"},
        {"host": "127.0.0.1.example.org"},
        {"origin": "https://shop.example.org"},
        {"origin": "null"},
        {"origin": "http://["},
        {"host": "["},
    ],
)
def test_nor_what_comes_from_elsewhere_through_this_machine(more: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match="403 not_loopback"):
        asked("127.0.0.1", HERE | more)


def test_nor_what_a_proxy_forwards_without_a_word() -> None:
    """nginx by default: the upstream's own name as Host, no header of its own, HTTP/1.0."""
    request = RequestFactory(server="127.0.0.1").put("/", headers=HERE)
    request.scope["client"] = ("127.0.0.1", 5_000)
    request.scope["http_version"] = "1.0"
    with pytest.raises(ProblemError, match=r"403 not_loopback.*HTTP/1\.0"):
        check_loopback(request)


def test_nor_may_a_page_of_another_server_on_this_machine() -> None:
    with pytest.raises(ProblemError, match="403 cross_site"):
        asked("127.0.0.1", HERE | {"origin": "http://localhost:3000"})


def test_an_address_that_is_unknown() -> None:
    request = RequestFactory().put("/", headers=HERE)
    request.scope["client"] = None
    with pytest.raises(ProblemError, match="an unknown address"):
        check_loopback(request)
    assert not is_loopback("")
