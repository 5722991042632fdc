"""Feeds with parameters: ranked now, as asked, in pages that stay as they are."""

from __future__ import annotations

from typing import Any

import pytest

from streams.events.schema import Impression, Item
from streams.experiments.registry.state import encode as encode_registry
from streams.ranking.slate import Reason as Why
from streams.ranking.slate import Slate, SlateItem, encode
from streams.stores.commit import digest_of
from tests.connected.events_on_kafka import eventually
from tests.streams.experiments.declarations import raw, running
from tests.streams.gateway.ranking.conftest import Opened, Site
from tests.streams.worker.conftest import NOW_MS, click, message

FEED = "/v1/users/u1/feed"


async def announce(site: Site, first: int = 0, **fields: Any) -> None:
    """Ten items with attributes, by the way of events."""
    for n in range(10):
        event = Item(
            event_id=f"i{first + n}", ts=NOW_MS, item_id=f"item-{12 + n}", title=f"item {n}",
            categories=["odd" if n % 2 else "even"], tags=["new"] if n < 4 else [], price=float(n),
            attributes={"colour": ["red", "blue"][n % 2], "size": "SML"[n % 3]}, **fields,
        )  # fmt: skip
        await site.desk.take(message(event, first + n))
    await eventually(lambda: site.ranker.live.recommender.catalog.facets is not None)  # type: ignore[union-attr]

    def seen(core: Any) -> bool:
        return bool(core.catalog.announced_ms[core.catalog.rows["item-21"]] >= 0)

    async def follows() -> bool:
        await site.desk.take()
        return await site.ranker.ask(seen)

    await eventually(follows)


