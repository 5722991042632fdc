"""An afternoon of an app whose client is generated from /schema: real gateway, Kafka, worker, ranker, store.

Each answer is parsed into the type that the document names; an answer that it lacks fails.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from export.registry import Registry
from streams.kafka.topics import ensure_topics
from streams.settings.tree import Settings
from tests.connected.events_on_kafka import eventually, now_ms
from tests.connected.generated_client import NDJSON, Generated, generated
from tests.connected.ranking_system import ranking_system

GOODS = [
    {"item_id": "shoe", "title": "运动鞋 男款 轻便 透气", "categories": ["鞋"], "price": 99},
    {"item_id": "boot", "title": "女士雪地靴 防滑 保暖", "categories": ["鞋"], "price": 159},
    {"item_id": "ear", "title": "蓝牙耳机 无线降噪", "categories": ["耳机"], "price": 300},
    {"item_id": "wire", "title": "有线耳机", "categories": ["耳机"], "price": 30},
    {"item_id": "strap", "title": "Leather guitar strap", "categories": ["straps"], "price": 20},
    {"item_id": "strings", "title": "Guitar strings, light", "categories": ["strings"], "price": 9.5},
    {"item_id": "drum", "title": "Snare drum", "categories": ["drums"], "price": 240},
]  # fmt: skip


class App:
    """The words of an app."""

    def __init__(self, of: Generated) -> None:
        self.of, self.models, self.types = of, of.models, of.types
        self.ask = of.ask

    def click(self, user: str, item: str, **more: Any) -> Any:
        kind = self.models.ClickType.CLICK
        return self.models.Click(
            type_=kind, event_id=uuid.uuid4().hex, ts=now_ms(), user_id=user, item_id=item, **more
        )

    def feed(self, user: str, **asked: Any) -> Any:
        return self.ask("feeds.read_feed", user, impression=False, **asked).parsed

    def ids(self, listed: Any) -> list[str]:
        return [each.item_id for each in listed.items]

    def file(self, lines: list[str]) -> Any:
        return self.types.File(payload="".join(f"{line}\n" for line in lines).encode(), mime_type=NDJSON)


def refused(answer: Any, status: int, reason: str) -> None:
    """A problem whose words say what to do."""
    assert (int(answer.status_code), answer.parsed.status, answer.parsed.reason) == (status, status, reason)
    assert answer.parsed.expected
    assert answer.parsed.came
    assert answer.parsed.remedy


@pytest.fixture
async def app(settings: Settings, universal_registry: Registry, tmp_path: Path) -> Any:
    await ensure_topics(settings.kafka)
    (tmp_path / "client").mkdir()
    with (
        ranking_system(settings, universal_registry.folder, tmp_path) as client,
        generated(client, tmp_path / "client") as made,
    ):
        await eventually(lambda: client.get("/v1/search").status_code == 200)
        yield App(made)


async def test_an_afternoon(app: App) -> None:
    for part in (versions, items, one_by_one, searches):
        await part(app)
    for later in (events, ranks, lists, users):
        await later(app)


async def versions(app: App) -> None:
    assert app.ask("operations.get_versions").parsed.api == "v1"
    assert app.ask("operations.ready").status_code == 200


async def items(app: App) -> None:
    """In bulk: a stream of lines, then an array."""
    lines = [json.dumps(each, ensure_ascii=False) for each in GOODS[:6]]
    answer = app.ask("items.put_item_lines", body=app.file([*lines, '{"item_id": "broken"']))
    *each, end = [json.loads(line) for line in answer.parsed.payload.read().splitlines()]
    told = [app.models.LineAnswer.from_dict(line) for line in each]
    assert [line.status.value for line in told] == ["accepted"] * 6 + ["rejected"]
    assert told[-1].reason == "not_json"
    assert app.models.StreamEnd.from_dict(end).done

    body = app.models.ItemBody.from_dict(GOODS[6])
    receipt = app.ask("items.put_items", body=[body]).parsed
    assert (receipt.accepted, receipt.results[0].status.value) == (1, "accepted")
    assert app.ask("items.put_items", body=body).parsed.accepted == 1
    await eventually(
        lambda: set(app.ids(app.ask("on_request.latest", n=20).parsed)) == {g["item_id"] for g in GOODS}
    )
    found: list[str] = []
    cursor: Any = ""
    while cursor is not None:
        page = app.ask("items.list_items", n=3, cursor=cursor).parsed
        found += app.ids(page)
        cursor = page.cursor
    assert sorted(found) == sorted(str(g["item_id"]) for g in GOODS)


async def one_by_one(app: App) -> None:
    """One item: made once, read on a condition, patched by whoever knows it, withdrawn."""
    content = app.models.ItemContent(title="Clip-on tuner", categories=["accessories"], price=14.9)
    key = uuid.uuid4().hex
    put = app.ask("items.put_item", "tuner", body=content, if_none_match="*", idempotency_key=key)
    assert (put.status_code, put.parsed.title, put.parsed.text) == (202, "Clip-on tuner", "")
    assert put.headers["Headrace-Event-Id"]
    again = app.ask("items.put_item", "tuner", body=content, if_none_match="*", idempotency_key=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert again.headers["ETag"] == put.headers["ETag"]
    refused(app.ask("items.put_item", "tuner", body=content, if_none_match="*"), 412, "changed_meanwhile")
    no_key = app.ask("events.send_events", body=app.click("a", "b"), idempotency_key="two words")
    refused(no_key, 400, "bad_idempotency_key")

    tag = put.headers["ETag"]
    assert app.ask("items.read_item", "tuner").headers["ETag"] == tag
    assert app.ask("items.read_item", "tuner", if_none_match=tag).status_code == 304
    price = app.models.ItemContent(price=12.5)
    patched = app.ask("items.patch_item", "tuner", body=price, if_match=tag)
    assert (patched.parsed.price, patched.parsed.title) == (12.5, "Clip-on tuner")
    refused(app.ask("items.patch_item", "tuner", body=price, if_match=tag), 412, "changed_meanwhile")
    withdrawn = app.ask("items.withdraw_item", "tuner").parsed
    assert withdrawn.available is False
    refused(app.ask("items.read_item", "nothing"), 404, "unknown_item")


async def searches(app: App) -> None:
    """Words, meaning in another language, prices, completions; in Chinese and in English."""

    def search(q: str, **asked: Any) -> Any:
        return app.ask("search.read_search", q=q, impression=False, **asked).parsed

    await eventually(lambda: app.ids(search("蓝牙耳机"))[:1] == ["ear"])  # it may be by its meaning alone
    await eventually(lambda: search("100元以下的耳机").understood.price_to == 100.0)  # and by words
    cheap = search("100元以下的耳机")
    assert (app.ids(cheap)[0], cheap.understood.price_to) == ("wire", 100.0)
    assert not {"ear", "boot", "drum"} & set(app.ids(cheap)), "they cost more"
    assert app.ids(search("鞋"))[:2] in (["shoe", "boot"], ["boot", "shoe"])
    assert app.ids(search("running shoes for men"))[:1] == ["shoe"]
    mended = search("gutar strap", explain=True)
    assert (mended.understood.corrected, mended.items[0].item_id) == ("guitar strap", "strap")
    parts = mended.items[0].contributions
    assert round(sum(part.value for part in parts), 6) == mended.items[0].score
    body = app.models.SearchBody(q="耳机", impression=False, price_from=100)
    assert app.ids(app.ask("search.ask_search", body=body).parsed)[0] == "ear"
    completed = app.ask("search.read_suggestions", q="蓝").parsed.completions
    assert "蓝牙耳机 无线降噪" in [each.text for each in completed]
    assert app.ask("search.read_suggestions", q="gui").parsed.completions


async def events(app: App) -> None:
    """One, many, and one under a key; the feed follows, and tells what it knows."""
    first = app.click("ann", "strap")
    assert app.ask("events.send_events", body=first).parsed.results[0].event_id == first.event_id
    many = [app.click(user, item) for user in ("bob", "cid") for item in ("strap", "strings")]
    review = app.models.Review(
        type_=app.models.ReviewType.REVIEW, event_id=uuid.uuid4().hex, ts=now_ms(), user_id="bob",
        item_id="drum", rating=5, text="音质很好",
    )  # fmt: skip
    bad = app.click("", "strap")
    receipt = app.ask("events.send_events", body=[*many, review, bad]).parsed
    assert (receipt.accepted, receipt.rejected) == (5, 1)
    assert (receipt.results[5].reason, receipt.results[5].index) == ("invalid", 5)
    await eventually(lambda: app.feed("ann").cause == first.event_id)

    feed = app.feed("ann", n=5)
    assert "strap" not in app.ids(feed)
    assert "tuner" not in app.ids(feed), "it was withdrawn"
    chosen = feed.items[0].item_id
    key = uuid.uuid4().hex
    click = app.click("ann", chosen, slate_id=feed.slate_id, position=0)
    for replayed in (None, "true"):
        answer = app.ask("events.send_events", body=click, idempotency_key=key)
        assert answer.headers.get("Idempotent-Replayed") == replayed
    await eventually(lambda: app.feed("ann").cause == click.event_id)
    feed = app.feed("ann")
    assert chosen not in app.ids(feed)
    assert {item.reason.kind for item in feed.items}
    tag = f'"{feed.slate_id}"'
    same = app.ask("feeds.read_feed", "ann", impression=False, if_none_match=tag)
    assert (same.status_code, same.headers["ETag"]) == (304, tag)
    refused(app.ask("feeds.read_feed", "ann", n=0), 400, "out_of_range")
    refused(app.ask("events.send_events", body=[bad]), 422, "none_accepted")


async def ranks(app: App) -> None:
    """Candidates of the app's own, one of them new; the slate again by its id, and why it is so."""
    given = app.models.GivenItem
    body = app.models.RankBody(
        user_id="ann",
        items=[
            "drum", "boot", "nowhere", given(item_id="wire", price=12.5, boost=0.3),
            given(item_id="new", title="Wool socks", categories=["鞋"], relevancy=2.0),
            given(item_id="ear", relevancy=1.0),
        ],
        n=3, surface="shelf", explain=True, impression=False, exclude=["boot"],
        filter_=app.models.Filter(price_to=250),
    )  # fmt: skip
    slate = app.ask("on_request.rank", body=body).parsed
    assert (slate.unknown, sorted(slate.left_out)) == (["nowhere"], ["boot", "ear", "new"])
    assert sorted(app.ids(slate)) == ["drum", "wire"]
    for item in slate.items:
        assert round(sum(part.value for part in item.contributions), 6) == item.score
    assert app.ids(app.ask("on_request.get_slate", slate.slate_id).parsed) == app.ids(slate)
    why = app.ask("on_request.explain_slate", slate.slate_id, places=2, history=2).parsed
    assert [place.item_id for place in why.items] == app.ids(slate)
    assert all(place.contributions for place in why.items)
    refused(app.ask("on_request.get_slate", "none"), 404, "no_slate")
    refused(app.ask("on_request.rank", body=app.models.RankBody(items=["drum"])), 422, "no_user")

    asked = app.models.FeedBody(n=2, categories=["鞋", "耳机"], impression=False)
    first = app.ask("feeds.ask_feed", "ann", body=asked).parsed
    assert len(first.items) == 2
    rest = app.ask("feeds.read_feed", "ann", cursor=first.cursor, impression=False).parsed
    assert len({*app.ids(first), *app.ids(rest)}) == len(first.items) + len(rest.items)


