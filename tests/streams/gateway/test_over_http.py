"""The hot routes behind the real server, byte by byte: chunks, pipelines, and what clients do otherwise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
import uvicorn

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.serve import listen
from streams.ranking.slate import encode
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.connected.events_on_kafka import eventually
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.test_feeds import slate

CLICK = b'{"type":"click","event_id":"e1","ts":%d,"user_id":"u","item_id":"i"}' % NOW_MS
SETTINGS = Settings(gateway=GatewaySettings(port=0, body_max_bytes=10_000, timeout_ms=20_000))


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection to a server of its own."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: uvicorn.Server
    ) -> None:
        self.reader, self.writer, self.server = reader, writer, server

    def send(self, raw: bytes) -> None:
        self.writer.write(raw)

    async def answer(self, head_only: bool = False) -> Answer:
        async with asyncio.timeout(60):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            size = 0 if head_only else int(headers.get("content-length", 0))
            return Answer(int(first.split()[1]), headers, await self.reader.readexactly(size))


@asynccontextmanager
async def served(sink: RecordingSink) -> AsyncIterator[Client]:
    store = MemoryStore()
    await store.put_feed("u", encode(slate("u")))
    app = create_app(SETTINGS, store, sink, ManualClock(NOW_MS))
    config = uvicorn.Config(app, http="httptools", lifespan="on", log_config=None, server_header=False)
    server = uvicorn.Server(config)
    with listen(SETTINGS.gateway) as listener:
        serving = asyncio.create_task(server._serve([listener]))  # without its signal handlers
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            yield Client(reader, writer, server)
        finally:
            writer.close()
            server.should_exit = True
            await serving


def chunked(*parts: bytes) -> bytes:
    head = b"POST /v1/events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def get(target: bytes, method: bytes = b"GET") -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: h\r\n\r\n" % (method, target)


async def test_a_body_in_chunks_is_read_whole(sink: RecordingSink) -> None:
    async with served(sink) as client:
        client.send(chunked(CLICK[:20], CLICK[20:50], CLICK[50:]))
        answer = await client.answer()
    assert (answer.status, json.loads(answer.body)["accepted"]) == (202, 1)
    assert [event.event_id for event in sink.delivered] == ["e1"]


async def test_the_bound_holds_for_a_body_in_chunks(sink: RecordingSink) -> None:
    async with served(sink) as client:
        client.send(chunked(*[b" " * 1_000] * 11))
        answer = await client.answer()
    assert (answer.status, json.loads(answer.body)["reason"]) == (413, "body_too_large")


async def test_what_is_announced_as_too_large_is_not_asked_for(sink: RecordingSink) -> None:
    """A client that waits for `100 Continue` sends nothing of it."""
    head = b"POST /v1/events HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    async with served(sink) as client:
        client.send(head % 10_001)
        assert (await client.answer()).status == 413
    async with served(sink) as client:
        client.send(head % len(CLICK))
        assert (await client.answer(head_only=True)).status == 100
        client.send(CLICK)
        assert (await client.answer()).status == 202


async def test_requests_in_one_packet_are_answered_in_their_order(sink: RecordingSink) -> None:
    post = b"POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(CLICK), CLICK)
    async with served(sink) as client:
        client.send(get(b"/v1/users/u/feed?n=1") + post + get(b"/v1/users/u/feed?n=2") + get(b"/healthz"))
        answers = [await client.answer() for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 202, 200, 200]
    assert [len(json.loads(answers[at].body)["items"]) for at in (0, 2)] == [1, 2]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [(b"HEAD", b"/v1/users/u/feed", 405), (b"OPTIONS", b"/v1/events", 204), (b"GET", b"/v1/events", 405)],
)
async def test_other_methods_get_what_they_got(
    sink: RecordingSink, method: bytes, target: bytes, status: int
) -> None:
    async with served(sink) as client:
        client.send(get(target, method))
        answer = await client.answer(head_only=method == b"HEAD")
        assert answer.status == status
        assert "allow" in answer.headers
        client.send(get(b"/v1/users/u/feed"))  # the connection goes on
        assert (await client.answer()).status == 200


async def test_who_breaks_off_a_body_leaves_nothing_behind(sink: RecordingSink) -> None:
    async with served(sink) as client:
        client.send(b"POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n" + CLICK)
        await client.writer.drain()
        await eventually(lambda: len(client.server.server_state.tasks) == 1)
    assert sink.delivered == []
    assert sink.stopped
