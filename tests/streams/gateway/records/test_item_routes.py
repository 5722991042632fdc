"""/v1/items/{item_id} and lists: what is put is read, patches add up, and writers hear of each other."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from streams.clock import ManualClock
from streams.events.schema import Item
from streams.gateway.hot_routes import Gateway
from streams.state.catalog import decode_item, encode_item
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.records.applying import apply

Client = TestClient[Gateway]
LAMP = {"title": "Lamp", "text": "Warm light.", "categories": ["home"], "tags": ["led"], "price": 19.9}
EMPTY: dict[str, Any] = {
    "title": "", "text": "", "categories": [], "tags": [], "price": None, "available": True, "attributes": {},
    "image_vector": None, "audio_vector": None,
}  # fmt: skip


def whole(item_id: str, **fields: Any) -> dict[str, Any]:
    return {"item_id": item_id, **EMPTY, **fields}


def work(client: Client, store: MemoryStore, sink: RecordingSink) -> None:
    """A worker applies what is in Kafka."""
    events, sink.delivered = sink.delivered, []
    for event in events:
        client.blocking_portal.call(apply, store, event)


@pytest.mark.parametrize("applied", [True, False])
def test_what_is_put_is_read_before_and_after_it_is_applied(
    client: Client, store: MemoryStore, sink: RecordingSink, applied: bool
) -> None:
    put = client.put("/v1/items/i-1", json=LAMP)
    assert (put.status_code, put.json()) == (202, whole("i-1", **LAMP))
    (event,) = sink.delivered
    assert isinstance(event, Item)
    assert (event.event_id, event.ts, event.text) == (put.headers["headrace-event-id"], NOW_MS, "Warm light.")
    if applied:
        work(client, store, sink)
    read = client.get("/v1/items/i-1")
    assert (read.status_code, read.json()) == (200, put.json())
    assert read.headers["etag"] == put.headers["etag"]
    again = client.get("/v1/items/i-1", headers={"If-None-Match": read.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", read.headers["etag"])
    assert client.put("/v1/items/i-1", json=read.json()).headers["etag"] == read.headers["etag"]


def test_patches_add_up_before_any_is_applied(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    client.put("/v1/items/i-1", json=LAMP | {"attributes": {"colour": "red", "size": "s"}})
    client.patch("/v1/items/i-1", json={"price": 5})
    answer = client.patch(
        "/v1/items/i-1",
        content=b'{"tags": ["new"], "text": null, "attributes": {"size": null, "shape": "round"}}',
        headers={"Content-Type": "application/merge-patch+json"},
    )
    expected = whole("i-1", **LAMP) | {
        "price": 5.0, "tags": ["new"], "text": "", "attributes": {"colour": "red", "shape": "round"},
    }  # fmt: skip
    assert (answer.status_code, answer.json()) == (202, expected)
    work(client, store, sink)
    assert client.get("/v1/items/i-1").json() == expected
    assert client.get("/v1/items/i-1").headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize("behind_ms", [0, 40])
def test_patches_add_up_where_a_gateways_clock_is_behind(
    client: Client, store: MemoryStore, sink: RecordingSink, clock: ManualClock, behind_ms: int
) -> None:
    """Or where the clock has not moved on."""
    client.put("/v1/items/i-1", json=LAMP)
    work(client, store, sink)
    clock.advance(-behind_ms)
    for n, patch in enumerate(({"price": 1.0}, {"title": "L"}, {"tags": None})):
        patched = client.patch("/v1/items/i-1", json=patch)
        assert client.get("/v1/items/i-1").json() == patched.json(), f"patch {n}, before it is applied"
    assert patched.json() == whole("i-1", **{**LAMP, "price": 1.0, "title": "L", "tags": []})
    work(client, store, sink)
    assert client.get("/v1/items/i-1").json() == patched.json()


def test_vectors_are_read_as_stored_and_do_not_drift(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    vector = [0.3, -1.7, 2.9, 1e-5, 0.11]
    tags = set()
    client.put("/v1/items/i-1", json={"image_vector": vector})
    for price in range(5):
        work(client, store, sink)
        answer = client.patch("/v1/items/i-1", json={"price": price})
        tags.add(json.dumps(answer.json()["image_vector"]))
    assert len(tags) == 1
    (read,) = map(json.loads, tags)
    assert sum(each * each for each in read) == pytest.approx(1, abs=1e-3)
    assert read[1] / read[0] == pytest.approx(-1.7 / 0.3, rel=1e-2)


def test_a_vector_may_have_any_numbers(client: Client, store: MemoryStore, sink: RecordingSink) -> None:
    for vector in ([9.7e-287, 2.5, 65_729.7], [0.0, 0.0], [-1e6] * 4_096, [1.0], []):
        put = client.put("/v1/items/i-1", json={"audio_vector": vector})
        assert put.status_code == 202, put.text
        work(client, store, sink)
        assert client.get("/v1/items/i-1").json() == put.json()


def test_if_match_holds_while_nobody_else_has_written(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    first = client.put("/v1/items/i-1", json=LAMP).headers["etag"]
    mine = client.patch("/v1/items/i-1", json={"price": 1}, headers={"If-Match": first})
    theirs = client.patch("/v1/items/i-1", json={"price": 2}, headers={"If-Match": first})
    assert (mine.status_code, theirs.status_code) == (202, 412)
    assert theirs.json()["reason"] == "changed_meanwhile"
    assert theirs.headers["etag"] == mine.headers["etag"]
    work(client, store, sink)
    late = client.delete("/v1/items/i-1", headers={"If-Match": first})
    assert late.status_code == 412
    assert client.delete("/v1/items/i-1", headers={"If-Match": mine.headers["etag"]}).status_code == 202


def test_only_a_new_item_is_put_where_that_is_asked_for(client: Client) -> None:
    new = {"If-None-Match": "*"}
    assert client.put("/v1/items/i-1", json=LAMP, headers=new).status_code == 202
    assert client.put("/v1/items/i-1", json=LAMP, headers=new).status_code == 412
    assert client.put("/v1/items/i-2", json=LAMP, headers={"If-Match": "*"}).status_code == 412


def test_a_withdrawn_item_stays_known_and_comes_back(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    client.put("/v1/items/i-1", json=LAMP)
    gone = client.delete("/v1/items/i-1")
    assert (gone.status_code, gone.json()) == (202, whole("i-1", **LAMP) | {"available": False})
    work(client, store, sink)
    withdrawals = client.blocking_portal.call(store.items, ["i-1"])
    assert decode_item(withdrawals[0] or b"").available is False
    assert client.get("/v1/items/i-1").json()["available"] is False
    back = client.patch("/v1/items/i-1", json={"available": None})
    assert back.json() == whole("i-1", **LAMP)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_nobody_changes_an_item_that_is_not_described(
    client: Client, method: str, sink: RecordingSink
) -> None:
    answer = client.request(method, "/v1/items/i-9", content=b"{}" if method == "PATCH" else None)
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_item")
    assert sink.delivered == []


@pytest.mark.parametrize(
    ("method", "body", "status", "reason"),
    [
        ("PUT", b"", 400, "not_json"),
        ("PUT", b'{"title": "\xff"}', 400, "not_json"),
        ("PATCH", b'{"price": ', 400, "not_json"),
        ("PATCH", b'{"title": "\\ud800"}', 400, "not_json"),
        ("PUT", b"[]", 422, "invalid"),
        ("PATCH", b"[]", 422, "invalid"),
        ("PATCH", b"null", 422, "invalid"),
        ("PUT", b'{"titel": "A"}', 422, "invalid"),
        ("PATCH", b'{"titel": "A"}', 422, "invalid"),
        ("PATCH", b'{"ts": 5}', 422, "invalid"),
        ("PUT", b'{"price": -1}', 422, "invalid"),
        ("PATCH", b'{"price": "5"}', 422, "invalid"),
        ("PATCH", b'{"price": 1, "price": 2}', 422, "invalid"),
        ("PUT", b'{"item_id": "other"}', 422, "invalid"),
        ("PATCH", b'{"item_id": "other"}', 422, "invalid"),
        ("PATCH", b'{"text": "%s"}' % (b"x" * 16_385), 422, "invalid"),
        ("PUT", b'{"text": "%s"}' % (b"x" * 600_000), 422, "too_large"),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(
    client: Client, sink: RecordingSink, method: str, body: bytes, status: int, reason: str
) -> None:
    before = client.put("/v1/items/i-1", json=LAMP).json()
    sink.delivered.clear()
    answer = client.request(method, "/v1/items/i-1", content=body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert sink.delivered == []
    assert client.get("/v1/items/i-1").json() == before


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_id_that_no_event_can_have_is_refused(client: Client, method: str) -> None:
    answer = client.request(method, f"/v1/items/{'x' * 129}", content=b"{}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "out_of_range")


def test_an_item_that_an_older_build_stored_keeps_its_text(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    client.put("/v1/items/i-1", json=LAMP)
    work(client, store, sink)
    (raw,) = client.blocking_portal.call(store.items, ["i-1"])
    old = msgspec.structs.replace(decode_item(raw or b""), description=None)
    client.blocking_portal.call(store.commit, Commit({}, {}, {}, {}, {"i-1": encode_item(old)}), "worker")
    client.blocking_portal.call(store._notes.values.clear)
    assert client.get("/v1/items/i-1").json()["text"] is None
    for answer in (client.patch("/v1/items/i-1", json={"price": 1}), client.delete("/v1/items/i-1")):
        assert (answer.status_code, answer.json()["reason"]) == (409, "text_unknown")
    assert client.patch("/v1/items/i-1", json={"text": "Warm light."}).json() == whole("i-1", **LAMP)


def test_what_kafka_does_not_confirm_is_not_shown_as_written(
    client: Client, sink: RecordingSink, store: MemoryStore
) -> None:
    client.put("/v1/items/i-1", json=LAMP)
    sink.confirms = 0
    answer = client.patch("/v1/items/i-1", json={"price": 1})
    assert (answer.status_code, answer.json()["reason"]) == (503, "kafka_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert client.get("/v1/items/i-1").json()["price"] == 19.9
    assert client.put("/v1/items/i-2", json=LAMP).status_code == 503
    assert client.get("/v1/items/i-2").status_code == 404
    sink.confirms = 9
    assert client.patch("/v1/items/i-1", json={"price": 1}).status_code == 202


def test_what_came_another_way_is_shown_once_it_is_applied(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    client.put("/v1/items/i-1", json=LAMP)
    client.put("/v1/items", json={"item_id": "i-1", "title": "Another"})
    assert client.get("/v1/items/i-1").json()["title"] == "Lamp"
    work(client, store, sink)
    assert client.get("/v1/items/i-1").json()["title"] == "Another"


# Lists


def test_items_are_listed_to_their_end(client: Client, store: MemoryStore, sink: RecordingSink) -> None:
    client.put("/v1/items", json=[{"item_id": f"i-{n}", "available": n != 3} for n in range(5)])
    client.blocking_portal.call(store.intern, ["known by clicks alone", "another"])
    work(client, store, sink)
    listed: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/v1/items", params={"n": 2, "cursor": cursor}).json()
        assert len(page["items"]) <= 2
        listed += [item["item_id"] for item in page["items"]]
        cursor = page["cursor"]
    assert listed == [f"i-{n}" for n in range(5)]
    gone = client.get("/v1/items?available=false").json()["items"]
    assert [item["item_id"] for item in gone] == ["i-3"]
    assert len(client.get("/v1/items?available=true").json()["items"]) == 4


def test_all_items_come_as_lines(client: Client, store: MemoryStore, sink: RecordingSink) -> None:
    for n in range(4):
        client.put(f"/v1/items/i-{n}", json=LAMP | {"price": n})
    work(client, store, sink)
    with client.stream("GET", "/v1/items?n=3", headers={"Accept": "application/x-ndjson"}) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = list(answer.iter_lines())
    assert list(map(json.loads, lines)) == [whole(f"i-{n}", **LAMP) | {"price": float(n)} for n in range(4)]


@pytest.mark.parametrize(
    "query", ["n=0", "n=1001", "n=x", "cursor=x", "cursor=-1", "cursor=99999999999", "m=1"]
)
@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_a_list_that_there_is_not_is_refused(client: Client, query: str, accept: str) -> None:
    answer = client.get(f"/v1/items?{query}", headers={"Accept": accept})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
