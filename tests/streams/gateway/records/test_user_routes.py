"""/v1/users/{user_id} and lists: profiles are put, changed and read like items; users are deleted."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from litestar.testing import TestClient

from streams.events.schema import Forget, User
from streams.gateway.hot_routes import Gateway
from streams.gateway.records.listing import AT_ONCE
from streams.state import user_state_codec
from streams.state.user_state import UserState
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.gateway.records.applying import apply
from tests.streams.gateway.records.test_item_routes import work

Client = TestClient[Gateway]
ANN = {"profile": {"country": "DE", "plan": "gold"}}


@pytest.mark.parametrize("applied", [True, False])
def test_a_profile_is_put_changed_and_read(
    client: Client, store: MemoryStore, sink: RecordingSink, applied: bool
) -> None:
    put = client.put("/v1/users/ann", json=ANN)
    assert (put.status_code, put.json()) == (202, {"user_id": "ann", **ANN})
    if applied:
        work(client, store, sink)
    tag = {"If-Match": put.headers["etag"]}
    patched = client.patch("/v1/users/ann", json={"profile": {"plan": None, "age": "30"}}, headers=tag)
    assert patched.json() == {"user_id": "ann", "profile": {"country": "DE", "age": "30"}}
    assert client.patch("/v1/users/ann", json={"profile": None}, headers=tag).status_code == 412
    event = sink.delivered[-1]
    assert isinstance(event, User)
    assert event.profile == {"country": "DE", "age": "30"}
    if applied:
        work(client, store, sink)
    read = client.get("/v1/users/ann")
    assert (read.json(), read.headers["etag"]) == (patched.json(), patched.headers["etag"])


def test_a_profile_may_go_back_to_what_it_was(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    """The store has what the note was written over: the event's id tells that it was applied."""
    client.put("/v1/users/ann", json=ANN)
    work(client, store, sink)
    client.patch("/v1/users/ann", json={"profile": {"plan": "free"}})
    client.post("/v1/users", content=json.dumps({"user_id": "ann", **ANN}), headers=LINES)
    assert client.get("/v1/users/ann").json()["profile"]["plan"] == "free"
    work(client, store, sink)
    assert client.get("/v1/users/ann").json()["profile"]["plan"] == "gold"


LINES = {"Content-Type": "application/x-ndjson"}


def test_who_has_acted_is_known_without_a_profile(client: Client, store: MemoryStore) -> None:
    assert client.get("/v1/users/bob").status_code == 404
    state = user_state_codec.encode(UserState(interactions=3))
    client.blocking_portal.call(store.commit, Commit({}, {}, {"bob": state}, {}, {}), "worker")
    assert client.get("/v1/users/bob").json() == {"user_id": "bob", "profile": {}}
    assert client.put("/v1/users/bob", json={}, headers={"If-None-Match": "*"}).status_code == 412


