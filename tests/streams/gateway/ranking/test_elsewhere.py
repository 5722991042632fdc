"""Rankers in processes of their own: a gateway hands on what it can't answer, to one that can."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from model.errors import RankerBusyError
from streams.clock import ManualClock
from streams.events.schema import Impression
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.gateway.serve import listen
from streams.ranking.slate import Reason, Slate, SlateItem, encode
from streams.serving.ranker import Ranker, open_ranker
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.connected.events_on_kafka import eventually
from tests.listening import nobody_listens
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.worker.conftest import NOW_MS, Desk, click

ROOT = Path(__file__).parents[4]
RANK = {"user_id": "u1", "items": ["item-3", "item-1", "nowhere"], "n": 2}
START = """
import sys
import streams.gateway.app, streams.gateway.serve
print([name for name in ("aiohttp", "streams.gateway.ranking.elsewhere") if name in sys.modules])
"""


@asynccontextmanager
async def listening(app: Gateway) -> AsyncIterator[str]:
    """The app behind a real server; its address."""
    config = uvicorn.Config(app, http="httptools", lifespan="on", log_config=None, server_header=False)
    server = uvicorn.Server(config)
    with listen(override(Settings(), {"gateway": {"port": 0}}).gateway) as listener:
        serving = asyncio.create_task(server._serve([listener]))  # without its signal handlers
        host, port = listener.getsockname()[:2]
        while not server.started:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)
        try:
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            await serving


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens."""
    with nobody_listens() as port:
        yield f"http://127.0.0.1:{port}"


Handed = Callable[..., AbstractAsyncContextManager[tuple[httpx.AsyncClient, list[Ranker], RecordingSink]]]


@pytest.fixture
def handed(ranked_settings: Settings) -> Handed:
    """A gateway with `rankers` elsewhere, and `more` addresses before theirs."""

    @asynccontextmanager
    async def opened(rankers: int = 1, *more: str) -> AsyncIterator[Any]:
        store, sink, clock = MemoryStore(), RecordingSink(), ManualClock(NOW_MS + 1_000)
        desk = Desk(store, ranked_settings)
        await desk.take(*(click(n, f"u{n % 3}", f"item-{n % 24}") for n in range(60)))
        item = SlateItem("stored", 1.0, "popular", Reason("popular"))
        await store.put_feed("u1", encode(Slate("5f", "u1", NOW_MS, [item], "m", "full")))
        async with AsyncExitStack() as running:
            running.push_async_callback(desk.replica.close)
            addresses, made = list(more), []
            for _ in range(rankers):
                ranker = await running.enter_async_context(open_ranker(ranked_settings, store, clock))
                alone = create_app(ranked_settings, store, sink, clock, ranker=ranker, ranks_alone=True)
                addresses.append(await running.enter_async_context(listening(alone)))
                made.append(ranker)
            tree = {"ranker": {"where": "elsewhere", "addresses": addresses}}
            gateway: Any = create_app(override(ranked_settings, tree), store, RecordingSink(), clock)
            transport = httpx.ASGITransport(gateway)
            await running.enter_async_context(gateway.described.lifespan())
            http = await running.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://headrace")
            )
            yield http, made, sink

    return opened


async def test_what_a_ranker_answers_is_what_the_client_gets(handed: Handed) -> None:
    async with handed() as (http, [ranker], sink):
        answer = await http.post("/v1/rank", json=RANK)
        body = answer.json()
        assert answer.status_code == 200
        assert body["unknown"] == ["nowhere"]
        assert ranker.slates.get(body["slate_id"]) is not None
        await eventually(lambda: len(sink.delivered) == 1)
        [shown] = sink.delivered
        assert isinstance(shown, Impression)
        assert shown.slate_id == body["slate_id"]
        wrong = await http.post("/v1/rank", json={"items": []})
        assert (wrong.status_code, wrong.json()["reason"]) == (422, "bad_body")
        assert wrong.headers["content-type"].startswith("application/problem+json")
        assert (await http.post("/v1/rank", content=b" " * 2_000_001)).status_code == 413


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/rank", RANK), ("/v1/users/u1/feed", {"surface": "shelf"}), ("/v1/search", {"q": "", "n": 3})],
)
async def test_under_one_key_all_rankers_answer_as_the_first_did(
    handed: Handed, path: str, body: dict[str, Any]
) -> None:
    """They are asked in turn, and share the store."""
    async with handed(2) as (http, _, _sink):
        key = {"idempotency-key": "key-1"}
        first, *again = [await http.post(path, json=body, headers=key) for _ in range(3)]
        assert first.status_code == 200
        assert "idempotent-replayed" not in first.headers
        for answer in again:
            assert answer.headers["idempotent-replayed"] == "true"
            assert answer.json() == first.json()


