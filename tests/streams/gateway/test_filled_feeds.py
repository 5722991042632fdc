"""GET /v1/users/{id}/feed where the stored slate is short, or holds what can't be had any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
import numpy as np
import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from model.actions import ACTIONS, ActionName
from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.ranking.slate import PopularFeed, Reason, Slate, SlateItem, encode
from streams.settings.ranking import FeedSettings
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.consumed import Consumed
from streams.state.user_state import UserState
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.core import with_settings
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.test_feeds import impressions

Client = TestClient[Gateway]

POPULAR_AT_MS = NOW_MS - 700
CLICK, BUY = ACTIONS.index("click"), ACTIONS.index("purchase")


class Shop:
    """A store as workers leave it: the popular items p0, p1, ... stand in the rows 100, 101, ..."""

    def __init__(self, client: Client, store: MemoryStore) -> None:
        self.client, self.store = client, store

    def put(
        self,
        states: Mapping[str, bytes] = {},
        feeds: Mapping[str, bytes] = {},
        items: Mapping[str, bytes] = {},
        withdrawn: Mapping[str, bool] = {},
    ) -> None:
        commit = Commit({}, {}, states, feeds, items, withdrawn=withdrawn)
        with self.client.portal() as portal:
            portal.call(partial(self.store.commit, commit, "worker"))

    def popular(self, count: int, rows: Sequence[int] | None = None) -> None:
        items = [SlateItem(f"p{k}", -float(k), "popular", Reason("popular")) for k in range(count)]
        numbers = [100 + k for k in range(count)] if rows is None else list(rows)
        feed = PopularFeed("popular-1", "", POPULAR_AT_MS, items, "", "popular", rows=numbers)
        self.put(feeds={"": encode(feed)})

    def own(self, user: str, *items: str, met: Mapping[int, Sequence[int]] = {}) -> None:
        """The user's slate, and the rows that the user met by the codes of actions."""
        places = [SlateItem(item, 1.0, "together", Reason("with", "i0")) for item in items]
        slate = Slate("s1", user, NOW_MS - 5, places, "m1", "full", "a", "e9", {"event": 1.0})
        groups = tuple((code, np.array(rows, np.int32)) for code, rows in met.items())
        state = UserState(consumed=Consumed(groups))
        self.put(feeds={user: encode(slate)}, states={user: user_state_codec.encode(state)})

    def withdraw(self, *items: str, back: bool = False) -> None:
        self.put(items=dict.fromkeys(items, b"record"), withdrawn=dict.fromkeys(items, not back))

    def feed(self, user: str, n: int = 5, preview: bool = False) -> dict[str, object]:
        params = {"n": str(n), "impression": str(not preview).lower()}
        answer: dict[str, object] = self.client.get(f"/v1/users/{user}/feed", params=params).json()
        return answer

    def places(self, user: str, n: int = 5) -> list[tuple[str, str]]:
        """Item and feed of each place."""
        items = self.feed(user, n, preview=True)["items"]
        assert isinstance(items, list)
        return [(item["item_id"], item["feed"]) for item in items]

    def ids(self, user: str, n: int = 5) -> list[str]:
        return [item for item, _ in self.places(user, n)]


@pytest.fixture
def shop(client: Client, store: MemoryStore) -> Shop:
    return Shop(client, store)


# Filled up


def test_an_empty_slate_is_answered_with_what_is_popular_and_not_met(shop: Shop, sink: RecordingSink) -> None:
    shop.own("u", met={CLICK: [101], BUY: [102]})
    shop.popular(8)
    answer = shop.feed("u")
    assert shop.places("u") == [(f"p{k}", "popular") for k in (0, 3, 4, 5, 6)]
    assert (answer["rung"], answer["model"], answer["ts"]) == ("popular", "", POPULAR_AT_MS)
    assert (answer["cause"], answer["times"], answer["user_id"]) == ("e9", {"event": 1.0}, "u")
    (shown,) = impressions(sink, 1)
    assert (shown.slate_id, shown.items) == (answer["slate_id"], ["p0", "p3", "p4", "p5", "p6"])


