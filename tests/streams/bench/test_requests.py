"""The generator of requests: a closed loop waits for answers, an open one does not; both end."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from streams.bench.asking import Answered
from streams.bench.requests import Kind, RequestPlan, requests_of, run
from streams.events.schema import Click, EventLimits, decode
from tests.streams.bench.test_http import answer, server


async def both(asked: RequestPlan) -> tuple[Answered, Answered | None]:
    answers = await run(asked)
    return answers.asked, answers.feeds


FEED, ACCEPTED = answer(b"{}", b"200 OK"), answer(b"{}")


def plan(folder: Path, port: int, **changes: Any) -> RequestPlan:
    return msgspec.structs.replace(
        RequestPlan(
            name="step",
            kind="events",
            clients=2,
            rate=0.0,
            seconds=30.0,
            requests_max=20,
            arrivals="constant",
            seed=1,
            users=["u 1", "ü/2"],
            items=["i-1", "i-2"],
            popularity=[2.0, 1.0],
            n=5,
            per_request=1,
            host="127.0.0.1",
            port=port,
            started=str(folder / "started"),
            result=str(folder / "result"),
        ),
        **changes,
    )


def test_each_event_is_one_that_the_gateway_takes_and_has_its_own_id(tmp_path: Path) -> None:
    made = list(itertools.islice(requests_of(plan(tmp_path, 1, per_request=3)), 8))
    events = []
    for request in made:
        head, _, body = request.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        events += msgspec.json.decode(body, type=list[msgspec.Raw])
    read = [decode(bytes(raw), msgspec.json.decode(raw)["ts"], EventLimits()) for raw in events]
    assert len({event.event_id for event in read}) == 24
    assert all(isinstance(event, Click) for event in read)


def test_a_ranking_names_a_user_and_items_each_once(tmp_path: Path) -> None:
    items = [f"i-{n}" for n in range(40)]
    made = itertools.islice(
        requests_of(plan(tmp_path, 1, kind="rank", per_request=30, items=items, requests_max=9)), 20
    )
    bodies = [msgspec.json.decode(request.partition(b"\r\n\r\n")[2]) for request in made]
    assert bodies[:9] == bodies[9:18]
    for body in bodies:
        assert len(set(body["items"])) == 30
        assert set(body["items"]) <= set(items)
        assert body["user_id"] in {"u 1", "ü/2"}
        assert body["impression"] is False


@pytest.mark.parametrize("kind", ["feed", "events", "rank", "search"])
def test_nothing_is_drawn_once_the_first_request_is_due(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = requests_of(plan(tmp_path, 1, kind=kind, queries=["a"]))

    def late(*_: object) -> None:
        raise AssertionError("drawn when a request was due")

    monkeypatch.setattr(np.random, "default_rng", late)
    assert len(list(itertools.islice(made, 5))) == 5


def test_a_read_names_its_user_so_that_any_id_has_a_path(tmp_path: Path) -> None:
    made = set(itertools.islice(requests_of(plan(tmp_path, 1, kind="feed")), 50))
    lines = {request.split(b"\r\n")[0] for request in made}
    assert lines == {
        b"GET /v1/users/u%201/feed?n=5 HTTP/1.1",
        b"GET /v1/users/%C3%BC%2F2/feed?n=5 HTTP/1.1",
    }


async def test_a_closed_loop_has_as_many_requests_under_way_as_clients(tmp_path: Path) -> None:
    under_way, most = 0, 0

    async def slow(body: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1
        writer.write(ACCEPTED)

    async with server(slow) as port:
        answered, _ = await both(plan(tmp_path, port, clients=3))
    assert (len(answered.latency_ms), answered.failed, most) == (20, 0, 3)
    assert min(answered.latency_ms) > 4
    assert (tmp_path / "started").exists()


async def test_an_open_loop_counts_a_stall_for_every_request_that_was_due(tmp_path: Path) -> None:
    stalled = asyncio.Event()

    async def stall_once(body: bytes, writer: asyncio.StreamWriter) -> None:
        if not stalled.is_set():
            stalled.set()
            await asyncio.sleep(0.5)
        writer.write(FEED)

    async with server(stall_once) as port:
        answered, _ = await both(plan(tmp_path, port, kind="feed", clients=1, rate=100.0, seconds=0.2))
    assert len(answered.latency_ms) == 20
    assert np.median(answered.latency_ms) > 300


@pytest.mark.parametrize("status", [b"503 Service Unavailable", b"202 Accepted", b"400 Bad Request"])
async def test_another_answer_is_a_failure_and_has_no_latency(tmp_path: Path, status: bytes) -> None:
    async def refuse(body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"{}", status))

    async with server(refuse) as port:
        answered, _ = await both(plan(tmp_path, port, kind="feed", requests_max=6))
    assert (answered.latency_ms, answered.failed) == ([], 6)


async def test_a_closed_loop_ends_after_its_time(tmp_path: Path) -> None:
    async def take(body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ACCEPTED)

    async with server(take) as port:
        answered, _ = await both(plan(tmp_path, port, seconds=0.2, requests_max=10_000_000))
    assert 0.2 <= answered.seconds < 10
    assert answered.latency_ms


def test_a_search_asks_for_the_queries_in_turn(tmp_path: Path) -> None:
    asked = plan(tmp_path, 1, kind="search", queries=["red & blue", "ü"])
    lines = [made.split(b"\r\n")[0] for made in itertools.islice(requests_of(asked), 4)]
    assert lines[:2] == lines[2:]
    assert lines[0].startswith(b"GET /v1/search?q=red%20%26%20blue&user_id=")
    assert b"q=%C3%BC&" in lines[1]
    assert all(line.endswith(b"&n=5&impression=false HTTP/1.1") for line in lines)


async def test_feeds_are_read_beside_and_timed_apart(tmp_path: Path) -> None:
    async def read(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(FEED)

    async with server(read) as port:
        asked = plan(tmp_path, port, kind="search", queries=["a"], rate=50.0, seconds=0.2, feeds=100.0)
        answered, feeds = await both(asked)
    assert feeds is not None
    assert (len(answered.latency_ms), len(feeds.latency_ms)) == (10, 20)
    assert (answered.failed, feeds.failed) == (0, 0)
