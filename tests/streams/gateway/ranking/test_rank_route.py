"""POST /v1/rank: what the caller brings, ranked as the core ranks it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from export.registry import Registry
from model.errors import StoreUnavailableError
from model.schema import F32
from streams.clock import ManualClock
from streams.events.schema import Control, Impression
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.ranking.given_fields import CandidateFields, GivenFields
from streams.recommender import Recommender
from streams.serving.ranker import Ranker
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.stores.memory import MemoryStore
from tests.connected.events_on_kafka import eventually
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.gateway.ranking.conftest import Opened, Site
from tests.streams.worker.conftest import NOW_MS, click, message

ITEMS = [f"item-{n}" for n in (3, 9, 1, 7, 20)]


async def rank(site: Site, **body: Any) -> Any:
    answer = await site.http.post("/v1/rank", json=body)
    return answer.status_code, answer.json()


async def test_over_http_and_through_the_core_it_is_one_slate(site: Opened) -> None:
    """`replay` drives the core as this test does."""
    async with site() as here:
        status, body = await rank(here, user_id="u1", items=ITEMS, n=4, surface="shelf")
        state = user_state_codec.decode((await here.store.states(["u1"]))[0])

        def replayed(core: Recommender) -> Any:
            rows = tuple(core.catalog.rows[item] for item in ITEMS)
            arm = core.arms_of("u1", state, body["ts"], "shelf")
            request = core.request(
                state, body["ts"], user="u1", cause=body["cause"], arm=arm, surface="shelf", size=4,
                candidates=rows,
            )  # fmt: skip
            return core.recommend([request])[0]

        slate = await here.ranker.ask(replayed)
    assert status == 200
    assert body["slate_id"] == slate.slate_id
    assert [(each["item_id"], each["score"], each["source"]) for each in body["items"]] == [
        (item.item_id, item.score, item.source) for item in slate.items
    ]
    assert (body["user_id"], body["model"], body["rung"], body["arm"]) == ("u1", "first", "full", "default")
    assert len(body["items"]) == 4


async def test_what_is_answered_counts_as_shown_unless_the_caller_says_no(site: Opened) -> None:
    async with site() as here:
        await rank(here, user_id="u1", items=ITEMS, impression=False)
        _, body = await rank(here, session="s-1", items=ITEMS, n=2, surface="shelf")
        await eventually(lambda: bool(here.sink.delivered))
        [shown] = here.sink.delivered
    assert isinstance(shown, Impression)
    assert (shown.user_id, shown.surface, shown.slate_id) == ("s-1", "shelf", body["slate_id"])
    assert shown.items == [item["item_id"] for item in body["items"]]
    assert len(shown.items) == 2


async def test_unknown_and_left_out_items_are_said(site: Opened) -> None:
    async with site() as here:
        items = [*ITEMS, "nowhere", {"item_id": "item-2"}, "item-3"]
        status, body = await rank(here, user_id="u1", items=items, exclude=["item-9"])
    assert status == 200
    assert body["unknown"] == ["nowhere"]
    assert body["left_out"] == ["item-9"]
    assert sorted(item["item_id"] for item in body["items"]) == sorted({*ITEMS, "item-2"} - {"item-9"})


@pytest.mark.parametrize(
    ("body", "reason", "came"),
    [
        ({"items": ITEMS}, "no_user", "neither"),
        ({"items": [], "user_id": "u"}, "bad_body", "length"),
        ({"items": ["x" * 129], "user_id": "u"}, "bad_body", "length"),
        ({"items": ITEMS, "user_id": "u", "n": 0}, "bad_body", "n"),
        ({"items": ITEMS, "user_id": "u", "colour": "red"}, "bad_body", "colour"),
        ({"items": ITEMS * 201, "user_id": "u"}, "too_many_items", "1005"),
        (
            {"items": ITEMS, "user_id": "u", "filter": {"price_from": 2, "price_to": 1}},
            "bad_request",
            "price",
        ),
    ],
)
async def test_what_cant_be_asked_is_refused(
    site: Opened, body: dict[str, Any], reason: str, came: str
) -> None:
    async with site() as here:
        status, problem = await rank(here, **body)
    assert status == 422
    assert problem["reason"] == reason
    assert came in problem["came"]
    assert problem["expected"]
    assert problem["remedy"]


async def test_a_body_that_is_no_json_is_refused(site: Opened) -> None:
    async with site() as here:
        for raw in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
            answer = await here.http.post("/v1/rank", content=raw)
            assert answer.status_code in (400, 422), raw[:10]
        answer = await here.http.post("/v1/rank", content=b" " * 2_000_001)
        assert answer.status_code == 413


async def test_a_gateway_without_a_ranker_says_what_to_set(client: TestClient[Gateway]) -> None:
    for answer in (
        client.post("/v1/rank", json={"user_id": "u", "items": ["i"]}),
        client.get("/v1/users/u/feed?surface=x"),
        client.get("/v1/slates/5f/explanation"),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (503, "no_ranker")
        assert "ranker.where" in answer.json()["remedy"]
    assert client.get("/v1/users/u/feed").status_code == 200
    assert client.get("/v1/slates/5f").status_code == 404


async def test_while_it_starts_feeds_are_read(ranked_settings: Settings) -> None:
    """And what is asked of it is 503."""
    store, sink, clock = MemoryStore(), RecordingSink(), ManualClock(NOW_MS)
    ranker = Ranker(ranked_settings, store, clock)
    app: Any = create_app(ranked_settings, store, sink, clock, ranker=ranker)
    transport = httpx.ASGITransport(app)
    async with app.described.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://h") as http:
        assert (await http.get("/v1/users/u/feed")).status_code == 200
        asked = await http.post("/v1/rank", json={"user_id": "u", "items": ["i"]})
        assert (asked.status_code, asked.json()["reason"]) == (503, "ranker_unready")
        assert asked.headers["retry-after"]
        readiness = await http.get("/readyz")
        assert readiness.status_code == 200
        assert readiness.json()["parts"]["ranker"] == {"ready": False, "trouble": "the ranker is starting"}
        await ranker.opened()
        asked = await http.post("/v1/rank", json={"user_id": "u", "items": ["i"]})
        assert (asked.status_code, asked.json()["unknown"]) == (200, ["i"])
    assert ranker.live is None


async def test_the_store_away_is_503_within_the_timeout(
    site: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site() as here:

        async def away(*_: Any) -> Any:
            raise StoreUnavailableError("no answer")

        monkeypatch.setattr(here.store, "load", away)
        status, problem = await rank(here, user_id="u1", items=ITEMS)
        assert (status, problem["reason"]) == (503, "store_unavailable")
        monkeypatch.undo()
        assert (await rank(here, user_id="u1", items=ITEMS))[0] == 200


async def test_another_model_scores_as_soon_as_it_is_activated(site: Opened) -> None:
    async with site() as here:
        assert (await rank(here, user_id="u1", items=ITEMS))[1]["model"] == "first"
        here.desk.models.known = ("second",)
        order = Control(event_id="o", ts=NOW_MS, command="activate_model", model="second")
        await here.desk.take(message(order, 0))
        live = here.ranker.live
        assert live is not None
        await eventually(lambda: live.models.name == "second")
        status, body = await rank(here, user_id="u1", items=ITEMS)
        assert (status, body["model"]) == (200, "second")


NEWCOMER = {
    "item_id": "new-1", "title": "A violet lamp", "text": "It shines.", "categories": ["lamps"], "price": 9.5,
}  # fmt: skip


async def test_fields_of_items_over_http_and_through_the_core_make_one_slate(site: Opened) -> None:
    """What `replay` and tests ask of the core is what the route asks of it."""
    fields = {"item_id": "item-9", "price": 4.0, "available": True, "categories": ["x"], "boost": 2.5}
    async with site() as here:
        status, body = await rank(
            here, user_id="u1", items=["item-3", fields, NEWCOMER], explain=True, relevancy_weight=3
        )
        state = user_state_codec.decode((await here.store.states(["u1"]))[0])

        def replayed(core: Recommender) -> Any:
            rows = core.catalog.rows
            told = GivenFields(
                {
                    rows["item-9"]: CandidateFields(4.0, True, ("x",), boost=2.5),
                    -1: CandidateFields(9.5, categories=("lamps",), item_id="new-1"),
                },
                relevancy_weight=3,
            )
            request = core.request(
                state, body["ts"], user="u1", cause=body["cause"], surface="feed", size=3, given=told,
                candidates=(rows["item-3"], rows["item-9"], -1), arm=body["arm"],
            )  # fmt: skip
            return core.recommend([request])[0]

        slate = await here.ranker.ask(replayed)
        why = await here.http.get(f"/v1/slates/{body['slate_id']}/explanation")
    assert status == 200, body
    assert body["slate_id"] == slate.slate_id
    assert [(each["item_id"], each["score"]) for each in body["items"]] == [
        (item.item_id, item.score) for item in slate.items
    ]
    assert {each["item_id"] for each in body["items"]} == {"item-3", "item-9", "new-1"}
    for each in body["items"]:
        told = {part["name"]: part["value"] for part in each["contributions"]}
        assert round(sum(told.values()), 6) == each["score"]
        assert told["boost"] == (2.5 if each["item_id"] == "item-9" else 0.0)
    assert why.status_code == 200, why.text


async def test_a_description_counts_each_time_although_what_is_shown_is_known_from_then_on(
    site: Opened, ranked_settings: Settings, universal_registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    for each in (Path(ranked_settings.model.registry), universal_registry.folder):
        shutil.copytree(each, folder, dirs_exist_ok=True)
    other = NEWCOMER | {"title": "A green violin", "text": "It sings.", "categories": ["strings"]}
    bare = {name: value for name, value in NEWCOMER.items() if name in ("item_id", "price")}
    read = list[str]()

    async with site(model={"registry": str(folder)}) as here:
        live = here.ranker.live
        assert live is not None
        encode = live.encode
        assert encode is not None

        def counted(texts: Sequence[str]) -> F32:
            read.extend(texts)
            return encode(texts)

        here.ranker.live = replace(live, encode=counted)

        async def score(item: dict[str, Any]) -> float:
            status, body = await rank(here, user_id="u1", items=["item-3", item])
            assert status == 200, body
            found = {each["item_id"]: each["score"] for each in body["items"]}
            return float(found["new-1"])

        async def known() -> bool:
            return "new-1" in live.recommender.catalog.rows

        for item in (NEWCOMER, other):
            await score(item)
        await here.desk.take(click(60, "u9", "new-1"))
        await eventually(known)
        met = [await score(NEWCOMER), await score(other), await score(bare)]
        many = [NEWCOMER | {"item_id": f"new-{n}", "title": f"lamp {n}"} for n in range(1, 52)]
        status, problem = await rank(here, user_id="u1", items=many)
    assert len(set(met)) == 3
    assert len(read) == 2, "each text is read once"
    assert (status, problem["reason"]) == (422, "bad_request"), "one of the 51 is known by its id alone"


async def test_a_position_stands_for_a_relevancy(site: Opened) -> None:
    async with site() as here:
        items = [{"item_id": item, "position": at} for at, item in enumerate(ITEMS)]
        _, first = await rank(here, user_id="u1", items=items, relevancy_weight=100)
        _, last = await rank(here, user_id="u1", items=items, relevancy_weight=-100)
        plain = await rank(here, user_id="u1", items=ITEMS)
        _, zero = await rank(here, user_id="u1", items=items, relevancy_weight=0)
    assert [each["item_id"] for each in first["items"]] == ITEMS
    assert [each["item_id"] for each in last["items"]] == ITEMS[::-1]
    assert [each["score"] for each in zero["items"]] == [each["score"] for each in plain[1]["items"]]


async def test_an_item_that_nobody_knows_needs_a_description(site: Opened) -> None:
    async with site() as here:
        items = ["item-3", {"item_id": "bare", "price": 3, "boost": 9}, NEWCOMER]
        _, body = await rank(here, user_id="u1", items=items, n=1)
        _, filtered = await rank(here, user_id="u1", items=items, filter={"price_to": 9})
        _, excluded = await rank(here, user_id="u1", items=items, exclude=["new-1"])
        many = [NEWCOMER | {"item_id": f"new-{n}", "title": f"lamp {n}"} for n in range(51)]
        status, problem = await rank(here, user_id="u1", items=many)
    assert body["unknown"] == ["bare"]
    assert len(body["items"]) == 1
    assert filtered["left_out"] == ["item-3", "new-1"]
    assert excluded["left_out"] == ["new-1"]
    assert [each["item_id"] for each in excluded["items"]] == ["item-3"]
    assert (status, problem["reason"]) == (422, "bad_request")
    assert "51" in problem["came"]
    assert "PUT /v1/items" in problem["expected"]


@pytest.mark.parametrize(
    ("items", "came"),
    [
        ([{"item_id": "item-3", "boost": 101}], "boost"),
        ([{"item_id": "item-3", "price": -1}], "price"),
        ([{"item_id": "item-3", "colour": "red"}], "colour"),
        ([{"item_id": "item-3", "position": -1}], "position"),
        ([{"item_id": "item-3", "title": "x" * 257}], "title"),
        ([{"item_id": "item-3", "boost": 1}, {"item_id": "item-3", "boost": 2}], "twice"),
        ([{"item_id": "item-3", "boost": 1}, {"item_id": "item-3"}], "twice"),
        ([{"item_id": "item-3", "position": 1}, {"item_id": "item-9", "relevancy": 2}], "scales"),
        ([{"item_id": f"i{n}", "tags": ["x" * 256] * 64} for n in range(20)], "327680 characters"),
    ],
)
async def test_fields_that_cant_be_are_refused(site: Opened, items: Any, came: str) -> None:
    async with site() as here:
        status, problem = await rank(here, user_id="u1", items=items)
    assert status == 422
    assert came in problem["came"]
