"""PUT /v1/items fills in what the route implies."""

from __future__ import annotations

import pytest
from litestar.testing import TestClient

from streams.events.schema import Item
from streams.gateway.hot_routes import Gateway
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

Client = TestClient[Gateway]


def test_an_item_needs_only_its_id(client: Client, sink: RecordingSink) -> None:
    answer = client.put("/v1/items", json={"item_id": "i", "title": "Pad", "price": 9.5})
    assert answer.status_code == 202
    (item,) = sink.delivered
    assert type(item) is Item
    assert (item.item_id, item.title, item.price, item.ts) == ("i", "Pad", 9.5, NOW_MS)
    assert answer.json()["results"] == [{"status": "accepted", "event_id": item.event_id}]


def test_items_put_twice_are_two_events(client: Client, sink: RecordingSink) -> None:
    client.put("/v1/items", json=[{"item_id": "i"}, {"item_id": "i", "available": False}])
    first, second = sink.delivered
    assert first.event_id != second.event_id
    assert isinstance(second, Item)
    assert not second.available


def test_an_own_identity_is_kept(client: Client, sink: RecordingSink) -> None:
    client.put("/v1/items", json={"type": "item", "item_id": "i", "event_id": "mine", "ts": NOW_MS - 7})
    (item,) = sink.delivered
    assert (item.event_id, item.ts) == ("mine", NOW_MS - 7)


def test_what_is_no_item_is_rejected(client: Client, sink: RecordingSink) -> None:
    body = [
        {"title": "no id"},
        {"type": "click", "item_id": "i"},
        {"item_id": "i", "price": -1},
        {"item_id": "i", "event_id": ""},
        {"item_id": "i", "ts": -1},
    ]
    answer = client.put("/v1/items", json=body)
    assert answer.status_code == 422
    assert [result["reason"] for result in answer.json()["results"]] == ["invalid"] * 5
    assert sink.delivered == []
    assert client.put("/v1/items", json={"item_id": "i", "v": 2}).json()["results"][0]["reason"] == (
        "unknown_version"
    )
    large = client.put("/v1/items", json={"item_id": "i", "pad": "x" * 525_000})
    assert large.json()["results"][0]["reason"] == "too_large"


@pytest.mark.parametrize("broken", [rb'"\ud83d"', b'"\xff"', b'"\x01"', b"1.", b'"a" "b"', b'"a', b"["])
def test_an_item_that_is_no_json_keeps_out_no_other(
    client: Client, sink: RecordingSink, broken: bytes
) -> None:
    bad = b'{"item_id":"b","related":[{"item_id":"x"},{"item_id":"y"}],"title":%s}' % broken
    answer = client.put("/v1/items", content=b'[{"item_id":"a"},%s,{"item_id":"c","title":null}]' % bad)
    assert answer.status_code == 202
    assert [result["status"] for result in answer.json()["results"]] == ["accepted", "rejected", "accepted"]
    assert [event.item_id for event in sink.delivered if isinstance(event, Item)] == ["a", "c"]


def test_what_the_route_fills_in_may_be_null(client: Client, sink: RecordingSink) -> None:
    body = {"item_id": "i", "type": None, "event_id": None, "ts": None, "categories": None, "available": None}
    assert client.put("/v1/items", json=body).status_code == 202
    (item,) = sink.delivered
    assert isinstance(item, Item)
    assert (item.ts, item.categories, item.available) == (NOW_MS, [], True)
    assert item.event_id


def test_a_time_in_seconds_is_named(client: Client) -> None:
    (result,) = client.put("/v1/items", json={"item_id": "i", "ts": NOW_MS // 1_000}).json()["results"]
    assert result["reason"] == "too_late"
    assert "looks like seconds" in result["message"]
