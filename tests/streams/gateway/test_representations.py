"""Answers on their way out: coded where they are large, left out where the client has them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator

import cramjam
import pytest
from litestar.testing import TestClient

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.compression import coder_of, coding_for, compressed
from streams.gateway.hot_routes import Gateway
from streams.ranking.slate import encode
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.asgi_requests import HOST, Asked, Sent, ask
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.records.test_item_routes import work
from tests.streams.gateway.test_feeds import slate

Client = TestClient[Gateway]
DECODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": lambda body: bytes(cramjam.zstd.decompress(body)),
}
LONG = {"title": "Lamp", "text": "warm light " * 1_000}


@pytest.fixture
def app(store: MemoryStore, sink: RecordingSink) -> Gateway:
    settings = Settings(gateway=GatewaySettings(compress_from_bytes=2_000))
    return create_app(settings, store, sink, ManualClock(NOW_MS))


@pytest.fixture
def client(app: Gateway, store: MemoryStore, sink: RecordingSink) -> Iterator[Client]:
    with TestClient(app) as client:
        client.put("/v1/items/long", json=LONG)
        client.put("/v1/items/short", json={})
        work(client, store, sink)
        yield client


def get(client: Client, app: Gateway, target: str, **headers: str) -> Sent:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    sent_back: Sent = client.blocking_portal.call(ask, app, Asked("GET", target.encode(), (HOST, *sent)))
    return sent_back


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_large_answer_is_coded(client: Client, app: Gateway, coding: str) -> None:
    plain = get(client, app, "/v1/items/long")
    coded = get(client, app, "/v1/items/long", accept_encoding=coding)
    before, after = dict(plain.headers), dict(coded.headers)
    assert after[b"content-encoding"] == coding.encode()
    assert (before[b"vary"], after[b"vary"]) == (b"accept-encoding", b"accept-encoding")
    assert after[b"content-length"] == b"%d" % len(coded.body)
    assert DECODE[coding](coded.body) == plain.body
    assert len(coded.body) * 10 < len(plain.body)
    assert before[b"etag"] != after[b"etag"]
    for tag in (before[b"etag"], after[b"etag"]):
        known = get(client, app, "/v1/items/long", if_none_match=tag.decode(), accept_encoding=coding)
        assert (known.status, known.body) == (304, b"")
        changed = client.patch("/v1/items/long", json={"price": 1}, headers={"If-Match": tag.decode()})
        assert changed.status_code == 202, "the tag of a coding names the same content"
        client.put("/v1/items/long", json=LONG)


def test_what_is_small_or_not_wanted_is_sent_as_it_is(client: Client, app: Gateway) -> None:
    for target, accepted in [
        ("/v1/items/short", "gzip"),
        ("/v1/items/long", "br"),
        ("/v1/items/long", "gzip;q=0"),
    ]:
        sent = get(client, app, target, accept_encoding=accepted)
        assert sent.status == 200
        assert b"content-encoding" not in dict(sent.headers)
        json.loads(sent.body)


def test_hot_routes_are_not_looked_at(client: Client, app: Gateway) -> None:
    store = MemoryStore()
    client.blocking_portal.call(store.put_feed, "u", encode(slate("u")))
    settings = Settings(gateway=GatewaySettings(compress_from_bytes=1))
    with TestClient(create_app(settings, store, RecordingSink(), ManualClock(NOW_MS))) as other:
        assert "content-encoding" not in other.get("/v1/users/u/feed").headers


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_lines_are_coded_as_they_come(
    client: Client, app: Gateway, store: MemoryStore, sink: RecordingSink, coding: str
) -> None:
    plain = get(client, app, "/v1/items", accept="application/x-ndjson")
    assert len(plain.body.splitlines()) == 2
    sent = get(client, app, "/v1/items", accept="application/x-ndjson", accept_encoding=coding)
    assert dict(sent.headers)[b"content-encoding"] == coding.encode()
    assert DECODE[coding](sent.body) == plain.body


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_each_part_can_be_decoded_when_it_comes(coding: str) -> None:
    coder = coder_of(coding)
    parts = [b'{"a":1}\n' * 100, b'{"b":2}\n' * 100]
    coded = [coder.part(part) for part in parts]
    assert all(coded)
    assert DECODE[coding](b"".join(coded) + coder.end()) == b"".join(parts)
    assert DECODE[coding](compressed(b"x" * 1_000, coding)) == b"x" * 1_000


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (b"", None), (b"gzip", "gzip"), (b"GZIP ; Q=0.4", "gzip"), (b"gzip;q=x", None), (b"*;q=0", None),
        (b"gzip;q=0, *", "zstd"), (b",,gzip,", "gzip"), (b"identity;q=1, gzip;q=0.2", "gzip"),
        (b"\xff", None),
    ],
)  # fmt: skip
def test_what_a_client_takes(accepted: bytes, coding: str | None) -> None:
    assert coding_for(accepted) == coding
