"""POST /v1/events: each event is answered for itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from streams.clock import ManualClock
from streams.events.schema import Click, EventLimits, Impression, Item, Review, User, decode, encode
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

Client = TestClient[Gateway]
CLICK: dict[str, Any] = {"type": "click", "event_id": "e1", "ts": NOW_MS, "user_id": "u", "item_id": "i"}


def test_one_event_is_accepted_with_the_time_of_arrival(client: Client, sink: RecordingSink) -> None:
    answer = client.post("/v1/events", json={**CLICK, "ts": NOW_MS - 500})
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "rejected": 0,
        "results": [{"status": "accepted", "event_id": "e1"}],
    }
    assert sink.delivered == [Click(event_id="e1", ts=NOW_MS - 500, user_id="u", item_id="i")]
    assert sink.accepted_ms == [NOW_MS]


def test_every_type_from_an_app_is_accepted_in_order(client: Client, sink: RecordingSink) -> None:
    common = {"ts": NOW_MS, "user_id": "u"}
    answer = client.post(
        "/v1/events",
        json=[
            {"type": "review", "event_id": "1", "item_id": "i", "rating": 4, "text": "good", **common},
            {"type": "impression", "event_id": "2", "slate_id": "s", "items": ["i"], **common},
            {"type": "item", "event_id": "3", "ts": NOW_MS, "item_id": "i", "title": "Pad"},
            {"type": "user", "event_id": "4", "profile": {"country": "DE"}, **common},
        ],
    )
    assert answer.status_code == 202
    assert [type(event) for event in sink.delivered] == [Review, Impression, Item, User]
    assert [result["event_id"] for result in answer.json()["results"]] == ["1", "2", "3", "4"]


def test_a_bad_event_keeps_out_no_other(client: Client, sink: RecordingSink) -> None:
    answer = client.post("/v1/events", json=[{**CLICK, "action": "stare"}, CLICK, 5])
    assert answer.status_code == 202
    assert [result["status"] for result in answer.json()["results"]] == ["rejected", "accepted", "rejected"]
    assert [result.get("index") for result in answer.json()["results"]] == [0, None, 2]
    assert len(sink.delivered) == 1


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        ({"event_id": None}, "invalid", "event_id"),
        ({"ts": NOW_MS + 3_600_000}, "too_early", "ahead of the clock"),
        ({"ts": 1}, "too_late", "in the past"),
        ({"v": 99}, "unknown_version", "version 99"),
        ({"user_id": "u" * 200}, "invalid", "128"),
        ({"item_id": "i", "type": "nonsense"}, "invalid", "nonsense"),
        ({"pad": "x" * 525_000}, "too_large", "524288"),
        ({"type": "control", "command": "activate_model"}, "not_allowed", "command line"),
    ],
)
def test_a_rejection_names_its_reason(client: Client, change: dict[str, Any], reason: str, said: str) -> None:
    answer = client.post("/v1/events", json={**CLICK, **change})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (result,) = answer.json()["results"]
    assert result["status"] == "rejected"
    assert result["reason"] == reason
    assert said in result["message"]
    assert answer.json()["reason"] == "none_accepted"


@pytest.mark.parametrize("field", ["event_id", "ts"])
def test_a_missing_identity_is_explained(client: Client, field: str) -> None:
    answer = client.post("/v1/events", json={name: value for name, value in CLICK.items() if name != field})
    message = answer.json()["results"][0]["message"]
    assert field in message
    assert "milliseconds since the epoch" in message


def test_nothing_sent_is_nothing_refused(client: Client, sink: RecordingSink) -> None:
    answer = client.post("/v1/events", json=[])
    assert answer.status_code == 202
    assert answer.json()["results"] == []
    assert sink.delivered == []


@pytest.mark.parametrize("body", [b"", b"{", b"[1", b"not json", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused_as_a_whole(client: Client, body: bytes) -> None:
    answer = client.post("/v1/events", content=body)
    assert answer.status_code == 400
    assert answer.json()["reason"] == "not_json"
    assert {"expected", "came", "remedy"} <= set(answer.json())


def test_limits_of_one_request(client: Client, sink: RecordingSink) -> None:
    assert client.post("/v1/events", json=[CLICK] * 5).status_code == 202
    sink.delivered.clear()
    many = client.post("/v1/events", json=[CLICK] * 6)
    assert (many.status_code, many.json()["reason"]) == (413, "too_many_events")
    large = client.post("/v1/events", content=b" " * 2_000_001)
    assert (large.status_code, large.json()["reason"]) == (413, "body_too_large")
    assert sink.delivered == []


def test_kafka_down_is_503_and_says_which_are_missing(client: Client, sink: RecordingSink) -> None:
    sink.confirms = 1
    answer = client.post("/v1/events", json=[CLICK, {"bad": 1}, {**CLICK, "event_id": "e2"}])
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    body = answer.json()
    assert (body["accepted"], body["rejected"], body["unconfirmed"]) == (1, 1, 1)
    assert [result["status"] for result in body["results"]] == ["accepted", "rejected", "unconfirmed"]
    assert body["results"][2] == {
        "status": "unconfirmed",
        "event_id": "e2",
        "reason": "kafka_unavailable",
    }
    assert "the broker is down" in body["came"]


def test_events_are_counted_under_fixed_labels(
    client: Client, registry: CollectorRegistry, sink: RecordingSink
) -> None:
    client.post("/v1/events", json=[CLICK, CLICK, {**CLICK, "type": "surprise"}])
    sink.confirms = 0
    client.post("/v1/events", content=json.dumps(CLICK))

    def count(kind: str, result: str, reason: str) -> float | None:
        labels = {"type": kind, "result": result, "reason": reason}
        return registry.get_sample_value("headrace_gateway_events_total", labels)

    assert count("click", "accepted", "") == 2
    assert count("unread", "rejected", "invalid") == 1
    assert count("click", "unconfirmed", "kafka_unavailable") == 1
    assert registry.get_sample_value("headrace_gateway_produce_seconds_count") == 2


@pytest.mark.parametrize(
    "broken",
    [
        rb'{"type":"review","event_id":"b","ts":%d,"user_id":"u","item_id":"i","text":"nice \ud83d"}'
        % NOW_MS,
        b'{"type":"click","event_id":"b","ts":99999999999999999999,"user_id":"u","item_id":"i"}',
        b'{"type":"click","event_id":"b","ts":%d,"user_id":"u","item_id":"i","value":1e999}' % NOW_MS,
        b'{"type":"click","event_id":"b","ts":%d,"user_id":"u","item_id":"i","value":NaN}' % NOW_MS,
        b'{"type":"click","event_id":"b","ts":%d,"user_id":"u","user_id":"v","item_id":"i"}' % NOW_MS,
        b'{"type":"click","event_id":"b\x00","ts":%d,"user_id":"u","item_id":"i"}' % NOW_MS,
        b'{"type":"click","event_id":"\xfc","ts":%d,"user_id":"u","item_id":"i"}' % NOW_MS,
        b'{"type":"click" "event_id":"b","ts":%d,"user_id":"u","item_id":"i"}' % NOW_MS,
        b'{"type":"click","event_id":"b,"ts":%d,"user_id":"u","item_id":"i"}' % NOW_MS,
        b'{"type":"click","more":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
)
def test_an_event_that_is_no_json_keeps_out_no_other(
    client: Client, sink: RecordingSink, broken: bytes
) -> None:
    good = [json.dumps({**CLICK, "event_id": f"e{number}"}).encode() for number in range(4)]
    answer = client.post("/v1/events", content=b"[" + b",".join([*good[:2], broken, *good[2:]]) + b"]")
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [result["status"] for result in results] == ["accepted"] * 2 + ["rejected"] + ["accepted"] * 2
    assert results[2]["index"] == 2
    assert results[2]["message"]
    assert [event.event_id for event in sink.delivered] == ["e0", "e1", "e2", "e3"]


@pytest.mark.parametrize("joint", [b"\n", b"", b"\x1e", b" "])
@pytest.mark.parametrize("wrap", [b"%s", b"[%s]"])
def test_values_one_after_the_other_are_refused_with_what_to_do(
    client: Client, joint: bytes, wrap: bytes
) -> None:
    answer = client.post("/v1/events", content=joint.join([wrap % json.dumps(CLICK).encode()] * 2))
    assert (answer.status_code, answer.json()["reason"]) == (400, "not_json")
    assert "another JSON value begins at byte" in answer.json()["came"]
    assert "one array" in answer.json()["remedy"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (rb'{"type":"review","text":"\ud83d"}', "half a character"),
        (b'\xef\xbb\xbf{"type":"click"}', "byte order mark"),
        ('{"type":"click"}'.encode("utf-16"), "byte order mark"),
        (b'{"value":NaN}', "send null"),
        (b"  ", "there is nothing"),
    ],
)
def test_a_single_event_that_is_no_json_is_explained(client: Client, body: bytes, said: str) -> None:
    answer = client.post("/v1/events", content=body)
    assert answer.status_code == 400
    assert said in answer.json()["came"]


def test_an_array_is_refused_as_a_whole_only_where_it_has_no_end(client: Client, sink: RecordingSink) -> None:
    body = json.dumps([CLICK, CLICK]).encode()
    answer = client.post("/v1/events", content=body[:-1])
    assert answer.status_code == 400
    assert f"byte {len(body) - 1}" in answer.json()["came"]
    assert sink.delivered == []


def test_too_many_events_are_too_many_with_a_broken_one_too(client: Client) -> None:
    body = b"[" + b",".join([b"{]"] + [json.dumps(CLICK).encode()] * 5) + b"]"
    assert client.post("/v1/events", content=body).json()["reason"] == "too_many_events"


def test_what_would_be_too_large_for_a_worker_is_refused(sink: RecordingSink) -> None:
    """Control characters count as one byte each when they come, and are six when they are passed on."""
    config = Settings(events=EventLimits(max_bytes=1_000))
    with TestClient(create_app(config, MemoryStore(), sink, ManualClock(NOW_MS))) as client:
        (small, large) = (
            {**CLICK, "type": "review", "event_id": f"e{length}", "text": "\x01" * length}
            for length in (100, 200)
        )
        answer = client.post("/v1/events", json=[small, large])
    assert [result["status"] for result in answer.json()["results"]] == ["accepted", "rejected"]
    assert answer.json()["results"][1]["reason"] == "too_large"
    (event,) = sink.delivered
    assert decode(encode(event), NOW_MS, config.events) == event
