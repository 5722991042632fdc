"""Lists that a ranker in another process answers."""

from __future__ import annotations

from tests.streams.gateway.ranking.test_elsewhere import Handed, handed, nowhere

__all__ = ["handed", "nowhere"]

PATHS = [
    "/v1/trending?n=3",
    "/v1/latest?n=3",
    "/v1/items/item-3/similar?by=behaviour&n=3",
    "/v1/items/item-3/similar?user_id=somebody&n=3",
]


async def test_a_gateway_hands_lists_on(handed: Handed, nowhere: str) -> None:
    async with handed(1, nowhere) as (http, _, __):
        for path in PATHS:
            answer = await http.get(path)
            assert answer.status_code == 200, answer.text
            assert len(answer.json()["items"]) == 3, path
        assert (await http.get("/v1/users/u1/neighbours")).json()["among"] == 2, "u0 and u2"
        first = (await http.get("/v1/trending", params={"n": 20})).json()
        rest = (await http.get("/v1/trending", params={"n": 20, "cursor": first["cursor"]})).json()
        refused = await http.get("/v1/items/nowhere/similar")
    shown = [item["item_id"] for page in (first, rest) for item in page["items"]]
    assert len(shown) == len(set(shown)) == 24
    assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_item")
