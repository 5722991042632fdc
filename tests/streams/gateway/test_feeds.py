"""GET /v1/users/{id}/feed: what the store holds, and an impression of what was shown."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from model.errors import StoreUnavailableError
from streams.events.schema import Impression
from streams.gateway.hot_routes import Gateway
from streams.ranking.slate import Reason, Slate, SlateItem, encode
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

Client = TestClient[Gateway]


def slate(user: str, count: int = 20, rung: str = "full") -> Slate:
    items = [SlateItem(f"i{k}", 1.0 - k / 100, "transitions", Reason("after", "i0")) for k in range(count)]
    return Slate(
        f"slate-of-{user}",
        user,
        NOW_MS - 5,
        items,
        model="m1",
        rung=rung,
        arm="a",
        cause="e9",
        times={"event": 1.0},
    )


def put(client: Client, store: MemoryStore, user: str, feed: bytes) -> None:
    with client.portal() as portal:
        portal.call(store.put_feed, user, feed)


def impressions(sink: RecordingSink, count: int) -> list[Impression]:
    """The impressions, once `count` of them have come: they follow the answer, in their order."""
    until = time.monotonic() + 60
    while len(sink.delivered) < count and time.monotonic() < until:
        time.sleep(0.005)
    return [event for event in sink.delivered if isinstance(event, Impression)]


def test_the_top_of_the_feed_with_its_reasons(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    put(client, store, "u", encode(slate("u")))
    answer = client.get("/v1/users/u/feed", params={"n": 2})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    reason = {"kind": "after", "item_id": "i0", "text": None}
    assert answer.json() == {
        "user_id": "u",
        "slate_id": "slate-of-u",
        "ts": NOW_MS - 5,
        "items": [
            {"item_id": "i0", "score": 1.0, "source": "transitions", "feed": "own", "reason": reason},
            {"item_id": "i1", "score": 0.99, "source": "transitions", "feed": "own", "reason": reason},
        ],
        "model": "m1",
        "rung": "full",
        "arm": "a",
        "cause": "e9",
        "times": {"event": 1.0},
    }
    (shown,) = impressions(sink, 1)
    assert (shown.user_id, shown.slate_id, shown.items) == ("u", "slate-of-u", ["i0", "i1"])
    assert (shown.arm, shown.model, shown.ts) == ("a", "m1", NOW_MS)


def test_ten_items_where_n_is_left_out(client: Client, store: MemoryStore) -> None:
    put(client, store, "u", encode(slate("u")))
    assert len(client.get("/v1/users/u/feed").json()["items"]) == 10
    assert len(client.get("/v1/users/u/feed", params={"n": 20}).json()["items"]) == 20


@pytest.mark.parametrize("n", ["0", "21", "-1", "x", "", "1.5"])
def test_n_out_of_range_is_explained(client: Client, n: str) -> None:
    answer = client.get("/v1/users/u/feed", params={"n": n})
    assert answer.status_code == 400
    assert "n" in answer.json()["expected"] + answer.json()["came"]
    assert answer.json()["remedy"]


def test_a_user_without_a_feed_gets_the_popular_one(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    put(client, store, "", encode(slate("", rung="counters")))
    first = client.get("/v1/users/new/feed").json()
    second = client.get("/v1/users/new/feed").json()
    assert (first["user_id"], first["rung"], len(first["items"])) == ("new", "popular", 10)
    assert first["slate_id"] != second["slate_id"]
    shown = impressions(sink, 2)
    assert [event.slate_id for event in shown] == [first["slate_id"], second["slate_id"]]
    assert len({event.event_id for event in shown}) == 2


def test_before_any_event_the_feed_is_empty_and_no_impression(
    client: Client, store: MemoryStore, sink: RecordingSink, registry: CollectorRegistry
) -> None:
    body = client.get("/v1/users/u/feed").json()
    assert (body["items"], body["rung"]) == ([], "empty")
    put(client, store, "v", encode(slate("v")))
    client.get("/v1/users/v/feed")
    assert [event.user_id for event in impressions(sink, 1)] == ["v"]
    assert registry.get_sample_value("headrace_gateway_feeds_total", {"rung": "empty"}) == 1


def test_a_preview_is_not_logged(client: Client, store: MemoryStore, sink: RecordingSink) -> None:
    put(client, store, "u", encode(slate("u")))
    client.get("/v1/users/u/feed", params={"impression": "false"})
    client.get("/v1/users/u/feed", params={"n": 1})
    assert [event.items for event in impressions(sink, 1)] == [["i0"]]


def test_a_feed_that_cannot_be_read_is_as_none(client: Client, store: MemoryStore) -> None:
    put(client, store, "u", b"\xc1 not a slate")
    assert client.get("/v1/users/u/feed").json()["rung"] == "empty"


@pytest.mark.parametrize("user", ["a b", "ü", "100%", "?", "x" * 128])
def test_any_id_finds_its_feed(client: Client, store: MemoryStore, user: str) -> None:
    put(client, store, user, encode(slate(user)))
    quoted = "".join(f"%{byte:02X}" for byte in user.encode())
    assert client.get(f"/v1/users/{quoted}/feed").json()["user_id"] == user


def test_an_id_longer_than_any_event_may_have_is_refused(client: Client) -> None:
    answer = client.get(f"/v1/users/{'x' * 129}/feed")
    assert (answer.status_code, answer.json()["reason"]) == (400, "out_of_range")


def test_the_store_down_is_503(client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(users: list[str]) -> Any:
        raise StoreUnavailableError("redis did not answer")

    monkeypatch.setattr(store, "read_feeds", down)
    answer = client.get("/v1/users/u/feed")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert (answer.json()["reason"], answer.json()["came"]) == ("store_unavailable", "redis did not answer")


def test_a_store_that_hangs_is_503_too(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    async def hang(users: list[str]) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(store, "read_feeds", hang)
    assert client.get("/v1/users/u/feed").status_code == 503


def test_a_feed_that_the_client_knows_is_not_sent_and_not_shown(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    put(client, store, "u", encode(slate("u")))
    known = client.get("/v1/users/u/feed?n=2").json()["slate_id"]
    client.get("/v1/users/u/feed?n=2&impression=false", headers={"If-None-Match": '"another"'})
    for tag in (f'"{known}"', f'W/"{known}", "x"', "*"):
        again = client.get("/v1/users/u/feed?n=2", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", f'"{known}"')
        assert again.headers["cache-control"] == "no-store"
    put(client, store, "u", encode(msgspec.structs.replace(slate("u"), slate_id="newer")))
    newer = client.get("/v1/users/u/feed?n=2", headers={"If-None-Match": f'"{known}"'})
    assert (newer.status_code, newer.json()["slate_id"]) == (200, "newer")
    assert [event.slate_id for event in impressions(sink, 2)] == [known, "newer"]
