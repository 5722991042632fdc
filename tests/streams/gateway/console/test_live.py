"""The live stream gives its slot back whatever becomes of the connection; other pages get none."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from streams.clock import SystemClock
from streams.gateway.console import live as module
from streams.gateway.console import watch as watching
from streams.gateway.console.live import LiveStreams
from streams.gateway.console.watch import Watch
from streams.gateway.errors import ProblemError
from streams.gateway.metrics import GatewayMetrics
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from streams.worker_reports.report import KEPT_MS, encode
from tests.browser.serving import served
from tests.streams.gateway.asgi_requests import HOST, Asked, ask
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.gateway.console.reports import report
from tests.streams.gateway.live import serving
from tests.streams.gateway.live.serving import served as gateway
from tests.streams.gateway.web.test_forgery import app


class Client:
    """One end of a stream. `takes`: whether what is sent arrives."""

    def __init__(self, takes: bool = True) -> None:
        self.takes, self.got = takes, list[Any]()
        self.left = asyncio.Event()
        self.arrived = asyncio.Event()

    async def receive(self) -> Any:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if not self.takes:
            await asyncio.Event().wait()
        self.got.append(message)
        self.arrived.set()

    @property
    def events(self) -> list[dict[str, Any]]:
        bodies = b"".join(each["body"] for each in self.got if each["type"] == "http.response.body")
        return [
            json.loads(part.partition(b"data: ")[2])
            for part in bodies.split(b"\n\n")
            if part.startswith(b"event: figures")
        ]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest_asyncio.fixture
async def watch(store: MemoryStore) -> AsyncIterator[Watch]:
    metrics = GatewayMetrics(CollectorRegistry())
    watch = Watch(Settings(), store, RecordingSink(), SystemClock(), metrics)
    yield watch
    await watch.stop()


async def arrives(client: Client, events: int) -> None:
    async with asyncio.timeout(60):
        while len(client.events) < events:
            client.arrived.clear()
            await client.arrived.wait()


async def test_each_turn_is_an_event_for_everybody(watch: Watch, store: MemoryStore) -> None:
    streams, clients = LiveStreams(watch), [Client() for _ in range(3)]
    await store.put_report("host:1", encode(report()), KEPT_MS)
    await watch.turn()
    answers = [asyncio.create_task(streams.answer(each.receive, each.send)) for each in clients]
    for each in clients:
        await arrives(each, 1)
    assert streams.taken == 3
    await watch.turn()
    for each in clients:
        await arrives(each, 2)
        assert each.got[0]["status"] == 200
        assert dict(each.got[0]["headers"])[b"x-accel-buffering"] == b"no"
        assert each.events[1]["workers"][0]["name"] == "host:1"
    for each in clients:
        each.left.set()
    await asyncio.gather(*answers)
    assert streams.taken == 0


async def test_the_end_of_the_watch_ends_the_streams(watch: Watch) -> None:
    streams, client = LiveStreams(watch), Client()
    await watch.turn()
    answer = asyncio.create_task(streams.answer(client.receive, client.send))
    await arrives(client, 1)
    watch.end()
    async with asyncio.timeout(60):
        await answer
    assert client.got[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert streams.taken == 0


async def test_one_too_many_is_refused(watch: Watch) -> None:
    streams, client = LiveStreams(watch, most=1), Client()
    answer = asyncio.create_task(streams.answer(client.receive, client.send))
    await asyncio.sleep(0)
    with pytest.raises(ProblemError, match="503 too_many_streams"):
        await streams.answer(Client().receive, Client().send)
    client.left.set()
    await answer
    again = Client()
    again.left.set()
    await streams.answer(again.receive, again.send)
    assert streams.taken == 0


async def test_one_that_takes_nothing_is_let_go(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEND_AT_MOST_S", 0.05)
    streams, client = LiveStreams(watch), Client(takes=False)
    async with asyncio.timeout(60):
        await streams.answer(client.receive, client.send)
    assert streams.taken == 0


async def test_a_stream_that_is_cancelled_gives_its_slot_back(watch: Watch) -> None:
    streams, client = LiveStreams(watch), Client()
    answer = asyncio.create_task(streams.answer(client.receive, client.send))
    await asyncio.sleep(0.01)
    answer.cancel()
    await asyncio.gather(answer, return_exceptions=True)
    assert streams.taken == 0


async def test_one_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEND_AT_MOST_S", 0.2)
    monkeypatch.setattr(watching, "EVERY_S", 0.01)
    # Far more than lies in buffers, so that a second event finds no room.
    monkeypatch.setattr(LiveStreams, "_event", lambda _: b": " + b"x" * 8_000_000 + b"\n\n")
    async with gateway() as here:
        _, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(b"GET /console/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await here.eventually(lambda: len(here.server.server_state.tasks) == 1)
        await here.eventually(lambda: not here.server.server_state.connections)
        writer.close()


async def test_the_end_of_the_gateway_ends_the_stream_at_once() -> None:
    async with gateway(drain_deadline_s=60.0) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(b"GET /console/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(20):
            await reader.readuntil(b"\n\n")
            here.server.should_exit = True
            assert (await reader.read()).endswith(b"0\r\n\r\n"), "the answer comes to its end"
        writer.close()


def test_connections_that_are_reset_leave_no_slot_taken() -> None:
    """More of them than there are slots, one after another and at once: the last still gets its stream."""
    with served() as address:
        host, port = address.removeprefix("http://").split(":")
        request = f"GET /console/live HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
        for _ in range(4):
            opened = [socket.create_connection((host, int(port)), 60) for _ in range(module.STREAMS_MOST)]
            for at, each in enumerate(opened):
                each.sendall(request)
                if at % 2:
                    each.recv(64)
                # Without a farewell: the other side finds out when it next looks.
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            for each in opened:
                each.close()
        assert b" 200 " in _patiently(host, int(port), request)


def _patiently(host: str, port: int, request: bytes) -> bytes:
    """The first line of an answer; a slot may still be on its way back."""
    end = time.monotonic() + 60
    while True:
        with socket.create_connection((host, port), 60) as connection:
            connection.sendall(request)
            line = connection.recv(64)
        if b" 503 " not in line or time.monotonic() > end:
            return line
        time.sleep(0.01)


async def test_the_end_of_the_gateway_does_not_wait_for_a_console_that_is_open() -> None:
    async with serving.served(drain_deadline_s=30.0) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(b"GET /console/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\n\n")
        here.server.should_exit = True
        began_s = time.monotonic()
        async with asyncio.timeout(serving.PATIENCE_S):
            rest = await reader.read()
        assert rest.endswith(b"0\r\n\r\n"), "the answer comes to its end: it is not cut off"
        writer.close()
    assert time.monotonic() - began_s < serving.PATIENCE_S


@pytest.mark.parametrize("path", [b"/console/live", b"/console/figures"])
@pytest.mark.parametrize(
    "header",
    [
        (b"sec-fetch-site", b"cross-site"),
        (b"sec-fetch-site", b"same-site"),
        (b"origin", b"http://localhost:3000"),
    ],
)
async def test_pages_of_others_get_no_stream(path: bytes, header: tuple[bytes, bytes]) -> None:
    answer = await ask(app(), Asked("GET", path, (HOST, header)))
    assert answer.status == 403
