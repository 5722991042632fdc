"""/v1/admin/items: how far an item reaches, and its neighbours, by any id."""

from __future__ import annotations

import pytest
from litestar.testing import TestClient

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.ranking.conftest import Opened
from tests.streams.worker.conftest import click

REACH, SIMILAR = "/v1/admin/items/reach", "/v1/admin/items/similar"
ODD = 'a/../b?<b>"é\u4e2d#%2F'


async def test_reach_is_what_the_counters_say(site: Opened) -> None:
    async with site() as here:
        told = (await here.http.get(REACH, params={"item_id": "item-1"})).json()
        popularity = here.ranker.live.recommender.counters.popularity  # type: ignore[union-attr]
        row = here.ranker.live.recommender.catalog.rows["item-1"]  # type: ignore[union-attr]
        assert (told["items"], told["events"], told["shown"]) == (24, 3, 0)
        assert told["weight"] == pytest.approx(float(popularity.total[row]))
        assert told["share"] == pytest.approx(told["weight"] / float(popularity.total.sum()))
        assert 0 < told["first_ms"] <= told["last_ms"]
        assert (told["ratings"], told["rating"]) == (0, None)
        half_lives = list(Settings().counters.half_lives_s)
        assert [each["half_life_s"] for each in told["lately"]] == half_lives
        weights = popularity.decayed[:24] * popularity.ages(here.clock.now_ms())
        for column, each in enumerate(told["lately"]):
            assert each["weight"] == pytest.approx(weights[row, column])
            assert each["place"] == 1 + sum(weights[:, column] > weights[row, column])


async def test_ids_may_be_odd(site: Opened) -> None:
    async with site() as here:
        await here.desk.take(click(60, "u1", ODD))
        for path in (REACH, SIMILAR):
            async with here.ranker.live.replica.lock:  # type: ignore[union-attr]
                await here.ranker.live.replica.catch_up()  # type: ignore[union-attr]
            answer = await here.http.get(path, params={"item_id": ODD})
            assert (answer.status_code, answer.json()["item_id"]) == (200, ODD)
            gone = await here.http.get(path, params={"item_id": "no/such"})
            assert (gone.status_code, gone.json()["reason"]) == (404, "unknown_item")


async def test_neighbours_are_those_of_the_list(site: Opened) -> None:
    async with site() as here:
        for by in ("blended", "behaviour", "text", "graph"):
            mine = await here.http.get(SIMILAR, params={"item_id": "item-3", "by": by, "n": 5})
            other = await here.http.get("/v1/items/item-3/similar", params={"by": by, "n": 5})
            assert mine.json() == other.json()
        assert (await here.http.get(SIMILAR, params={"item_id": "item-3", "by": "luck"})).status_code == 400


def test_without_a_ranker_it_is_said() -> None:
    app = create_app(Settings(), MemoryStore(), RecordingSink(), ManualClock(NOW_MS))
    with TestClient(app) as client:
        for path in (REACH, SIMILAR):
            answer = client.get(path, params={"item_id": "i"})
            assert (answer.status_code, answer.json()["reason"]) == (503, "no_ranker")