def test_a_short_slate_is_filled_up_and_each_place_says_from_where(shop: Shop, sink: RecordingSink) -> None:
    shop.own("u", "a", "p1", met={CLICK: [103]})
    shop.popular(8)
    answer = shop.feed("u")
    assert shop.places("u") == [
        ("a", "own"),
        ("p1", "own"),
        ("p0", "popular"),
        ("p2", "popular"),
        ("p4", "popular"),
    ]
    assert (answer["rung"], answer["model"], answer["arm"], answer["ts"]) == ("full", "m1", "a", NOW_MS - 5)
    (shown,) = impressions(sink, 1)
    assert shown.items == ["a", "p1", "p0", "p2", "p4"]
    assert shown.slate_id == answer["slate_id"]


def test_the_id_names_what_was_shown(shop: Shop) -> None:
    """The worker's own where the slate is shown as it was made; another for other items; one for the same."""
    shop.own("u", "a", "b")
    shop.popular(3)
    made = shop.feed("u", n=2)["slate_id"]
    filled = shop.feed("u", n=4)["slate_id"]
    assert (made, shop.feed("u", n=1)["slate_id"]) == ("s1", "s1")
    assert filled not in ("s1", "popular-1", shop.feed("u", n=3)["slate_id"])
    assert shop.feed("u", n=4)["slate_id"] == filled
    shop.withdraw("a")
    assert shop.feed("u", n=1)["slate_id"] not in ("s1", filled)


def test_a_slate_that_suffices_is_not_filled(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.own("u", "a", "b", "c")
    shop.popular(3)
    read: list[Sequence[str]] = []
    real = shop.store.read_feeds

    async def counted(users: Sequence[str], states: Sequence[str] = ()) -> object:
        read.append(users)
        return await real(users, states)

    monkeypatch.setattr(shop.store, "read_feeds", counted)
    assert shop.places("u", n=3) == [("a", "own"), ("b", "own"), ("c", "own")]
    assert read == [["u"]]
    assert shop.ids("u", n=4) == ["a", "b", "c", "p0"]
    assert read[1:] == [["u"], [""]]


def test_who_has_met_everything_gets_a_shorter_feed_and_then_none(shop: Shop, sink: RecordingSink) -> None:
    shop.own("u", "a", met={CLICK: [100, 102]})
    shop.popular(3)
    assert shop.ids("u") == ["a", "p1"]
    shop.own("v", met={CLICK: [100, 101, 102]})
    answer = shop.feed("v")
    assert (answer["items"], answer["rung"], answer["cause"]) == ([], "empty", "e9")
    assert impressions(sink, 0) == []


def test_before_anything_is_popular_the_own_slate_stands_alone(shop: Shop) -> None:
    shop.own("u", "a")
    assert shop.places("u") == [("a", "own")]
    shop.own("v")
    assert (shop.feed("v")["items"], shop.feed("v")["rung"]) == ([], "empty")


def test_a_user_with_a_state_and_no_slate_gets_nothing_they_have_met(shop: Shop) -> None:
    state = UserState(consumed=Consumed(((CLICK, np.array([100, 102], np.int32)),)))
    shop.put(states={"u": user_state_codec.encode(state)})
    shop.popular(4)
    assert shop.places("u") == [("p1", "popular"), ("p3", "popular")]


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (False, ["p2"]),
        (("click",), ["p0", "p2"]),
        (("purchase",), ["p1", "p2"]),
        (True, ["p0", "p1", "p2"]),
    ],
)
def test_what_may_repeat_fills_up_too(
    repeat: bool | tuple[ActionName, ...], expected: list[str], store: MemoryStore, sink: RecordingSink
) -> None:
    settings: Settings = with_settings(feed=FeedSettings(repeat=repeat))
    with TestClient(create_app(settings, store, sink, ManualClock(NOW_MS))) as client:
        shop = Shop(client, store)
        shop.own("u", met={CLICK: [100], BUY: [101]})
        shop.popular(3)
        assert shop.ids("u") == expected


