"""/v1/admin/renewal: a request that a renewal process takes, and how far it is."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.serving.renewal_notes import RenewalStatus, take_renewal, tell_alive, tell_status
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

PATH = "/v1/admin/renewal"


class Api:
    def __init__(self, client: str = "127.0.0.1") -> None:
        self.store = MemoryStore()
        app: Any = create_app(Settings(), self.store, RecordingSink(), ManualClock(NOW_MS))
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 5_000))

    async def __call__(self, method: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, PATH, **more)


async def test_without_a_process_a_request_waits() -> None:
    api = Api()
    assert (await api("GET")).json() == {"alive": False, "asked": None, "at_work": None, "last": None}
    answer = await api("POST", json={"by": "ann", "because": "new items"})
    assert (answer.status_code, answer.json()["alive"]) == (202, False)
    told = (await api("GET")).json()["asked"]
    assert told == {
        "request_id": answer.json()["request_id"],
        "asked_ms": NOW_MS,
        "by": "ann",
        "because": "new items",
        "tries": 0,
    }
    again = await api("POST")
    assert (again.status_code, again.json()["reason"]) == (409, "renewal_asked")
    taken = await take_renewal(api.store)
    assert taken is not None
    assert taken.request_id == answer.json()["request_id"]
    # Whoever took it has ended: it waits for the next one.
    left = (await api("GET")).json()["asked"]
    assert (left["request_id"], left["tries"]) == (taken.request_id, 1)
    assert (await api("POST")).status_code == 202


async def test_a_request_that_is_worked_on_waits_no_more() -> None:
    api = Api()
    await api("POST")
    taken = await take_renewal(api.store)
    assert taken is not None
    await tell_alive(api.store, "host:1")
    await tell_status(api.store, RenewalStatus(began_ms=5, request_id=taken.request_id))
    told = (await api("GET")).json()
    assert told["asked"] is None
    assert told["at_work"]["request_id"] == taken.request_id


async def test_how_far_it_is_and_how_it_ended() -> None:
    api = Api()
    status = RenewalStatus(
        began_ms=5, request_id="r", stage="training", done=3, total=8,
        outcome="kept", said="no better", ended_ms=4, ended_request_id="q",
    )  # fmt: skip
    await tell_status(api.store, status)
    assert (await api("GET")).json()["at_work"] is None  # whoever said so is gone
    await tell_alive(api.store, "host:1")
    assert (await api("GET")).json() == {
        "alive": True,
        "asked": None,
        "at_work": {"request_id": "r", "since_ms": 5, "stage": "training", "done": 3, "total": 8},
        "last": {"request_id": "q", "ended_ms": 4, "outcome": "kept", "said": "no better"},
    }


@pytest.mark.parametrize(
    ("content", "status"), [(b"{", 400), (b"\xff", 400), (b'{"now": 1}', 422), (b'{"by": 7}', 422)]
)
async def test_a_body_that_is_wrong_is_refused(content: bytes, status: int) -> None:
    assert (await Api()("POST", content=content)).status_code == status


async def test_only_this_machine_asks_for_one() -> None:
    api = Api("10.0.0.7")
    assert (await api("POST")).status_code == 403
    assert (await api("GET")).status_code == 200
