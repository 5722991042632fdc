"""The plain routes for rankings and searches give the same bytes as the described ones."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any

import msgspec
import pytest

from streams.events.schema import AnyEvent, Impression
from streams.gateway.plain_ranking import PATHS, search_asked
from tests.connected.events_on_kafka import eventually
from tests.streams.gateway.asgi_requests import HOST, Asked, Headers, Sent, ask
from tests.streams.gateway.ranking.conftest import Site
from tests.streams.gateway.searching.conftest import Stocked

JSON = (b"content-type", b"application/json")
GZIP = (b"accept-encoding", b"gzip")
SHOP = [f"shop-{n}" for n in range(12)]


def ranking(body: object, *headers: tuple[bytes, bytes], raw: bytes | None = None) -> Asked:
    sent = json.dumps(body).encode() if raw is None else raw
    given: Headers = (HOST, JSON, (b"content-length", b"%d" % len(sent)), *headers)
    return Asked("POST", b"/v1/rank", given, (sent,))


def search(query: bytes, *headers: tuple[bytes, bytes]) -> Asked:
    return Asked("GET", b"/v1/search?" + query if query else b"/v1/search", (HOST, *headers))


def told(site: Site) -> list[AnyEvent]:
    """What was logged; an impression has an id that nobody can foresee."""
    events = [
        msgspec.structs.replace(event, event_id="") if isinstance(event, Impression) else event
        for event in site.sink.delivered
    ]
    site.sink.delivered.clear()
    return events


RANKINGS = [
    ranking({"user_id": "u1", "items": SHOP}),
    ranking({"user_id": "u1", "items": SHOP, "n": 3, "explain": True, "surface": "shelf"}),
    ranking({"session": "nobody", "items": [*SHOP, "unknown"], "impression": False}),
    ranking({"user_id": "u1", "items": SHOP * 9, "explain": True}, GZIP),  # the answer is compressed
    ranking({"user_id": "u1", "items": [{"item_id": "new", "title": "A red shoe", "boost": 1.5}, "shop-1"]}),
    ranking({"user_id": "u1", "items": []}),
    ranking({"items": SHOP}),
    ranking({"user_id": "u1", "items": SHOP, "more": 1}),
    ranking({"user_id": "u1", "items": [f"i{n}" for n in range(2_000)]}),
    ranking(None, raw=b"{"),
    ranking(None, raw=b"\xff\xfe"),
    ranking({"user_id": "u1", "items": ["i" * 2_000_000]}),
]
SEARCHES = [
    search(b"q=shoe"),
    search(b"q=red+shoe&user_id=u1&n=3"),
    search(b"q=%E8%BF%90%E5%8A%A8%E9%9E%8B&n=2&impression=false&explain=true"),
    search(b"q=shoe&session=s&personal=false", GZIP),
    search(b""),
    search(b"user_id=u1&session=u2"),
    search(b"q=shoe&n=0"),
    search(b"q=shoe&n=101"),
    search(b"q=shoe&q=boot"),
    search(b"q=shoe&colour=red"),
    search(b"q=shoe&impression=1"),
    search(b"q=shoe&price_to=50"),
    search(b"q=%ff"),
    search(b"q="),
]


async def both(site: Site, asked: Asked) -> tuple[Sent, Sent]:
    """Both answers, once it is known that both ways have logged the same."""
    answers, logged = [], []
    for app in (site.app, site.app.described):
        numbers = itertools.count(1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(uuid, "uuid4", lambda numbers=numbers: uuid.UUID(int=next(numbers)))
            answers.append(await ask(app, asked))

        def none_wait() -> bool:
            return not site.app._metrics.registry.get_sample_value("headrace_gateway_impressions_waiting")

        await eventually(none_wait)
        logged.append(told(site))
    assert logged[0] == logged[1], asked
    return answers[0], answers[1]


async def test_both_ways_give_the_same_bytes(stocked: Stocked) -> None:
    async with stocked() as here:
        statuses = []
        for asked in (*RANKINGS, *SEARCHES):
            plain, described = await both(here, asked)
            assert plain == described, asked
            statuses.append(plain.status)
    assert statuses[:5] == [200] * 5
    assert statuses[5:12] == [422, 422, 422, 422, 400, 400, 413]
    assert statuses[12:17] == [200] * 5
    assert set(statuses[17:22]) <= {400, 422}


@pytest.mark.parametrize("asked", [RANKINGS[0], SEARCHES[1]], ids=["ranking", "search"])
async def test_what_is_written_the_usual_way_does_without_the_framework(
    stocked: Stocked, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def framework(*_: Any) -> None:
        raise AssertionError("asked the framework")

    async with stocked() as here:
        monkeypatch.setattr(here.app, "described", framework)
        assert (await ask(here.app, asked)).status == 200
        counted = here.app._metrics.registry.get_sample_value(
            "headrace_gateway_requests_total", {"route": asked.scope["path"], "status": "200"}
        )
        assert counted == 1.0
    assert asked.scope["path"] in PATHS


def test_what_a_search_asks_is_read_as_it_is_written() -> None:
    asked = search_asked(b"q=a%20b+%E9%9E%8B&user_id=u%2B1&n=7&explain=true&personal=false")
    assert asked is not None
    assert (asked.q, asked.user_id, asked.n, asked.explain, asked.personal) == (
        "a b 鞋",
        "u+1",
        7,
        True,
        False,
    )
    assert search_asked(b"q=" + b"a" * 20_000) is None
    assert search_asked("q=é".encode()) is None
