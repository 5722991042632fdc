"""Streams of NDJSON: each line answered, whatever is in it, while it comes; nothing piles up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from streams.clock import ManualClock
from streams.events.schema import AnyEvent, Click
from streams.gateway import line_stream
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.kafka.producer import Acknowledgement
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.asgi_requests import HOST, Asked, Sent, ask
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

Client = TestClient[Gateway]
LINES = (b"content-type", b"application/x-ndjson")
HEADERS = {"Content-Type": "application/x-ndjson"}


def click(n: int) -> bytes:
    return b'{"type":"click","event_id":"e%d","ts":%d,"user_id":"u","item_id":"i"}' % (n, NOW_MS)


def told(body: bytes | str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]


def gateway(sink: Any, streams_max: int = 16) -> Gateway:
    config = Settings(gateway=GatewaySettings(streams_max=streams_max))
    return create_app(config, MemoryStore(), sink, ManualClock(NOW_MS))


def test_a_damaged_line_does_not_lose_the_others(client: Client, sink: RecordingSink) -> None:
    body = [click(1), b"{broken", b"", b"\xff", click(2), b'{"type":"control"}', b"[]", click(3)]
    answer = client.post("/v1/events", content=b"\n".join(body), headers=HEADERS)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    *lines, end = told(answer.content)
    assert [(line["line"], line["status"], line.get("reason")) for line in lines] == [
        (1, "accepted", None),
        (2, "rejected", "not_json"),
        (4, "rejected", "not_json"),
        (5, "accepted", None),
        (6, "rejected", "invalid"),
        (7, "rejected", "invalid"),
        (8, "accepted", None),
    ]
    assert end == {
        "done": True, "line": 8, "accepted": 3, "rejected": 4, "unconfirmed": 0, "reason": "", "message": "",
    }  # fmt: skip
    assert [event.event_id for event in sink.delivered] == ["e1", "e2", "e3"]


@pytest.mark.parametrize("path", ["/v1/events/", "/v1/users/"])
def test_a_slash_at_the_end_changes_nothing(client: Client, sink: RecordingSink, path: str) -> None:
    body = b'{"user_id":"u","type":"user","event_id":"1","ts":%d}\n' % NOW_MS
    answer = client.post(path, content=2 * body, headers=HEADERS)
    assert (answer.status_code, told(answer.content)[-1]["accepted"]) == (200, 2)


def test_only_refusals_are_told_where_that_is_asked_for(client: Client) -> None:
    body = b"\n".join([click(1), b"{", click(2)])
    answer = client.post("/v1/events?answers=refused", content=body, headers=HEADERS)
    assert [line.get("line") for line in told(answer.content)] == [2, 3]
    assert told(answer.content)[-1]["accepted"] == 2


@pytest.mark.parametrize("query", ["answers=all", "answer=each", "answers=each&answers=refused", "x"])
def test_other_parameters_are_refused(client: Client, sink: RecordingSink, query: str) -> None:
    answer = client.post(f"/v1/events?{query}", content=click(1), headers=HEADERS)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert sink.delivered == []


def test_a_line_that_is_too_long_costs_only_itself(client: Client, sink: RecordingSink) -> None:
    body = click(1) + b"\n" + b"x" * (6 * 524_288 + 1) + b"\n" + click(2)
    *lines, _ = told(client.post("/v1/events", content=body, headers=HEADERS).content)
    assert [line["status"] for line in lines] == ["accepted", "rejected", "accepted"]
    assert lines[1]["reason"] == "too_large"


def test_more_than_a_request_may_hold_goes_through(client: Client, sink: RecordingSink) -> None:
    """`events_max` is 5 and `body_max_bytes` 2,000,000 here: they bound no stream."""
    count = 30_000
    answer = client.post("/v1/events", content=b"\n".join(map(click, range(count))), headers=HEADERS)
    *lines, end = told(answer.content)
    assert (len(lines), end["accepted"], len(sink.delivered)) == (count, count, count)


def test_where_kafka_does_not_confirm_the_stream_ends(client: Client, sink: RecordingSink) -> None:
    sink.confirms = 100
    answer = client.post("/v1/events", content=b"\n".join(map(click, range(1_000))), headers=HEADERS)
    *lines, end = told(answer.content)
    assert (end["done"], end["reason"], end["accepted"]) == (False, "kafka_unavailable", 100)
    assert len(lines) == end["line"] == end["accepted"] + end["unconfirmed"] < 1_000
    assert len(sink.delivered) == 100


@settings(max_examples=50, deadline=None)
@given(lines=st.lists(st.binary(max_size=30) | st.integers(0, 5).map(click), max_size=12), data=st.data())
def test_any_body_however_it_is_cut(lines: list[bytes], data: st.DataObject) -> None:
    body = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))
    parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    sink = RecordingSink()
    sent = asyncio.run(ask(gateway(sink), Asked("POST", b"/v1/events", (HOST, LINES), parts)))
    *answers, end = told(sent.body)
    assert sent.status == 200
    assert end["done"]
    assert [each["line"] for each in answers] == [
        number for number, line in enumerate(body.split(b"\n"), 1) if line.strip()
    ]
    assert [each["event_id"] for each in answers if each["status"] == "accepted"] == [
        event.event_id for event in sink.delivered
    ]


# While it comes


class Talk:
    """A connection, both ways of which a test holds in its hands."""

    def __init__(self, app: Gateway) -> None:
        self.parts: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()
        self.heard: list[Any] = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        asked = Asked("POST", b"/v1/events", (HOST, LINES))
        self.task = asyncio.create_task(app(asked.scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> Any:
        part, more = await self.parts.get()
        return {"type": "http.request", "body": part, "more_body": more}

    async def _send(self, message: Any) -> None:
        await self.may_read.wait()
        self.heard.append(message)

    def say(self, part: bytes, more: bool = True) -> None:
        self.parts.put_nowait((part, more))

    async def lines(self, count: int) -> list[dict[str, Any]]:
        """What was answered, once it is so many lines."""
        async with asyncio.timeout(60):
            while True:
                found = told(b"".join(each.get("body", b"") for each in self.heard))
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.001)


async def test_a_line_is_answered_before_the_next_one_comes() -> None:
    talk = Talk(gateway(RecordingSink()))
    for n in range(3):
        talk.say(click(n) + b"\n")
        assert (await talk.lines(n + 1))[n]["event_id"] == f"e{n}"
    talk.say(click(3), more=False)
    assert [line.get("done") for line in await talk.lines(5)] == [None] * 4 + [True]
    await talk.task


async def test_who_does_not_read_is_not_read_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_stream, "ANSWERS_MOST", 2_000)
    sink = RecordingSink()
    talk = Talk(gateway(sink))
    talk.say(click(0) + b"\n")
    await talk.lines(1)
    talk.may_read.clear()
    for part in range(200):
        talk.say(b"".join(click(n) + b"\n" for n in range(10 * part, 10 * part + 10)))
    talk.say(b"", more=False)
    for _ in range(5_000):  # enough to read all of it
        await asyncio.sleep(0)
    assert talk.parts.qsize() > 150
    talk.may_read.set()
    assert len(await talk.lines(2_002)) == 2_002
    await talk.task


async def test_who_never_reads_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_stream, "ANSWERS_MOST", 100)
    talk = Talk(gateway(RecordingSink()))
    talk.say(click(0) + b"\n")
    await talk.lines(1)
    talk.may_read.clear()
    talk.say(b"".join(click(n) + b"\n" for n in range(100)))
    # Not before: on a busy machine these lines themselves could be late.
    monkeypatch.setattr(line_stream, "BODY_TIMEOUT_S", 0.05)
    async with asyncio.timeout(60):
        await talk.task
    assert all(message.get("more_body", True) for message in talk.heard), "the answer has no end"


async def test_who_says_nothing_more_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_stream, "BODY_TIMEOUT_S", 0.05)
    talk = Talk(gateway(RecordingSink()))
    talk.say(click(0) + b"\n" + click(1)[:20])
    *_, end = await talk.lines(2)
    assert (end["done"], end["reason"], end["accepted"]) == (False, "timeout", 1)
    await talk.task
    silent: Sent = await ask(gateway(RecordingSink()), Asked("POST", b"/v1/events", (HOST, LINES), (None,)))
    assert silent.status == 200


async def test_only_so_many_streams_are_open() -> None:
    app = gateway(RecordingSink(), streams_max=1)
    talk = Talk(app)
    talk.say(click(0) + b"\n")
    await talk.lines(1)
    refused = await ask(app, Asked("POST", b"/v1/items", (HOST, LINES)))
    assert (refused.status, json.loads(refused.body)["reason"]) == (503, "busy")
    talk.say(b"", more=False)
    await talk.task
    assert (await ask(app, Asked("POST", b"/v1/items", (HOST, LINES)))).status == 200


async def test_other_requests_have_their_turn_in_between() -> None:
    """A thousand lines in one part are written some at a time."""

    class Watching(RecordingSink):
        sizes: list[int]

        async def deliver(
            self, events: Sequence[AnyEvent], accepted_ms: int, timeout_s: float
        ) -> Acknowledgement:
            self.sizes.append(len(events))
            return await super().deliver(events, accepted_ms, timeout_s)

    sink = Watching()
    sink.sizes = []
    body = (b"\n".join(map(click, range(1_000))),)
    await ask(gateway(sink), Asked("POST", b"/v1/events", (HOST, LINES), body))
    assert max(sink.sizes) <= line_stream.AT_ONCE
    assert all(isinstance(event, Click) for event in sink.delivered)
