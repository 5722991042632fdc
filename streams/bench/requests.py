"""Requests to the gateway, from a process of its own: `python -m streams.bench.requests PLAN.json`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec
import numpy as np
import uvloop

from streams.bench.asking import Answered, Pace, ask, status_must_be
from streams.bench.http import ConnectionPool, request
from streams.bench.schedule import Arrivals
from streams.bench.whole_file import write_whole
from streams.bench.workload import DRAWN, acts, clicks
from streams.events.schema import Click, encode

Kind = Literal["feed", "events", "rank", "search"]
BODIES = 2_000
"""So many different requests for a ranking are made; then they begin again."""


class RequestPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One step: `kind` "feed" reads `n` places of feeds, "events" posts `per_request` clicks in a request,
    "rank" has as many items ranked, for `n` places, "search" asks for `queries` in turn. `feeds`: so many
    reads of feeds a second go beside, over as many connections more.

    `rate` requests a second over `clients` connections; 0: as many as are answered. It ends after `seconds`,
    or after `requests_max` requests.
    """

    name: str
    kind: Kind
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
    queries: list[str] = []
    feeds: float = 0.0
    host: str
    port: int
    started: str
    result: str


def requests_of(plan: RequestPlan) -> Iterator[bytes]:
    """The requests, without an end; each event has an id of its own.

    What they draw is drawn before this returns: the first request must not come late for it, and all behind
    it, whose latency counts from when they are due.
    """
    at = f"{plan.host}:{plan.port}"
    if plan.kind == "rank":
        return cycle(rankings(plan, at))
    if plan.kind == "search":
        return cycle(searches(plan, at))
    size = min(plan.requests_max * plan.per_request, DRAWN)
    drawn = acts(plan.users, plan.items, np.array(plan.popularity), plan.seed, size)
    if plan.kind == "feed":
        asked = {
            user: request("GET", f"/v1/users/{quote(user, safe='')}/feed?n={plan.n}", at)
            for user in plan.users
        }
        return (asked[user] for user, _ in drawn)
    return _events(plan, at, clicks(plan.name, drawn))


def _events(plan: RequestPlan, at: str, made: Iterator[Click]) -> Iterator[bytes]:
    while True:
        events = [encode(next(made)) for _ in range(plan.per_request)]
        body = events[0] if len(events) == 1 else b"[" + b",".join(events) + b"]"
        yield request("POST", "/v1/events", at, body)


def rankings(plan: RequestPlan, at: str) -> list[bytes]:
    """Requests for the ranking of items drawn at random, each once. None of it counts as shown."""
    rng = np.random.default_rng(plan.seed)
    made, count = [], min(plan.per_request, len(plan.items))
    for _ in range(min(plan.requests_max, BODIES)):
        items = [plan.items[k] for k in rng.choice(len(plan.items), count, replace=False).tolist()]
        user = plan.users[rng.integers(len(plan.users))]
        body = {"user_id": user, "items": items, "n": plan.n, "impression": False}
        made.append(request("POST", "/v1/rank", at, msgspec.json.encode(body)))
    return made


def searches(plan: RequestPlan, at: str) -> list[bytes]:
    """Each query, for a user drawn at random. None of it counts as shown."""
    rng = np.random.default_rng(plan.seed)
    made = []
    for query in plan.queries:
        user = quote(plan.users[rng.integers(len(plan.users))], safe="")
        asked = f"q={quote(query, safe='')}&user_id={user}&n={plan.n}&impression=false"
        made.append(request("GET", f"/v1/search?{asked}", at))
    return made


class Answers(msgspec.Struct, frozen=True):
    """What became of the requests, and of the reads of feeds beside them, where there were any."""

    asked: Answered
    feeds: Answered | None = None


async def run(plan: RequestPlan) -> Answers:
    """Send the requests and wait for the answers."""
    plans = [plan]
    if plan.feeds:
        plans.append(msgspec.structs.replace(plan, kind="feed", rate=plan.feeds, seed=plan.seed + 1))
    ready = [(each, requests_of(each)) for each in plans]
    write_whole(plan.started, b"")
    return Answers(*await asyncio.gather(*(_asked(*each) for each in ready)))


async def _asked(plan: RequestPlan, requests: Iterator[bytes]) -> Answered:
    pool = ConnectionPool(plan.host, plan.port, plan.clients)
    pace = Pace(plan.clients, plan.rate, plan.seconds, plan.arrivals, plan.seed, plan.requests_max)
    answered = await ask(pool, requests, pace, status_must_be(202 if plan.kind == "events" else 200))
    pool.close()
    return answered


if __name__ == "__main__":
    the_plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=RequestPlan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        write_whole(the_plan.result, msgspec.json.encode(runner.run(run(the_plan))))