async def feed(site: Site, **params: Any) -> dict[str, Any]:
    answer = await site.http.get(FEED, params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def names(body: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in body["items"]]


async def test_each_page_of_an_interleaved_slate_says_whose_its_places_are(site: Opened) -> None:
    fresh = {"stages": {"candidates": {"sources": ["fresh"]}}}
    drafted = raw({"plain": {}, "new": fresh}, design="interleaved", primary="preference")
    async with site() as here:
        await here.store.put_experiments(encode_registry(running(e=drafted)), digest_of(None), b"entry")
        await eventually(lambda: here.ranker.ask(lambda core: bool(core.arms.registry.experiments)))
        first = await feed(here, n=4, surface="shelf")
        await feed(here, n=5, cursor=first["cursor"])
        await eventually(lambda: len(here.sink.delivered) >= 2)
        kept = here.ranker.slates.get(first["slate_id"])
        assert kept is not None
        slate = kept.answer.slate
        assert slate.teams is not None
        shown = [each for each in here.sink.delivered if isinstance(each, Impression)]
        assert [each.teams for each in shown] == [slate.teams[:4], slate.teams[4:9]]
        assert {each.arm for each in shown} == {"e=plain+new"}


async def test_without_parameters_it_is_the_stored_feed_and_with_any_it_is_ranked_now(site: Opened) -> None:
    async with site() as here:
        item = SlateItem("stored", 1.0, "popular", Why("popular"))
        stored = Slate("5f", "u1", NOW_MS, [item], "m", "full")
        await here.store.put_feed("u1", encode(stored))
        plain = await feed(here, n=1)
        assert (plain["slate_id"], names(plain)) == ("5f", ["stored"])
        same = await here.http.post(FEED, json={"n": 1})
        assert same.json() == plain
        for asked in ({"surface": "home"}, {"exclude": "x"}, {"explain": "true"}, {"not_seen_for": 5}):
            now = await feed(here, n=1, **asked)
            assert now["slate_id"] != "5f"
            assert now["model"] == "first"


async def test_what_is_asked_for_is_what_is_shown(site: Opened) -> None:
    async with site() as here:
        await announce(here)
        every = names(await feed(here, n=20, surface="x"))
        assert not {f"item-{n}" for n in range(24) if n % 3 == 1} & set(every)  # what u1 has met
        assert set(every[:3]).isdisjoint(names(await feed(here, n=20, exclude=every[:3])))
        even = names(await feed(here, n=20, categories="even"))
        assert even
        assert {int(name[5:]) % 2 for name in even} == {0}
        red = names(await feed(here, n=20, attributes="colour:red and not size:S"))
        assert red
        assert all((int(name[5:]) - 12) % 2 == 0 and (int(name[5:]) - 12) % 3 for name in red)
        priced = names(await feed(here, n=20, price_from=2, price_to=5, tags="new"))
        assert priced
        assert {int(name[5:]) - 12 for name in priced} <= {2, 3}
        body = {"categories": ["even"], "n": 20}
        assert names((await here.http.post(FEED, json=body)).json()) == even


async def test_pages_are_of_one_slate_and_stay_as_they_are(site: Opened) -> None:
    async with site() as here:
        first = await feed(here, n=4, surface="home")
        whole, cursor = names(first), first["cursor"]
        assert cursor
        await here.desk.take(*(click(60 + n, "u9", "item-0") for n in range(9)))  # the counters go on
        shown = 4
        while cursor:
            page = await feed(here, n=5, cursor=cursor)
            assert page["slate_id"] == first["slate_id"]
            assert names(await feed(here, n=5, cursor=cursor, impression=False)) == names(page)
            whole += names(page)
            shown += len(page["items"])
            cursor = page["cursor"]
        assert len(set(whole)) == len(whole) == 16  # all that u1 has not met

        def logged() -> list[Impression]:
            return [each for each in here.sink.delivered if isinstance(each, Impression)]

        await eventually(lambda: sum([len(each.items) for each in logged()]) == shown)
        assert {(each.surface, each.slate_id) for each in logged()} == {("home", first["slate_id"])}


async def test_a_cursor_that_is_none_of_the_users_is_refused(site: Opened) -> None:
    async with site() as here:
        mine = (await feed(here, n=4, surface="home"))["cursor"]
        slate_id = mine.partition(".")[0]
        for cursor in (
            "x",
            "",
            f"{slate_id}.99",
            f"{slate_id}.0",
            f"{slate_id}.04",
            f"{'0' * 24}.4",
            mine + "0",
        ):
            answer = await here.http.post(FEED, json={"cursor": cursor or "."})
            assert answer.status_code == 400, cursor
            assert answer.json()["reason"] == "wrong_cursor"
        stolen = await here.http.get("/v1/users/u2/feed", params={"cursor": mine})
        assert stolen.status_code == 400
        assert "another user" in stolen.json()["came"]
        mixed = await here.http.get(FEED, params={"cursor": mine, "categories": "even"})
        assert mixed.status_code == 400


async def test_what_was_shown_of_late_is_not_shown_again(site: Opened) -> None:
    async with site() as here:
        first = await feed(here, n=3, surface="home", impression=False)
        seen = names(first)
        event = Impression(
            event_id="shown", ts=NOW_MS, user_id="u1", slate_id=first["slate_id"], items=seen, surface="home"
        )
        await here.desk.take(message(event, 0))
        again = names(await feed(here, n=16, not_seen_for=3_600))
        assert set(seen).isdisjoint(again)
        here.clock.advance(7_200_000)
        assert set(seen) <= set(names(await feed(here, n=16, not_seen_for=3_600)))


async def test_a_session_counts_and_so_does_context(site: Opened) -> None:
    async with site() as here:
        await here.desk.take(*(click(59 + n // 3, "s-1", f"item-{n}") for n in (3, 6, 9)))
        alone = await here.http.get("/v1/users/fresh/feed", params={"n": 20, "surface": "x"})
        joined = await here.http.get("/v1/users/fresh/feed", params={"n": 20, "session": "s-1"})
        assert {"item-3", "item-6", "item-9"} <= set(names(alone.json()))
        assert {"item-3", "item-6", "item-9"}.isdisjoint(names(joined.json()))
        reasons = {item["reason"]["item_id"] for item in joined.json()["items"]}
        assert reasons & {"item-3", "item-6", "item-9"}
        answer = await here.http.get(FEED, params={"context": "device:phone"})
        assert answer.status_code == 200


async def test_contributions_sum_to_the_score(site: Opened) -> None:
    async with site() as here:
        body = await feed(here, n=8, explain="true")
        for item in body["items"]:
            assert round(sum(part["value"] for part in item["contributions"]), 6) == item["score"]
        assert (await feed(here, n=1, surface="x"))["items"][0]["contributions"] is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("colour=red", "unknown_parameter"),
        ("n=1&n=2", "repeated_parameter"),
        ("surface=a&surface=b", "repeated_parameter"),
        ("n=201&surface=x", "out_of_range"),
        ("n=0&surface=x", "out_of_range"),
        ("price_from=-1", "bad_request"),
        ("price_from=nan", "bad_request"),
        ("price_from=3&price_to=2", "bad_request"),
        ("attributes=colour", "wrong_expression"),
        ("context=device", "bad_request"),
        ("not_seen_for=-1", "bad_request"),
        ("exclude=", "bad_request"),
        ("surface=" + "x" * 300, "bad_request"),
    ],
)
async def test_what_cant_be_asked_is_refused(site: Opened, query: str, reason: str) -> None:
    async with site() as here:
        answer = await here.http.get(f"{FEED}?{query}")
        problem = answer.json()
        assert (answer.status_code, problem["reason"]) in {(400, reason), (422, reason)}, problem
        assert problem["expected"]
        assert problem["remedy"]


async def test_any_id_is_a_user(site: Opened) -> None:
    async with site() as here:
        for user in ("a b", "ü", "%2e", "🦉" * 60, "'; DROP", "x" * 128):
            answer = await here.http.post(f"/v1/users/{_quoted(user)}/feed", json={"surface": "x", "n": 2})
            assert answer.status_code == 200
            assert answer.json()["user_id"] == user
        too_long = await here.http.post(f"/v1/users/{'x' * 129}/feed", json={"surface": "x"})
        assert too_long.status_code == 400


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


HERE = {"host": "127.0.0.1:8080"}


async def compared(here: Site) -> None:
    """Two arms of an experiment run, that rank by other sources."""
    arms = {"all": {}, "new": {"stages": {"candidates": {"sources": ["fresh"]}}}}
    await here.store.put_experiments(encode_registry(running(e=raw(arms))), digest_of(None), b"entry")
    await eventually(lambda: here.ranker.ask(lambda core: bool(core.arms.registry.experiments)))


async def test_a_preview_is_what_an_arm_would_show_and_counts_as_shown_for_nobody(site: Opened) -> None:
    async with site() as here:
        await compared(here)
        found = {}
        for arm in ("e=all", "e=new"):
            answer = await here.http.post(FEED, json={"n": 4, "arm": arm}, headers=HERE)
            assert answer.status_code == 200, answer.text
            found[arm] = answer.json()
            assert found[arm]["arm"] == arm
        assert {item["source"] for item in found["e=new"]["items"]} == {"fresh"}
        assert {item["source"] for item in found["e=all"]["items"]} != {"fresh"}
        by_query = await here.http.get(FEED, params={"n": 4, "arm": "e=new"}, headers=HERE)
        assert names(by_query.json()) == names(found["e=new"])
        why = await here.http.get(f"/v1/slates/{found['e=all']['slate_id']}/explanation?history=0")
        assert [each["item_id"] for each in why.json()["items"]][:4] == names(found["e=all"])
        further = {"cursor": found["e=all"]["cursor"], "impression": True}
        assert (await here.http.post(FEED, json=further, headers=HERE)).status_code == 200
        own = (await here.http.post(FEED, json={"n": 2, "surface": "own"}, headers=HERE)).json()
        await eventually(lambda: bool(here.sink.delivered))
        shown = [each for each in here.sink.delivered if isinstance(each, Impression)]
        assert [each.slate_id for each in shown] == [own["slate_id"]]  # the previews left none before it


async def test_an_arm_is_for_operators_and_must_be_one(site: Opened) -> None:
    async with site() as here:
        await compared(here)
        from_afar = await here.http.post(FEED, json={"arm": "e=new"}, headers={"host": "shop.example"})
        assert (from_afar.status_code, from_afar.json()["reason"]) == (403, "not_loopback")
        from_afar = await here.http.get(FEED, params={"arm": "e=new"}, headers={"host": "shop.example"})
        assert from_afar.status_code == 403
        for arm in ("e=old", "f=new", "nonsense"):
            wrong = await here.http.post(FEED, json={"arm": arm}, headers=HERE)
            assert (wrong.status_code, wrong.json()["reason"]) == (422, "unknown_arm")
            assert arm in wrong.json()["came"]
        page = await here.http.post(FEED, json={"arm": "e=new", "cursor": "x"}, headers=HERE)
        assert page.status_code == 400
