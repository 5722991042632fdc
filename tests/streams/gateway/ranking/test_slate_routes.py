"""Slates by their ids, and why they are as they are."""

from __future__ import annotations

import pytest

from streams.ranking.slate import Reason, Slate, SlateItem, encode
from tests.streams.gateway.ranking.conftest import Opened
from tests.streams.worker.conftest import NOW_MS

RANK = {"user_id": "u1", "items": [f"item-{n}" for n in (3, 9, 1, 7)], "impression": False}


async def test_a_slate_is_answered_as_it_was_made(site: Opened) -> None:
    async with site() as here:
        made = (await here.http.post("/v1/rank", json=RANK)).json()
        again = await here.http.get(f"/v1/slates/{made['slate_id']}")
        assert again.status_code == 200
        body = again.json()
        for item in body["items"]:
            assert round(sum(part["value"] for part in item.pop("contributions")), 6) == item["score"]
        for item in made["items"]:
            assert item.pop("contributions") is None
        assert body == made
    assert here.sink.delivered == []  # what waited was written when the gateway ended


async def test_an_explanation_says_what_scores_are_made_of_and_what_the_history_is_worth(
    site: Opened,
) -> None:
    async with site() as here:
        made = (await here.http.post("/v1/rank", json=RANK)).json()
        answer = await here.http.get(f"/v1/slates/{made['slate_id']}/explanation?places=3&history=2")
        body = answer.json()
        assert [item["item_id"] for item in body["items"]] == [item["item_id"] for item in made["items"][:3]]
        for item in body["items"]:
            assert round(sum(part["value"] for part in item["contributions"]), 6) == item["score"]
            assert len(item["history"]) == 2
            assert item["history"][0]["value"] >= item["history"][1]["value"]
        for wrong in ("places=0", "places=21", "history=11", "user=x"):
            refused = await here.http.get(f"/v1/slates/{made['slate_id']}/explanation?{wrong}")
            assert refused.status_code == 400, wrong


async def test_the_workers_newest_slate_is_found_by_its_user(site: Opened) -> None:
    async with site() as here:
        item = SlateItem("item-1", 1.0, "popular", Reason("popular"))
        await here.store.put_feed("u1", encode(Slate("5f", "u1", NOW_MS, [item], "m", "full")))
        found = await here.http.get("/v1/slates/5f?user_id=u1")
        assert (found.status_code, found.json()["slate_id"]) == (200, "5f")
        for path in ("/v1/slates/5f", "/v1/slates/5e?user_id=u1", "/v1/slates/5f?user_id=u2"):
            missing = await here.http.get(path)
            assert missing.status_code == 404
            assert missing.json()["reason"] == "no_slate"


async def test_the_last_ones_are_kept(site: Opened) -> None:
    async with site(ranker={"slates_kept": 2}) as here:
        made = [(await here.http.post("/v1/rank", json=RANK)).json()["slate_id"] for _ in range(3)]
        statuses = [(await here.http.get(f"/v1/slates/{each}")).status_code for each in made]
        assert statuses == [404, 200, 200]


@pytest.mark.parametrize("kept", [0, 2])
async def test_without_room_for_slates_nothing_else_changes(site: Opened, kept: int) -> None:
    async with site(ranker={"slates_kept": kept}) as here:
        assert (await here.http.post("/v1/rank", json=RANK)).status_code == 200