def test_a_state_that_cannot_be_read_fills_nothing_in(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Rather a shorter feed than one of items that the user has bought already."""
    shop.own("u", "a")
    shop.put(states={"u": b"\xff of a newer build"})
    shop.popular(3)
    with caplog.at_level(logging.WARNING):
        assert shop.ids("u") == ["a"]
    assert "not filled up" in caplog.text


def test_a_popular_feed_without_rows_fills_up_who_has_met_nothing(shop: Shop) -> None:
    """As workers of an older build write it."""
    shop.popular(3, rows=[])
    shop.own("u", "a", met={CLICK: [7]})
    assert shop.ids("u") == ["a"]
    shop.own("v", "a")
    assert shop.ids("v") == ["a", "p0", "p1", "p2"]
    assert shop.ids("stranger") == ["p0", "p1", "p2"]


def test_a_popular_feed_that_cannot_be_read_is_as_none(shop: Shop) -> None:
    shop.own("u", "a")
    shop.put(feeds={"": b"\xc1 not a feed"})
    assert shop.ids("u") == ["a"]
    assert shop.feed("stranger")["rung"] == "empty"
    shop.popular(1)
    assert shop.ids("u") == ["a", "p0"]


# Withdrawn


def test_a_withdrawn_item_is_in_no_feed_until_it_is_back(shop: Shop, sink: RecordingSink) -> None:
    shop.own("u", "a", "b", "c", "d", "e", "f", "g")
    shop.popular(8)
    assert shop.ids("u") == ["a", "b", "c", "d", "e"]
    shop.withdraw("b", "p0")
    assert shop.ids("u") == ["a", "c", "d", "e", "f"]
    assert shop.ids("stranger") == ["p1", "p2", "p3", "p4", "p5"]
    shop.withdraw("c", "d", "e", "p2")
    assert shop.places("u") == [
        ("a", "own"),
        ("f", "own"),
        ("g", "own"),
        ("p1", "popular"),
        ("p3", "popular"),
    ]
    answer = shop.feed("u")
    (shown,) = impressions(sink, 1)
    assert (shown.slate_id, shown.items) == (answer["slate_id"], ["a", "f", "g", "p1", "p3"])
    shop.withdraw("b", "c", back=True)
    assert shop.ids("u") == ["a", "b", "c", "f", "g"]


def test_an_item_withdrawn_between_two_reads_of_one_answer_is_left_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.own("u", "a", "b")
    shop.popular(4)
    real = shop.store.read_feeds

    async def late(users: Sequence[str], states: Sequence[str] = ()) -> object:
        if "" in users:
            put = Commit({}, {}, {}, {}, {"a": b"r", "p0": b"r"}, withdrawn={"a": True, "p0": True})
            await shop.store.commit(put, "worker")
        return await real(users, states)

    monkeypatch.setattr(shop.store, "read_feeds", late)
    assert shop.ids("u") == ["b", "p1", "p2", "p3"]


def test_a_store_that_was_emptied_lists_other_items(shop: Shop) -> None:
    shop.own("u", "a", "b")
    shop.withdraw("a")
    assert shop.ids("u", n=1) == ["b"]
    shop.store.__init__()  # type: ignore[misc]  # as a restart without persistence
    shop.own("u", "a", "b")
    assert shop.ids("u", n=2) == ["a", "b"]
    shop.withdraw("b")
    assert shop.ids("u", n=2) == ["a"]


def test_places_are_counted_by_where_they_came_from(shop: Shop, registry: CollectorRegistry) -> None:
    shop.own("u", "a", "b", "c")
    shop.popular(9)
    shop.withdraw("b")
    shop.feed("u", n=6)
    shop.feed("stranger", n=3)
    places = {
        feed: registry.get_sample_value("headrace_gateway_places_total", {"feed": feed})
        for feed in ("own", "popular")
    }
    assert places == {"own": 2, "popular": 4 + 3}
    assert registry.get_sample_value("headrace_gateway_withdrawn_places_total") == 1


def test_the_schema_says_where_a_place_came_from(client: Client) -> None:
    schemas = client.get("/schema").json()["components"]["schemas"]
    (item,) = [schema for name, schema in schemas.items() if name.endswith("RankedItem")]
    assert sorted(item["properties"]["feed"]["enum"]) == ["own", "popular"]


def test_feeds_of_builds_before_have_all_that_is_needed() -> None:
    """A slate as it is in the store; the popular feed is one too, for a gateway of an older build."""
    feed = PopularFeed(
        "s", "", 1, [SlateItem("i", 0.5, "popular", Reason("popular"))], "", "popular", rows=[3]
    )
    assert msgspec.msgpack.decode(encode(feed), type=Slate).items == feed.items
