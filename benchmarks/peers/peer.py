"""What a peer is to the benchmark: how it is loaded, what it is asked, and which answers are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec

from benchmarks.peers.world import World
from model.errors import SettingsError
from streams.bench.asking import Fault
from streams.bench.http import Answer, request


class Address(NamedTuple):
    """Where a peer answers. `at`: host and port as in its URL; `prefix`: the path before each path."""

    url: str
    host: str
    port: int
    at: str
    prefix: str
    headers: Mapping[str, str] = {}

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """A whole request; `body`: what becomes JSON."""
        encoded = b"" if body is None else msgspec.json.encode(body)
        return request(method, self.prefix + path, self.at, encoded, self.headers)


@dataclass(frozen=True)
class Sent:
    """One request of the load before the measurement: `count` of `what`, for example 500 items."""

    what: str
    count: int
    request: bytes
    fault: Fault


class Step(NamedTuple):
    """What is measured: requests without an end, and which answers are wrong."""

    name: str
    requests: Iterator[bytes]
    fault: Fault


class Peer(Protocol):
    """`api`: whose documentation the requests follow."""

    name: str
    api: str

    def alive(self) -> tuple[bytes, Fault]:
        """A request that it answers when it is ready."""
        ...

    def loading(self, world: World) -> Iterator[Sent]:
        """The world as its requests, in the order in which they must arrive."""
        ...

    def steps(self, world: World, seed: int) -> list[Step]:
        """What is measured, in turn."""
        ...


def address_of(url: str, headers: Mapping[str, str] = {}) -> Address:
    """Read the value of `--url`; raises `SettingsError`.

    >>> address_of("http://127.0.0.1:8088/gorse/")[1:5]
    ('127.0.0.1', 8088, '127.0.0.1:8088', '/gorse')
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    odd = any(letter.isspace() for letter in url)
    if odd or not host or parts.scheme != "http" or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingsError(f"--url {url}: expected http://HOST:PORT, as in http://127.0.0.1:8088")
    return Address(url, host, port or 80, parts.netloc, parts.path.rstrip("/"), headers)


def answer_of(kind: type[Any], wrong: Callable[[Any], str]) -> Fault:
    """An answer must have status 200 and a body of this kind, in which `wrong` finds nothing."""
    decoder = msgspec.json.Decoder(kind)

    def fault(answer: Answer) -> str:
        if answer.status != 200:
            return f"status {answer.status}"
        try:
            return wrong(decoder.decode(answer.body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "other answer"

    return fault
