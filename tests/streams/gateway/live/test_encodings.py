"""Addresses with letters beyond ASCII: percent-encoded UTF-8, as they were typed, and in other encodings."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from streams.gateway.server import with_encoded_line
from tests.streams.gateway.live.serving import Served, served

USER = "赵伟🎻"


async def said(here: Served, raw: bytes, answers: int = 1) -> list[bytes]:
    """The answers to what is sent, each as a whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    writer.write(raw)
    found = []
    async with asyncio.timeout(60):
        for _ in range(answers):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            found.append(head + await reader.readexactly(length))
    writer.close()
    return found


def get(target: bytes) -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target


async def test_an_address_is_read_as_it_was_typed() -> None:
    """As curl sends it."""
    async with served() as here:
        post = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
        body = '{"type":"点击"}'.encode()
        typed, encoded = (f"/v1/users/{user}" for user in (USER, quote(USER)))
        for raw in (
            get(typed.encode()),
            get(encoded.encode()),
            post % (len(body), body) + get(encoded.encode()),
        ):
            answers = await said(here, raw, raw.count(b"HTTP/1.1"))
            assert answers[-1].startswith(b"HTTP/1.1 404 ")
            assert USER.encode() in answers[-1]
        # A second request of one connection, in a piece of its own and in parts.
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        for part in (post % (len(body), body[:9]), body[9:], get(typed.encode())):
            writer.write(part)
            await asyncio.sleep(0.05)
        async with asyncio.timeout(60):
            await reader.readuntil(b"HTTP/1.1 404 ")
        writer.close()


@pytest.mark.parametrize(
    "target",
    [b"/v1/users/%D5%D4/feed", b"/v1/search?q=%CA%D6%BB%FA", b"/v1/items/%ff", b"/v1/search?q=a&tags=%E6%89",
     "/v1/users/赵".encode("gbk")],
)  # fmt: skip
async def test_other_encodings_are_refused(target: bytes) -> None:
    """In GBK two users would have one id: Python reads what it does not know as "�"."""
    async with served() as here:
        (answer,) = await said(here, get(target))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"reason":"not_utf8"' in answer


@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
@pytest.mark.parametrize("target", [b"/v1/users//feed", b"/v1/users//", b"/v1//items/i"])
async def test_an_address_with_an_empty_step_is_no_other_one(method: bytes, target: bytes) -> None:
    """Without it, to delete the user "" was to delete the user "feed"."""
    async with served() as here:
        (answer,) = await said(here, get(target).replace(b"GET", method))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"reason":"empty_step"' in answer


async def test_an_id_may_have_the_sign_of_replacement_itself() -> None:
    async with served() as here:
        (answer,) = await said(here, get(b"/v1/users/%EF%BF%BD"))
        assert answer.startswith(b"HTTP/1.1 404 ")


def test_what_follows_the_line_stays() -> None:
    rest = b"\r\nHost: h\r\n\r\n" + "正文".encode()
    assert with_encoded_line("GET /手".encode() + rest) == b"GET /%E6%89%8B" + rest
    assert with_encoded_line(b"GET /" + rest) == b"GET /" + rest
    assert with_encoded_line("GET /手".encode()) == b"GET /%E6%89%8B"
