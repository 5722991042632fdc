"""/v1/admin/users: the state, the feed and the slates of a user by ids and names; and why they are so."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from streams.clock import ManualClock
from streams.experiments.registry.state import encode
from streams.gateway.admin.user_seen import met_rows, met_seen
from streams.gateway.app import create_app
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import Answer, KeptSlate, UserSlates
from streams.settings.tree import Settings
from streams.state.action_meaning import BUILT_IN
from streams.state.consumed import Consumed
from streams.stores.commit import Commit, digest_of
from streams.stores.memory import MemoryStore
from tests.streams.experiments.declarations import raw, running
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.gateway.ranking.conftest import Opened
from tests.streams.worker.conftest import NOW_MS, Desk, click

STATE, WHY = "/v1/admin/users/state", "/v1/admin/users/why"
ODD = 'a/../b?<b>"é\u4e2d#%2F'


class Here(NamedTuple):
    """An app without a ranker, and the worker that writes to its store."""

    http: httpx.AsyncClient
    desk: Desk
    store: MemoryStore


Known = Callable[[], AbstractAsyncContextManager[Here]]


@pytest.fixture
def known() -> Known:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Here]:
        store = MemoryStore()
        desk = Desk(store)
        await desk.take(*(click(n, f"u{n % 3}", f"item-{n % 24}") for n in range(60)))
        app: Any = create_app(Settings(), store, RecordingSink(), ManualClock(NOW_MS + 1_000))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://headrace") as http:
                yield Here(http, desk, store)
        finally:
            await desk.replica.close()

    return opened


async def test_all_that_is_known_is_told_by_ids(known: Known) -> None:
    async with known() as here:
        told = (await here.http.get(STATE, params={"user_id": "u1"})).json()
        assert told["state"]["interactions"] == 20
        newest = told["history"][0]
        assert (newest["item_id"], newest["action"], newest["rating"]) == ("item-10", "click", None)
        assert [each["ts"] for each in told["history"]] == sorted(
            (each["ts"] for each in told["history"]), reverse=True
        )
        assert told["met"]["by_action"] == {"click": 8}
        assert sorted(told["met"]["items"]) == sorted(f"item-{n}" for n in range(24) if n % 3 == 1)
        assert (told["met"]["exact"], told["met"]["total"], told["met"]["next_from"]) == (True, 8, None)
        assert told["feed"]["rung"] == "full"
        assert told["feed"]["places"][0]["item_id"] not in told["met"]["items"]
        assert told["slates"][0]["slate_id"]
        assert {place["item_id"] for place in told["slates"][0]["places"]} <= {f"item-{n}" for n in range(24)}
        assert told["arm"] == "default"


async def test_a_stranger_has_no_state_and_ids_may_be_odd(known: Known) -> None:
    async with known() as here:
        told = (await here.http.get(STATE, params={"user_id": ODD})).json()
        assert (told["user_id"], told["state"], told["feed"], told["history"]) == (ODD, None, None, [])
        await here.desk.take(click(60, ODD, ODD))
        told = (await here.http.get(STATE, params={"user_id": ODD})).json()
        assert told["history"][0]["item_id"] == ODD
        assert (await here.http.get(STATE, params={"user_id": "x" * 129})).status_code == 400
        assert (await here.http.get(STATE)).status_code == 400


async def test_what_was_shown_and_answered_stands_at_its_place(known: Known) -> None:
    async with known() as here:
        code = BUILT_IN.codes["click"]
        slate = KeptSlate(
            "s", NOW_MS, arm="look=bold", rows=(0, 1, 2), shown_ms=NOW_MS + 5, shown=(0, 9),
            answers=(Answer(0, code, math.nan, NOW_MS + 6), Answer(9, code, 2.5, NOW_MS + 7)),
        )  # fmt: skip
        found = (await here.store.load([], [], ["u1"])).slates[0]
        assert found is not None
        raw_slates = kept_slates_codec.encode(UserSlates((slate,)))
        await here.store.commit(Commit({}, {}, {}, {}, {}, slates={"u1": raw_slates}), "w")
        (seen,) = (await here.http.get(STATE, params={"user_id": "u1"})).json()["slates"]
        assert [(each["item_id"], each["shown"], each["answers"]) for each in seen["places"]] == [
            ("item-0", True, ["click"]),
            ("item-1", False, []),
            ("item-2", False, []),
            ("item-9", True, ["click 2.5"]),
        ]
        assert (seen["shown_ms"], seen["closed_ms"], seen["arm"]) == (NOW_MS + 5, None, "look=bold")


async def test_the_arms_are_those_of_the_experiments_that_run(known: Known) -> None:
    async with known() as here:
        registry = encode(running(e=raw()))
        await here.store.put_experiments(registry, digest_of(None), b"entry")
        told = (await here.http.get(STATE, params={"user_id": "u1"})).json()
        assert told["arm"] in ("e=arm0", "e=arm1")


async def test_why_is_the_exact_sum_and_shows_nothing(site: Opened) -> None:
    async with site() as here:
        told = (await here.http.get(WHY, params={"user_id": "u1", "places": 4, "history": 2})).json()
        assert (told["user_id"], len(told["items"])) == ("u1", 4)
        for place in told["items"]:
            assert sum(each["value"] for each in place["contributions"]) == pytest.approx(
                place["score"], abs=1e-4
            )
            assert len(place["history"]) == 2
        assert here.sink.delivered == []
        stranger = await here.http.get(WHY, params={"user_id": "nobody/at all"})
        assert stranger.status_code == 200
        assert (await here.http.get(WHY, params={"user_id": "u1", "places": 21})).status_code == 400


def test_of_ten_thousand_met_items_a_page_is_named_and_of_hashes_none() -> None:
    state = Settings().state
    consumed = Consumed()
    for row in range(0, 40_000, 4):
        consumed = consumed.add(row, BUILT_IN.codes["view"], BUILT_IN.blocking, 1 << 20)
    rows = met_rows(consumed)
    assert len(rows) == 10_000
    page = met_seen(consumed, rows[100:200], {row: f"i{row}" for row in rows}, BUILT_IN, 200)
    assert (page.exact, page.total, len(page.items), page.next_from) == (True, 10_000, 100, 200)
    hashed = consumed.fitted(state.consumed_bytes // 4)
    assert met_rows(hashed) == []
    seen = met_seen(hashed, [], {}, BUILT_IN, None)
    assert (seen.exact, seen.items) == (False, [])
    assert set(seen.by_action) <= {"(not kept any more)", "(never again)"}
