"""A gateway on a real port, around a store in memory, and connections to it, byte by byte."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from streams.clock import SystemClock
from streams.events.schema import Impression
from streams.gateway.address_check import AddressCheck
from streams.gateway.app import create_app
from streams.gateway.host_check import HostCheck
from streams.gateway.hot_routes import Gateway
from streams.gateway.serve import listen
from streams.gateway.server import GatewayServer
from streams.ranking.slate import POPULAR_USER, PopularFeed, encode
from streams.settings.live import LiveSettings
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.stores.commit import Commit, Forgotten
from streams.stores.memory import MemoryStore
from streams.tracing.tracing import Tracing
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.gateway.live.strict_events import Event, StrictEvents
from tests.streams.gateway.test_feeds import slate

PATIENCE_S = 60.0


@dataclass
class Served:
    """A running gateway, and all that it stands on."""

    app: Gateway
    server: GatewayServer
    store: Store
    sink: RecordingSink
    registry: CollectorRegistry
    port: int
    streams: list[Stream] = field(default_factory=list)

    async def push(self, user: str = "u", slate_id: str = "s1", count: int = 20, **more: Any) -> None:
        """A batch with this feed."""
        made = msgspec.structs.replace(slate(user, count), slate_id=slate_id, **more)
        await self.store.commit(Commit({}, {}, {}, {user: encode(made)}, {}), "w")

    async def delete(self, user: str = "u") -> None:
        """A batch that deletes this user."""
        gone = Commit({}, {}, {}, {}, {}, forgotten={user: Forgotten(b"tombstone", 1)}, tombstone_ms=60_000)
        await self.store.commit(gone, "w")

    async def withdraw(self, *items: str) -> None:
        commit = Commit({}, {}, {}, {}, dict.fromkeys(items, b"record"))
        await self.store.commit(commit._replace(withdrawn=dict.fromkeys(items, True)), "w")

    async def popular(self, count: int = 20) -> None:
        """The feed of those who have none of their own."""
        whole = msgspec.structs.asdict(slate("", count, "popular"))
        feed = PopularFeed(**whole, rows=list(range(count)))
        await self.store.put_feed(POPULAR_USER, encode(feed))

    def value(self, name: str, **labels: str) -> float:
        found = self.registry.get_sample_value(f"headrace_gateway_{name}", labels)
        return 0.0 if found is None else found

    def open(self, kind: str = "sse") -> int:
        return int(self.value("live_connections", kind=kind))

    def impressions(self) -> list[Impression]:
        return [event for event in self.sink.delivered if isinstance(event, Impression)]

    async def eventually(self, met: Any) -> None:
        """Wait until that is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not met():  # noqa: ASYNC110  # what is met may be anything
                await asyncio.sleep(0.005)

    async def connect(self, user: str = "u", query: str = "", headers: Mapping[str, str] = {}) -> Stream:
        """A connection whose answer has begun."""
        stream = await self.dial(user, query, headers)
        await stream.head()
        return stream

    async def dial(
        self, user: str = "u", query: str = "", headers: Mapping[str, str] = {}, receive_bytes: int = 0
    ) -> Stream:
        """A connection on which the request was sent. receive_bytes: of the client's buffer."""
        link = socket.socket()
        if receive_bytes:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        link.setblocking(False)
        await asyncio.get_running_loop().sock_connect(link, ("127.0.0.1", self.port))
        lines = [f"GET /v1/users/{user}/live{query} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        stream = Stream(link)
        self.streams.append(stream)
        await asyncio.get_running_loop().sock_sendall(link, ("\r\n".join(lines) + "\r\n\r\n").encode())
        return stream


class Stream:
    """A client. It reads from its socket only when it is asked for something."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._raw = b""
        self.events = StrictEvents()
        self.heard: list[Event] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.ended = False
        """Whether the answer has come to its proper end."""

    async def head(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while b"\r\n\r\n" not in self._raw:
                assert await self._read(), "the connection was closed before the answer began"
        raw, self._raw = self._raw.split(b"\r\n\r\n", 1)
        first, *lines = raw.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    async def body(self) -> Any:
        """The JSON of an answer that has a length."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self._raw) < int(self.headers["content-length"]):
                assert await self._read()
        return json.loads(self._raw)

    async def feeds(self, count: int) -> list[dict[str, Any]]:
        """The next feeds."""
        return [json.loads(event.data) for event in await self.next(count)]

    async def next(self, count: int) -> Sequence[Event]:
        """The next events."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) < count:
                assert await self.more(), f"closed after {self.heard}"
        found, self.heard = self.heard[:count], self.heard[count:]
        return found

    async def comments(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.events.comments) < count:
                assert await self.more()

    async def until_closed(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while await self.more():
                pass

    async def more(self) -> bool:
        """Read once; False where the other side has closed."""
        if not self._take_chunks() and not await self._read():
            return False
        self._take_chunks()
        return True

    def _take_chunks(self) -> bool:
        took = False
        while not self.ended and b"\r\n" in self._raw:
            size, _, rest = self._raw.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                break
            self._raw, took = rest[length + 2 :], True
            self.ended = length == 0
            self.heard += self.events.feed(rest[:length])
        return took

    async def _read(self) -> bool:
        try:
            part = await asyncio.get_running_loop().sock_recv(self._link, 65_536)
        except ConnectionResetError:
            part = b""
        self._raw += part
        return bool(part)

    async def say(self, raw: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._link, raw)

    def close(self) -> None:
        self._link.close()

    def reset(self) -> None:
        """Close with a reset (RST) in place of an orderly end."""
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._link.close()


@asynccontextmanager
async def served(
    live: LiveSettings = LiveSettings(),
    store: Store | None = None,
    tracing: Tracing | None = None,
    **gateway: Any,
) -> AsyncIterator[Served]:
    """A gateway that runs in this loop. It closes its store at its end."""
    settings = Settings(gateway=GatewaySettings(port=0, **{"timeout_ms": 20_000, **gateway}), live=live)
    sink, registry = RecordingSink(), CollectorRegistry()
    store = MemoryStore() if store is None else store
    app = create_app(settings, store, sink, SystemClock(), registry, tracing=tracing)
    server = GatewayServer(app, HostCheck(AddressCheck(app), settings.gateway), settings)
    with listen(settings.gateway) as listener:
        port = listener.getsockname()[1]
        serving = asyncio.create_task(server._serve([listener]))  # without its signal handlers
        made = Served(app, server, store, sink, registry, port)
        await made.eventually(lambda: server.started)
        try:
            yield made
        finally:
            for stream in made.streams:
                stream.close()
            server.should_exit = True
            await serving
