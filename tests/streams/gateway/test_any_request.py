"""Whatever is sent, the answer is one that is documented, in JSON, and never a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

Client = TestClient[Gateway]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)
NEARLY_EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["click", "review", "impression", "item", "user", "control"])},
    optional={
        "event_id": st.text(min_size=1, max_size=4) | JSON_VALUES,
        "ts": st.integers(NOW_MS - 5, NOW_MS + 5) | JSON_VALUES,
        "user_id": st.text(min_size=1, max_size=4) | JSON_VALUES,
        "item_id": st.text(min_size=1, max_size=4) | JSON_VALUES,
        "slate_id": st.text(min_size=1, max_size=4) | JSON_VALUES,
        "items": st.lists(st.text(min_size=1, max_size=4), max_size=3) | JSON_VALUES,
        "propensities": st.lists(st.floats(0, 1), max_size=3) | JSON_VALUES,
        "teams": st.lists(st.integers(-1, 1), max_size=3) | JSON_VALUES,
        "value": st.floats() | JSON_VALUES,
        "v": st.integers(0, 2) | JSON_VALUES,
    },
)
ANY_JSON = st.one_of(NEARLY_EVENTS, st.lists(NEARLY_EVENTS, max_size=7), JSON_VALUES)
BODIES = st.binary(max_size=200) | ANY_JSON.map(lambda value: json.dumps(value).encode())


@st.composite
def damaged_arrays(draw: st.DrawFn) -> bytes:
    """Events in an array, with any bytes in one place of it."""
    body = json.dumps(draw(st.lists(NEARLY_EVENTS, min_size=1, max_size=4))).encode()
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 4)))
    odd = st.sampled_from(
        [b'"', b"{", b"}", b"[", b"]", b",", b"\\", rb"\ud83d", b"NaN", b"\x00", b"\xff", b""]
    )
    return body[:start] + draw(odd | st.binary(max_size=4)) + body[end:]


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """One app for all examples: starting one for each would take most of the time."""
    config = Settings(gateway=GatewaySettings(events_max=5))
    app = create_app(config, MemoryStore(), RecordingSink(), ManualClock(NOW_MS))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/events"), ("PUT", "/v1/items")])
@settings(max_examples=150, deadline=None)
@given(body=BODIES | damaged_arrays())
def test_any_body(shared: Client, method: str, path: str, body: bytes) -> None:
    answer = shared.request(method, path, content=body)
    assert answer.status_code in {202, 400, 413, 422}, answer.text
    told = answer.json()
    if answer.status_code in {202, 422}:
        statuses = [result["status"] for result in told["results"]]
        assert statuses.count("accepted") == told["accepted"]
        assert statuses.count("rejected") == told["rejected"] == len(statuses) - told["accepted"]
        assert (answer.status_code == 202) == (told["accepted"] > 0 or not statuses)
    else:
        assert told["reason"] in {"not_json", "too_many_events", "body_too_large"}


@settings(max_examples=150, deadline=None)
@given(user=st.text(min_size=1), query=st.text(), n=st.integers() | st.text(max_size=5))
def test_any_feed_request(shared: Client, user: str, query: str, n: int | str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in user.encode(errors="replace"))
    answer = shared.get(f"/v1/users/{quoted}/feed", params={"n": n, query: query})
    assert answer.status_code in {200, 400, 404}, answer.text
    assert answer.json()


@settings(max_examples=100, deadline=None)
@given(method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "PATCH"]), path=st.binary(max_size=30))
def test_any_path(shared: Client, method: str, path: bytes) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in path)
    answer = shared.request(method, f"/{quoted}")
    assert answer.status_code in {404, 405}, answer.text
