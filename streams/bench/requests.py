"""Requests to the gateway, from a process of its own: `python -m streams.bench.requests PLAN.json`.

With a rate the loop is open: each request has its time, whatever became of the ones before, and its latency
counts from then. Without one it is closed: each client sends its next request when it has the answer.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec
import numpy as np
import uvloop

from streams.bench.http import ConnectionPool
from streams.bench.schedule import Arrivals, due_s
from streams.bench.whole_file import write_whole
from streams.bench.workload import draw
from streams.events.schema import Click, encode

DRAWN = 65_536
"""So many users and items are drawn; a longer run takes them over again."""
ANSWER_WITHIN_S = 10.0


class RequestPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One step: `kind` "feed" reads `n` places of feeds, "events" posts `per_request` clicks in a request.

    `rate` requests a second over `clients` connections; 0: as many as are answered. It ends after `seconds`,
    or after `requests_max` requests.
    """

    name: str
    kind: Literal["feed", "events"]
    clients: int
    rate: float
    seconds: float
    requests_max: int
    arrivals: Arrivals
    seed: int
    users: list[str]
    items: list[str]
    popularity: list[float]
    n: int
    per_request: int
    host: str
    port: int
    started: str
    result: str


class Answered(msgspec.Struct, frozen=True):
    """The latency (ms) of each request that had the right answer, how many had not, and the time it took."""

    latency_ms: list[float]
    failed: int
    seconds: float


def requests_of(plan: RequestPlan) -> Iterator[bytes]:
    """The requests, without an end; each event has an id of its own."""
    size = min(plan.requests_max * plan.per_request, DRAWN)
    draws = draw(size, len(plan.users), np.array(plan.popularity), plan.seed)
    users, items = draws.user.tolist(), draws.item.tolist()
    where = f"Host: {plan.host}:{plan.port}\r\n"
    if plan.kind == "feed":
        asked = [
            f"GET /v1/users/{quote(user, safe='')}/feed?n={plan.n} HTTP/1.1\r\n{where}\r\n".encode()
            for user in plan.users
        ]
        for number in count():
            yield asked[users[number % size]]
    for number in count(step=plan.per_request):
        now_ms = time.time_ns() // 1_000_000
        events = [
            encode(
                Click(
                    event_id=f"{plan.name}-{each}",
                    ts=now_ms,
                    user_id=plan.users[users[each % size]],
                    item_id=plan.items[items[each % size]],
                )
            )
            for each in range(number, number + plan.per_request)
        ]
        body = events[0] if len(events) == 1 else b"[" + b",".join(events) + b"]"
        head = (
            f"POST /v1/events HTTP/1.1\r\n{where}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


async def run(plan: RequestPlan) -> Answered:
    """Send the requests and wait for the answers."""
    pool = ConnectionPool(plan.host, plan.port, plan.clients)
    requests = islice(requests_of(plan), plan.requests_max)
    due = due_s(plan.rate, plan.seconds, plan.arrivals, plan.seed)[: plan.requests_max].tolist()
    latency_ms: list[float] = []
    failed = 0
    write_whole(plan.started, b"")
    begun_s = time.perf_counter()

    async def one(request: bytes, since_s: float) -> None:
        nonlocal failed
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await pool.ask(request)
        except (TimeoutError, OSError):
            failed += 1
            return
        if answer.status == (200 if plan.kind == "feed" else 202):
            latency_ms.append((time.perf_counter() - since_s) * 1_000)
        else:
            failed += 1

    async def client() -> None:
        while time.perf_counter() - begun_s < plan.seconds and (request := next(requests, None)):
            await one(request, time.perf_counter())

    async with asyncio.TaskGroup() as asking:
        if not plan.rate:
            for _ in range(plan.clients):
                asking.create_task(client())
        for at_s in due:
            await asyncio.sleep(max(0.0, begun_s + at_s - time.perf_counter()))
            asking.create_task(one(next(requests), begun_s + at_s))
    pool.close()
    return Answered(latency_ms, failed, time.perf_counter() - begun_s)


if __name__ == "__main__":
    the_plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=RequestPlan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        write_whole(the_plan.result, msgspec.json.encode(runner.run(run(the_plan))))
