"""The same key, the same answer: once done, never twice, whichever gateway is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from litestar.testing import TestClient

from model.errors import StoreUnavailableError
from streams.gateway import idempotency
from streams.gateway.answers import Answer
from streams.gateway.errors import ProblemError
from streams.gateway.hot_routes import Gateway
from streams.gateway.idempotency import IdempotentAnswers, key_in
from streams.settings.processes import GatewaySettings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

Client = TestClient[Gateway]
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
HEADERS = [(b"idempotency-key", b"k1")]
CLICK = {"type": "click", "event_id": "e", "ts": NOW_MS, "user_id": "u", "item_id": "i"}


def test_an_event_is_taken_once(client: Client, sink: RecordingSink) -> None:
    first, second = (client.post("/v1/events", json=CLICK, headers=KEY) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(sink.delivered) == 1


def test_a_patch_is_done_once_and_answered_with_its_headers(client: Client, sink: RecordingSink) -> None:
    client.put("/v1/items/i", json={"price": 1})
    first, second = (client.patch("/v1/items/i", json={"price": 2}, headers=KEY) for _ in range(2))
    assert (first.status_code, first.content, first.headers["etag"]) == (
        second.status_code, second.content, second.headers["etag"],
    )  # fmt: skip
    assert len(sink.delivered) == 2
    other = client.patch("/v1/items/j", json={"price": 2}, headers=KEY)
    assert other.status_code == 404, "a key is one of its route"


def test_a_key_with_another_request_is_refused(client: Client, sink: RecordingSink) -> None:
    client.post("/v1/events", json=CLICK, headers=KEY)
    answer = client.post("/v1/events", json=CLICK | {"event_id": "f"}, headers=KEY)
    assert (answer.status_code, answer.json()["reason"]) == (422, "key_reused")
    assert len(sink.delivered) == 1


def test_what_was_refused_is_looked_at_again(client: Client, sink: RecordingSink) -> None:
    sink.confirms = 0
    assert client.post("/v1/events", json=CLICK, headers=KEY).status_code == 503
    sink.confirms = 5
    assert client.post("/v1/events", json=CLICK, headers=KEY).status_code == 202


@pytest.mark.parametrize("key", ['""', "", "a b", "x" * 129, "ü", '"a"b"'])
def test_a_key_that_is_none_is_refused(client: Client, sink: RecordingSink, key: str) -> None:
    answer = client.post("/v1/events", json=CLICK, headers={b"Idempotency-Key": key.encode()})
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad_idempotency_key")
    assert sink.delivered == []


def test_two_keys_are_none() -> None:
    with pytest.raises(ProblemError):
        key_in([(b"idempotency-key", b"a"), (b"idempotency-key", b"b")])
    assert key_in([(b"idempotency-key", b"a")]) == key_in([(b"idempotency-key", b' "a" ')]) == b"a"


class Work:
    """An answer that is made slowly, and counts."""

    def __init__(self, answer: Answer = Answer(200, b"done")) -> None:
        self.answer, self.ids = answer, list[str]()
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, event_id: str) -> Answer:
        self.ids.append(event_id)
        await self.go.wait()
        return self.answer


def answers(store: MemoryStore) -> IdempotentAnswers:
    return IdempotentAnswers(store, GatewaySettings())


async def test_of_two_at_once_one_is_at_work() -> None:
    store, work = MemoryStore(), Work()
    work.go.clear()
    first = asyncio.create_task(answers(store).answer(HEADERS, "POST /", b"", work))
    await asyncio.sleep(0)
    with pytest.raises(ProblemError) as refused:
        await answers(store).answer(HEADERS, "POST /", b"", work)
    assert (refused.value.problem.status, refused.value.headers) == (409, {"Retry-After": "1"})
    work.go.set()
    assert (await first).body == b"done"
    again = await answers(store).answer(HEADERS, "POST /", b"", work)
    assert (again.body, again.headers) == (b"done", (idempotency.REPLAYED,))
    assert len(work.ids) == 1


async def test_a_try_after_a_lost_one_writes_the_same_event() -> None:
    store, work = MemoryStore(), Work(Answer(200, b"x" * (idempotency.ANSWER_MOST + 1)))
    for _ in range(2):
        assert (await answers(store).answer(HEADERS, "POST /", b"", work)).status == 200
    assert work.ids[0] == work.ids[1]
    await answers(store).answer([], "POST /", b"", work)
    await answers(store).answer([], "POST /", b"", work)
    assert len(set(work.ids)) == 3


async def test_who_fails_leaves_the_key_free() -> None:
    async def fails(_: str) -> Answer:
        raise RuntimeError("broken")

    store = MemoryStore()
    with pytest.raises(RuntimeError):
        await answers(store).answer(HEADERS, "POST /", b"", fails)
    assert (await answers(store).answer(HEADERS, "POST /", b"", Work())).body == b"done"


async def test_without_the_store_nothing_is_done_under_a_key() -> None:
    class Away(MemoryStore):
        async def notes(self, *_: Any) -> list[bytes | None]:
            raise StoreUnavailableError("away")

    work = Work()
    with pytest.raises(ProblemError) as refused:
        await answers(Away()).answer(HEADERS, "POST /", b"", work)
    assert (refused.value.problem.status, work.ids) == (503, [])
    assert (await answers(Away()).answer([], "POST /", b"", work)).status == 200