def test_users_are_listed(client: Client, store: MemoryStore, sink: RecordingSink) -> None:
    body = "\n".join(json.dumps({"user_id": f"u{n}", "profile": {"n": str(n)}}) for n in range(5))
    client.post("/v1/users", content=body, headers=LINES)
    work(client, store, sink)
    listed = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/v1/users", params={"n": 2, "cursor": cursor}).json()
        listed += page["users"]
        cursor = page["cursor"]
    assert listed == [{"user_id": f"u{n}", "profile": {"n": str(n)}} for n in range(5)]
    lines = client.get("/v1/users?n=2", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert list(map(json.loads, lines)) == listed


def test_a_long_page_is_read_some_users_at_a_time(
    client: Client, store: MemoryStore, sink: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "\n".join(json.dumps({"user_id": f"u{n:03}"}) for n in range(200))
    client.post("/v1/users", content=body, headers=LINES)
    work(client, store, sink)
    asked: list[int] = []
    states = store.states

    async def counted(users: Sequence[str]) -> list[bytes | None]:
        asked.append(len(users))
        return await states(users)

    monkeypatch.setattr(store, "states", counted)
    page = client.get("/v1/users?n=1000").json()
    assert [user["user_id"] for user in page["users"]] == [f"u{n:03}" for n in range(200)]
    assert sum(asked) == 200
    assert max(asked) <= AT_ONCE


@pytest.mark.parametrize(
    "body", ['{"profile": {"a": 1}}', '{"user_id": "bob"}', '{"name": "Ann"}', '{"profile": []}']
)
def test_what_is_no_profile_is_refused(client: Client, body: str) -> None:
    assert client.put("/v1/users/ann", content=body).status_code == 422


@pytest.mark.parametrize("applied", [True, False])
def test_a_deleted_user_is_not_there_from_then_on(
    client: Client, store: MemoryStore, sink: RecordingSink, applied: bool
) -> None:
    client.put("/v1/users/ann", json=ANN)
    if applied:
        work(client, store, sink)
    deleted = client.delete("/v1/users/ann")
    event = sink.delivered[-1]
    assert isinstance(event, Forget)
    assert (deleted.status_code, deleted.json()) == (202, {"status": "accepted", "event_id": event.event_id})
    assert deleted.headers["headrace-event-id"] == event.event_id
    assert client.get("/v1/users/ann").status_code == 404
    assert client.patch("/v1/users/ann", json={"profile": {"a": "b"}}).status_code == 404
    work(client, store, sink)
    assert client.get("/v1/users/ann").status_code == 404
    assert client.get("/v1/users").json()["users"] == []


@pytest.mark.parametrize("steps", [(), ("delete",), ("delete", "put")])
def test_a_profile_that_is_put_after_a_deletion_is_read_whatever_is_applied_by_then(
    client: Client, store: MemoryStore, sink: RecordingSink, steps: tuple[str, ...]
) -> None:
    client.put("/v1/users/ann", json=ANN)
    work(client, store, sink)
    client.delete("/v1/users/ann")
    put = client.put("/v1/users/ann", json={"profile": {"new": "yes"}}, headers={"If-None-Match": "*"})
    assert put.status_code == 202
    event, profile = sink.delivered[-2:]
    for step in steps:
        client.blocking_portal.call(apply, store, event if step == "delete" else profile)
    read = client.get("/v1/users/ann")
    assert read.json() == {"user_id": "ann", "profile": {"new": "yes"}}
    assert read.headers["etag"] == put.headers["etag"]


def test_what_was_answered_about_a_user_is_not_kept_once_they_are_deleted(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    key = {"Idempotency-Key": "k-1"}
    client.put("/v1/users/ann", json=ANN, headers=key)
    assert client.put("/v1/users/ann", json=ANN, headers=key).headers["idempotent-replayed"] == "true"
    deleted = client.delete("/v1/users/ann", headers={"Idempotency-Key": "k-2"})
    work(client, store, sink)
    held = [name + repr(value) for name, (_, value) in store._notes.values.items()]
    assert held
    assert not [each for each in held if "ann" in each or "gold" in each]
    again = client.delete("/v1/users/ann", headers={"Idempotency-Key": "k-2"})
    assert (again.json(), again.headers["idempotent-replayed"]) == (deleted.json(), "true")
    assert sink.delivered == []


def test_whom_nobody_knows_is_deleted_all_the_same(client: Client, sink: RecordingSink) -> None:
    assert client.delete("/v1/users/ghost").status_code == 202
    assert isinstance(sink.delivered[-1], Forget)
    assert client.delete("/v1/users/ghost", headers={"If-Match": '"other"'}).status_code == 412


def test_a_user_whose_state_cant_be_read_is_deleted_all_the_same(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    store._states.put("ann", b"damaged")
    assert client.get("/v1/users/ann").status_code == 503
    assert client.patch("/v1/users/ann", json=ANN).status_code == 503
    assert client.delete("/v1/users/ann").status_code == 202
    work(client, store, sink)
    assert client.get("/v1/users/ann").status_code == 404


def test_a_deletion_that_kafka_does_not_confirm_changes_nothing(
    client: Client, store: MemoryStore, sink: RecordingSink
) -> None:
    client.put("/v1/users/ann", json=ANN)
    work(client, store, sink)
    sink.confirms = 0
    assert client.delete("/v1/users/ann").status_code == 503
    sink.confirms = 1
    assert client.get("/v1/users/ann").json()["profile"] == ANN["profile"]


def test_apps_do_not_delete_users_by_events(client: Client) -> None:
    event = {"type": "forget", "event_id": "e", "ts": 1_763_934_000_000, "user_id": "ann"}
    answer = client.post("/v1/events", json=event).json()
    assert answer["results"][0]["reason"] == "not_allowed"
    assert "DELETE /v1/users/" in answer["results"][0]["message"]