async def lists(app: App) -> None:
    await eventually(lambda: app.ids(app.ask("on_request.similar", "strap").parsed)[:1] == ["strings"])
    by_text = app.ask("on_request.similar", "shoe", by=app.models.SimilarBy.TEXT).parsed
    assert app.ids(by_text)[0] == "boot"
    mine = app.ask("on_request.similar", "strap", user_id="ann", impression=False).parsed
    assert (mine.slate_id, "strap" in app.ids(mine)) != ("", True)

    def trending() -> list[str]:
        return app.ids(app.ask("on_request.trending", categories=["straps", "strings"]).parsed)

    await eventually(lambda: trending()[:1] == ["strap"])
    assert app.ids(app.ask("on_request.popular", n=1).parsed)

    def near() -> dict[str, int]:
        found = app.ask("on_request.neighbours", "bob").parsed.neighbours
        return {each.user_id: each.common for each in found}

    await eventually(lambda: near().get("cid") == 2)


async def users(app: App) -> None:
    """A profile, and a user who is gone as soon as that was answered."""
    profile = app.models.UserContent.from_dict({"profile": {"城市": "上海", "age": "31"}})
    put = app.ask("users.put_user", "ann", body=profile)
    assert put.parsed.to_dict()["profile"] == {"城市": "上海", "age": "31"}
    assert app.ask("users.read_user", "ann", if_none_match=put.headers["ETag"]).status_code == 304
    deleted = app.ask("users.delete_user", "ann")
    assert (deleted.status_code, deleted.parsed.status.value) == (202, "accepted")
    refused(app.ask("users.read_user", "ann"), 404, "unknown_user")
    await eventually(lambda: app.feed("ann").rung == "popular")
    assert "ann" not in [each.user_id for each in app.ask("on_request.neighbours", "bob").parsed.neighbours]
