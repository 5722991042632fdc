"""What became of requests that did not get the right answer."""

from __future__ import annotations

import asyncio
from itertools import repeat

import pytest

from streams.bench import asking
from streams.bench.asking import BROKEN, LATE, Answered, Pace, ask, status_must_be
from streams.bench.http import ConnectionPool, request
from tests.streams.bench.test_http import answer, server


async def test_failures_are_counted_by_what_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ANSWER_WITHIN_S", 0.3)
    seen = 0

    async def in_turn(body: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        match seen:
            case 1:
                writer.write(answer(b"", b"503 Service Unavailable"))
            case 2:
                writer.close()
            case 3:
                writer.write(b"nothing that HTTP knows\r\n\r\n")
            case 4:
                pass  # no answer
            case _:
                writer.write(answer(b"", b"200 OK"))

    async with server(in_turn) as port:
        pool = ConnectionPool("127.0.0.1", port, 1)
        pace = Pace(clients=1, rate=0, seconds=30, requests_max=8)
        answered = await ask(pool, repeat(request("GET", "/", "h")), pace, status_must_be(200))
        pool.close()
    assert answered.failures == {"status 503": 1, BROKEN: 2, LATE: 1}
    assert (len(answered.latency_ms), answered.failed) == (4, 4)


def test_nothing_asked_is_nothing_failed() -> None:
    assert Answered([], {}, 1.0).failed == 0
