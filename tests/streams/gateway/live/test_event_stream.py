"""GET /v1/users/{id}/live over real sockets: what is sent, when, and what is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from urllib.parse import quote

import httpx
import pytest
from httpx_sse import aconnect_sse

from streams.settings.live import LiveSettings
from tests.streams.gateway.live.serving import PATIENCE_S, served

QUICK = LiveSettings(ping_every_s=0.2)


async def test_the_present_feed_then_each_new_one() -> None:
    async with served() as here:
        await here.push(slate_id="s0")
        stream = await here.connect(query="?n=3")
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in stream.headers
        (first,) = await stream.next(1)
        assert (first.name, first.last_event_id) == ("feed", "s0")
        assert stream.events.retry_ms == 2_000
        for number in range(1, 4):
            await here.push(slate_id=f"s{number}")
            (event,) = await stream.next(1)
            assert event.last_event_id == f"s{number}" == json.loads(event.data)["slate_id"]


async def test_the_data_are_the_bytes_of_the_feed_route() -> None:
    async with served() as here, httpx.AsyncClient(base_url=f"http://localhost:{here.port}") as client:
        await here.push(slate_id="s0", count=7)
        await here.popular()
        await here.withdraw("i2", "i30")
        for query in ("", "?n=1", "?n=6", "?n=20"):
            stream = await here.connect(query=query)
            (event,) = await stream.next(1)
            assert event.data == (await client.get(f"/v1/users/u/feed{query}")).text
            stream.close()


async def test_compression_is_not_even_done_where_it_is_asked_for() -> None:
    async with served(compress_from_bytes=1) as here:
        await here.push()
        stream = await here.connect(headers={"Accept-Encoding": "gzip, zstd, br"})
        assert "content-encoding" not in stream.headers
        assert await stream.feeds(1)


async def test_another_client_reads_the_same() -> None:
    async with served(QUICK) as here, httpx.AsyncClient() as client:
        await here.push(slate_id="s0")
        address = f"http://localhost:{here.port}/v1/users/u/live"
        async with aconnect_sse(client, "GET", address) as source, asyncio.timeout(60):
            seen = []
            async for event in source.aiter_sse():
                seen.append((event.event, event.id, event.json()["slate_id"], event.retry))
                if len(seen) == 3:
                    break
                await asyncio.sleep(0.3)  # pings come in between
                await here.push(slate_id=f"s{len(seen)}")
    assert seen == [("feed", "s0", "s0", 2_000), ("feed", "s1", "s1", None), ("feed", "s2", "s2", None)]


@pytest.mark.parametrize("by_header", [True, False])
async def test_who_comes_back_gets_only_what_is_new(by_header: bool) -> None:
    async with served(QUICK) as here:
        await here.push(slate_id="s1")
        for known, expected in (("s1", []), ("s0", ["s1"]), ("ü no such", ["s1"]), ("", ["s1"])):
            stream = await here.connect(
                query="" if by_header else f"?last_event_id={quote(known)}",
                headers={"Last-Event-ID": known} if by_header else {},
            )
            await stream.comments(1)  # by now what is to be sent has been
            assert [event.last_event_id for event in stream.heard] == expected
            await here.push(slate_id="s2")
            assert (await stream.next(len(expected) + 1))[-1].last_event_id == "s2"
            await here.push(slate_id="s1")
            await stream.next(1)
            stream.close()


async def test_the_header_goes_before_the_parameter() -> None:
    """A browser that reconnects asks under the old address, and with the header."""
    async with served(QUICK) as here:
        await here.push(slate_id="s1")
        stream = await here.connect(query="?last_event_id=s0", headers={"Last-Event-ID": "s1"})
        await stream.comments(1)
        assert stream.heard == []


async def test_who_has_no_feed_yet_follows_the_popular_one_and_then_their_own() -> None:
    async with served(QUICK) as here:
        await here.popular()
        stream = await here.connect()
        (event,) = await stream.next(1)
        assert event.last_event_id == "-"
        assert {item["feed"] for item in json.loads(event.data)["items"]} == {"popular"}
        back = await here.connect(headers={"Last-Event-ID": "-"})
        await back.comments(1)
        assert back.heard == [], "another popular feed is no news"
        await here.push(slate_id="mine")
        for each in (stream, back):
            assert [event.last_event_id for event in await each.next(1)] == ["mine"]
            each.close()


async def test_where_there_is_nothing_to_show_that_is_said_and_forgotten() -> None:
    async with served() as here:
        stream = await here.connect()
        (event,) = await stream.next(1)
        assert (event.last_event_id, json.loads(event.data)["rung"]) == ("", "empty")
        await here.push(slate_id="s1")
        assert (await stream.next(1))[0].last_event_id == "s1"


async def test_withdrawn_items_are_in_no_pushed_feed_and_make_another_revision() -> None:
    async with served(QUICK) as here:
        await here.push(slate_id="s1")
        await here.withdraw("i1")
        stream = await here.connect(query="?n=3", headers={"Last-Event-ID": "s1"})
        (event,) = await stream.next(1)
        assert [item["item_id"] for item in json.loads(event.data)["items"]] == ["i0", "i2", "i3"]
        assert event.last_event_id != "s1"
        again = await here.connect(query="?n=3", headers={"Last-Event-ID": event.last_event_id})
        await again.comments(1)
        assert again.heard == []
        await here.withdraw("i0")
        await here.push(slate_id="s2")
        (feed,) = await again.feeds(1)
        assert [item["item_id"] for item in feed["items"]] == ["i2", "i3", "i4"]


async def test_a_feed_is_read_once_however_many_follow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as here:
        await here.push(slate_id="s0")
        streams = [await here.connect() for _ in range(8)]
        for stream in streams:
            await stream.next(1)
        reads = 0
        real = here.store.read_feeds

        async def read_feeds(users: Sequence[str], states: Sequence[str] = ()) -> object:
            nonlocal reads
            reads += users.count("u")
            return await real(users, states)

        monkeypatch.setattr(here.store, "read_feeds", read_feeds)
        await here.push(slate_id="s1")
        assert [(await stream.next(1))[0].last_event_id for stream in streams] == ["s1"] * 8
        assert reads == 1


async def test_followers_of_different_lengths_and_users() -> None:
    async with served() as here:
        two, five = await here.connect(query="?n=2"), await here.connect(query="?n=5")
        other = await here.connect("%C3%BC%201")
        for stream in (two, five, other):
            await stream.next(1)
        await here.push("ü 1", "o1")
        await here.push("u", "s1")
        assert (await other.feeds(1))[0]["user_id"] == "ü 1"
        assert [len((await stream.feeds(1))[0]["items"]) for stream in (two, five)] == [2, 5]
        assert other.heard == []


async def test_a_quiet_connection_gets_pings() -> None:
    async with served(QUICK) as here:
        stream = await here.connect()
        await stream.comments(3)
        assert set(stream.events.comments) == {"ping"}


async def test_a_connection_ends_after_its_longest_time_and_says_when_to_come_back() -> None:
    async with served(LiveSettings(longest_s=0.3, retry_ms=100)) as here:
        await here.push()
        stream = await here.connect()
        await stream.until_closed()
        assert stream.ended
        assert 50 <= (stream.events.retry_ms or 0) <= 150
        assert here.value("live_closed_total", cause="aged") == 1
        await here.eventually(lambda: here.open() == 0)


async def test_the_end_of_the_gateway_ends_all_connections_at_once() -> None:
    """And not once the gateway may wait no longer: a connection that goes on is waited for in vain, here."""
    async with served(drain_deadline_s=2 * PATIENCE_S) as here:
        streams = [await here.connect(f"u{number}") for number in range(20)]
        here.server.should_exit = True
        for stream in streams:
            await stream.until_closed()
            assert stream.ended, "the answer comes to its end: it is not cut off"
        assert here.value("live_closed_total", cause="shutdown") == 20
    assert here.open() == 0


# Impressions


async def test_what_is_pushed_is_no_impression_unless_that_is_asked_for() -> None:
    async with served() as here:
        await here.push(slate_id="s0")
        quiet, counted = await here.connect(), await here.connect(query="?n=2&impression=true")
        for stream in (quiet, counted):
            await stream.next(1)
        await here.push(slate_id="s1")
        for stream in (quiet, counted):
            await stream.next(1)
            stream.close()
        await here.eventually(lambda: len(here.impressions()) == 2)
        assert [(each.slate_id, each.items) for each in here.impressions()] == [
            ("s0", ["i0", "i1"]),
            ("s1", ["i0", "i1"]),
        ]


async def test_a_feed_that_the_client_has_is_no_impression() -> None:
    async with served(QUICK) as here:
        await here.push(slate_id="s1")
        stream = await here.connect(query="?impression=true", headers={"Last-Event-ID": "s1"})
        await stream.comments(1)
        await here.push(slate_id="s2")
        await stream.next(1)
        await here.eventually(lambda: len(here.impressions()) == 1)
        stream.close()
    assert [each.slate_id for each in here.impressions()] == ["s2"]


# Deleted users


async def test_a_deleted_user_has_no_feed_any_more() -> None:
    async with served() as here:
        await here.push(slate_id="s1")
        stream = await here.connect()
        assert (await stream.next(1))[0].last_event_id == "s1"
        await here.delete()
        (event,) = await stream.next(1)
        assert (event.last_event_id, json.loads(event.data)["items"]) == ("", [])
        await here.push(slate_id="s2")
        assert (await stream.next(1))[0].last_event_id == "s2", "they have come again"
        await here.popular()
        await here.delete()
        (event,) = await stream.next(1)
        assert event.last_event_id == "-"
        assert {item["feed"] for item in json.loads(event.data)["items"]} == {"popular"}


async def test_what_comes_in_place_of_a_deleted_feed_is_no_impression() -> None:
    async with served() as here:
        await here.popular()
        await here.push(slate_id="s1")
        stream = await here.connect(query="?n=2&impression=true")
        back = await here.connect(query="?n=2&impression=true", headers={"Last-Event-ID": "s1"})
        await stream.next(1)
        await here.delete()
        for each in (stream, back):
            assert (await each.next(1))[0].last_event_id == "-"
        await here.push(slate_id="s2")
        for each in (stream, back):
            await each.next(1)
        await here.eventually(lambda: len(here.impressions()) == 3)
    assert [each.slate_id for each in here.impressions()] == ["s1", "s2", "s2"]


# Refusals


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("?n=0", "out_of_range"), ("?n=21", "out_of_range"), ("?n=01", "out_of_range"),
        ("?n=", "out_of_range"), ("?n=5&n=5", "repeated_parameter"),
        ("?impression=1", "out_of_range"), ("?m=5", "unknown_parameter"),
        ("?last_event_id=a&last_event_id=b", "repeated_parameter"),
    ],
)  # fmt: skip
async def test_wrong_parameters_are_refused_as_problems(query: str, reason: str) -> None:
    async with served() as here:
        stream = await here.connect(query=query)
        told = await stream.body()
        assert (stream.status, stream.headers["content-type"]) == (400, "application/problem+json")
        assert (told["status"], told["reason"]) == (400, reason)


async def test_ids_that_no_user_has_are_refused() -> None:
    async with served() as here:
        long = await here.connect("x" * 129)
        assert (long.status, (await long.body())["reason"]) == (400, "out_of_range")
        none = await here.connect("")
        assert (none.status, (await none.body())["reason"]) == (400, "empty_step")


async def test_a_user_has_so_many_connections_and_all_have_so_many() -> None:
    async with served(LiveSettings(connections_max=3, per_user_max=2)) as here:
        mine = [await here.connect(), await here.connect()]
        third = await here.connect()
        assert (third.status, (await third.body())["reason"]) == (429, "too_many_connections")
        assert third.headers["retry-after"] == "1"
        await here.connect("v")
        busy = await here.connect("w")
        assert (busy.status, (await busy.body())["reason"]) == (503, "busy")
        assert busy.headers["retry-after"] == "1"
        mine[0].close()
        await here.eventually(lambda: here.open() == 2)
        again = await here.connect("w")
        assert again.status == 200


async def test_where_the_store_is_away_at_first_that_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(timeout_ms=1_000) as here:

        async def read_feeds(*_: object) -> None:
            await asyncio.sleep(10)

        with monkeypatch.context() as patched:
            patched.setattr(here.store, "read_feeds", read_feeds)
            stream = await here.connect()
            assert (stream.status, (await stream.body())["reason"]) == (503, "store_unavailable")
            stream.close()
        assert here.open() == 0
        assert (await here.connect()).status == 200


async def test_a_feed_that_could_not_be_read_is_pushed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as here:
        await here.push(slate_id="s0")
        stream = await here.connect()
        await stream.next(1)
        with monkeypatch.context() as patched:
            failed = asyncio.Event()

            async def read_feeds(*_: object) -> None:
                failed.set()
                raise OSError("the wire was cut")

            patched.setattr(here.store, "read_feeds", read_feeds)
            await here.push(slate_id="s1")
            await failed.wait()
        assert (await stream.next(1))[0].last_event_id == "s1"


async def test_pages_of_other_sites_follow_nobody() -> None:
    async with served() as here:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            stream = await here.connect(headers=headers)
            assert (stream.status, (await stream.body())["reason"]) == (403, "cross_site")
            stream.close()
        near = await here.connect(headers={"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"})
        assert near.status == 200
