"""The same feeds on a WebSocket, with a client of another library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from streams.settings.live import LiveSettings
from tests.streams.gateway.live.serving import Served, served


@asynccontextmanager
async def socket(
    here: Served, query: str = "", path: str = "/v1/users/u/live", **more: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        asyncio.timeout(60),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://localhost:{here.port}{path}{query}", **more) as link,
    ):
        yield link


async def test_feeds_come_as_messages_of_json() -> None:
    async with served() as here:
        await here.push(slate_id="s0")
        stream = await here.connect(query="?n=3")
        (event,) = await stream.next(1)
        async with socket(here, "?n=3") as link:
            assert here.open("websocket") == 1
            message = await link.receive_json()
            assert message == {"event": "feed", "id": "s0", "data": json.loads(event.data)}
            await here.push(slate_id="s1")
            assert (await link.receive_json())["id"] == "s1"
        await here.eventually(lambda: here.open("websocket") == 0)
        assert here.app._live.slots.taken == 1, "the stream's"


async def test_who_comes_back_says_what_it_has() -> None:
    async with served() as here:
        await here.push(slate_id="s1")
        async with socket(here, "?last_event_id=s1&impression=true") as link:
            await here.push(slate_id="s2")
            assert (await link.receive_json())["id"] == "s2"
        await here.eventually(lambda: [each.slate_id for each in here.impressions()] == ["s2"])


async def test_pings_both_ways() -> None:
    async with served(LiveSettings(ping_every_s=0.1)) as here, socket(here, autoping=False) as link:
        await link.receive_json()
        found = await link.receive()
        assert found.type == aiohttp.WSMsgType.PING
        await link.pong(found.data)
        await link.send_str("ping")
        while (found := await link.receive()).type == aiohttp.WSMsgType.PING:
            await link.pong(found.data)
        assert found.data == "pong"


async def test_who_does_not_answer_pings_is_closed() -> None:
    async with served(LiveSettings(ping_every_s=0.1, slow_after_s=0.2)) as here:
        async with socket(here, autoping=False) as link:
            while (found := await link.receive()).type in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.TEXT):
                pass
            assert found.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        await here.eventually(lambda: here.open("websocket") == 0)


@pytest.mark.parametrize("said", ["pong", "x" * 2_000, b"\x00"])
async def test_other_messages_close_it(said: str | bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with served() as here:
        async with socket(here) as link:
            await link.receive_json()
            await (link.send_str(said) if isinstance(said, str) else link.send_bytes(said))
            await here.push(slate_id="s9")
            while (closed := await link.receive()).type == aiohttp.WSMsgType.TEXT:
                pass
            assert closed.type == aiohttp.WSMsgType.CLOSE
            assert closed.data == (1009 if len(said) > 1_000 else 1003)
        await here.eventually(lambda: here.app._live.slots.taken == 0)
    assert "can't be sent" not in caplog.text


async def test_the_end_of_the_gateway_closes_it_with_come_back() -> None:
    async with served() as here, socket(here) as link:
        await link.receive_json()
        here.server.should_exit = True
        closed = await link.receive()
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1012)


@pytest.mark.parametrize(
    ("path", "query", "headers", "status", "reason"),
    [
        ("/v1/users/u/live", "", {"Origin": "https://evil.example"}, 403, "cross_site"),
        ("/v1/users/u/live", "", {"Origin": "null"}, 403, "cross_site"),
        ("/elsewhere", "", {"Origin": "https://evil.example"}, 403, "cross_site"),
        ("/v1/users/u/live", "", {"Host": "evil.example"}, 421, "unknown_host"),
        ("/v1/users/u/live", "?n=0", {}, 400, "out_of_range"),
        ("/v1/users/u/feed", "", {}, 404, "not_found"),
    ],
)
async def test_refusals(path: str, query: str, headers: dict[str, str], status: int, reason: str) -> None:
    async with served() as here, aiohttp.ClientSession() as session:
        asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        address = f"http://localhost:{here.port}{path}{query}"
        async with session.get(address, headers={**asked, **key, **headers}) as answer:
            assert answer.status == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert (await answer.json(content_type=None))["reason"] == reason
        assert here.app._live.slots.taken == 0


async def test_pages_of_the_gateway_itself_may_open_one() -> None:
    async with served() as here, socket(here, headers={"Origin": "http://localhost:1"}) as link:
        assert (await link.receive_json())["event"] == "feed"


async def test_both_kinds_share_the_limits() -> None:
    async with served(LiveSettings(per_user_max=2)) as here:
        await here.connect()
        async with socket(here):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with socket(here):
                    pass
            assert refused.value.status == 429
