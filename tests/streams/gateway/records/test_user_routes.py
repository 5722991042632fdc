"""/v1/users/{user_id} and lists: profiles are put, changed and read like items; nobody is deleted here."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from litestar.testing import TestClient

from streams.events.schema import User
from streams.gateway.hot_routes import Gateway
from streams.gateway.records.listing import AT_ONCE
from streams.state import user_state_codec
from streams.state.user_state import UserState
from streams.stores.base import Commit
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import RecordingSink
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


def test_a_user_is_not_deleted_by_half(client: Client) -> None:
    assert client.delete("/v1/users/ann").status_code == 405