async def test_both_ways_hand_on_the_same(handed: Handed) -> None:
    """What is written the usual way goes without the framework; a query on the route, or a parameter that
    stands twice, goes through it.
    """
    async with handed() as (http, [ranker], _sink):
        traced = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "accept-language": "de"}
        plain = await http.post("/v1/rank", json=RANK, headers=traced)
        framed = await http.post("/v1/rank/", json=RANK, headers=traced)
        assert [answer.status_code for answer in (plain, framed)] == [200, 200]
        first, second = plain.json(), framed.json()
        assert first["items"] == second["items"]
        assert {**dict(plain.headers), "content-length": ""} == {**dict(framed.headers), "content-length": ""}
        found = await http.get("/v1/search?q=item&user_id=u1&n=3&impression=false")
        again = await http.get("/v1/search?q=item&user_id=u1&n=3&impression=false&price_from=0")
        assert [answer.status_code for answer in (found, again)] == [200, 200]
        assert ranker.slates.get(found.json()["slate_id"]) is not None
        assert dict(found.headers).keys() == dict(again.headers).keys()


async def test_a_long_answer_comes_as_a_client_can_read_it(handed: Handed) -> None:
    async with handed() as (http, _, _sink):
        long = {**RANK, "items": [f"nowhere-{n:0100d}" for n in range(400)]}
        for coding in ("identity", "gzip"):
            answer = await http.post("/v1/rank", json=long, headers={"accept-encoding": coding})
            assert answer.status_code == 200
            assert len(answer.json()["unknown"]) == 400


async def test_stored_feeds_need_no_ranker(handed: Handed, nowhere: str) -> None:
    async with handed(0, nowhere) as (http, _, _sink):
        plain = await http.get("/v1/users/u1/feed?n=1")
        assert [item["item_id"] for item in plain.json()["items"]] == ["stored"]
        asked = await http.get("/v1/users/u1/feed?n=1&surface=x")
        assert (asked.status_code, asked.json()["reason"]) == (503, "ranker_unavailable")
        assert asked.headers["retry-after"]
        readiness = (await http.get("/readyz")).json()
        assert readiness["ready"] is True
        assert readiness["parts"]["ranker"]["ready"] is False


async def test_one_that_is_away_is_passed_over(handed: Handed, nowhere: str) -> None:
    async with handed(1, nowhere) as (http, _, _sink):
        for user in ("u1", "ü b/c"[:3], "u2"):
            answer = await http.get(f"/v1/users/{user}/feed", params={"n": 2, "surface": "x"})
            assert answer.status_code == 200
            assert answer.json()["user_id"] == user
        assert (await http.get("/readyz")).json()["parts"]["ranker"]["ready"] is True


async def test_pages_and_slates_come_from_the_one_that_made_them(handed: Handed) -> None:
    async with handed(2) as (http, rankers, _):
        slates = []
        for _ in range(4):
            first = (await http.get("/v1/users/u1/feed?n=3&surface=x")).json()
            for _ in range(2):
                page = await http.get("/v1/users/u1/feed", params={"n": 3, "cursor": first["cursor"]})
                assert page.status_code == 200
                assert page.json()["slate_id"] == first["slate_id"]
                found = await http.get(f"/v1/slates/{first['slate_id']}/explanation?history=1")
                assert found.status_code == 200
            slates.append(first["slate_id"])
        held = [{each for each in slates if ranker.slates.get(each) is not None} for ranker in rankers]
        assert held[0] | held[1] == set(slates)
        assert held[0]
        assert held[1]
        assert (await http.get("/v1/slates/unheard-of")).status_code == 404


async def test_a_page_of_one_that_is_busy_is_not_called_unknown(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with handed(2) as (http, rankers, _):
        first = (await http.get("/v1/users/u1/feed?n=3&surface=x")).json()
        [holder] = [each for each in rankers if each.slates.get(first["slate_id"]) is not None]

        async def busy(*_: object) -> None:
            raise RankerBusyError("much is asked")

        monkeypatch.setattr(holder, "ask", busy)
        for _ in range(2):
            page = await http.get("/v1/users/u1/feed", params={"n": 3, "cursor": first["cursor"]})
            assert (page.status_code, page.json()["reason"]) == (503, "busy")


async def test_a_caller_s_trace_is_handed_on(handed: Handed) -> None:
    came: list[dict[bytes, bytes]] = []

    async def ranker(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        came.append(dict(scope["headers"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=1"}
    played: Any = ranker
    async with listening(played) as address, handed(0, address) as (http, _, _sink):
        assert (await http.post("/v1/rank", json=RANK, headers=trace)).status_code == 200
    assert {name: came[-1].get(name.encode(), b"").decode() for name in trace} == trace


def test_a_gateway_that_ranks_by_itself_loads_no_http_client() -> None:
    run = subprocess.run(
        [sys.executable, "-c", START], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert run.stdout.strip() == "[]", "it is a tenth of what a start loads"
