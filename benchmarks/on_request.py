"""What a ranking and a search on request cost the gateway: CPU of its loop, of its core's thread, and of all
its threads.

    python -m benchmarks.on_request --model var/demo/models/NAME [--items 1700] [--kinds rank,search]
    python -m benchmarks.on_request --model ... --against FOLDER    another checkout, in turn with this one

The gateway's app answers in one process, without sockets, from a store in memory: what is left out is the
parsing of HTTP and the way to the store. Users have histories from a Zipf stream. Each line is of `--rounds`
rounds: so many requests at a time, each 100 candidates (or 300) and 10 places, or three words of a title. The
least of the rounds counts, since whatever else runs on the machine only adds. `gc`: time in Python's garbage
collector by request, and its longest pause. `--against` also says whether both checkouts answered the same,
at a clock that stands still.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import count as numbers
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

import msgspec
import numpy as np

from export.registry import Registry
from streams.bench.synthetic import catalogue, warm_core
from streams.bench.worded import queries_for, worded
from streams.clock import ManualClock
from streams.demo.seed import seed
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.kafka.producer import KafkaProducer
from streams.serving.loading import load_in_service, texts_by
from streams.serving.ranker import open_ranker
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore

EVENTS, USERS, DIM, NOW_MS = 20_000, 400, 64, 1_700_000_000_000
REQUESTS = 240
COMPARED = 60  # answers of each kind, whose bytes make a digest
OF_THE_CALL = ("slate_id", "cause", "times", "cursor")  # what differs between two answers to the same request
HEADERS = [(b"host", b"127.0.0.1:8080"), (b"content-type", b"application/json")]


class Asked(NamedTuple):
    """One request, as an ASGI server hands it over."""

    method: str
    path: str
    query: bytes
    body: bytes


class Cost(msgspec.Struct):
    """Microseconds of CPU a request, and milliseconds of the longest pause of the collector."""

    name: str
    loop_us: float
    core_us: float
    all_us: float
    gc_us: float
    gc_longest_ms: float


class Found(msgspec.Struct):
    """All lines of one checkout. digests: of the answers, by kind."""

    costs: list[Cost]
    digests: dict[str, str]


async def answered(app: Gateway, asked: Asked) -> bytes:
    """The body of the answer; raises where that is not 200."""
    status, sent, body = 0, False, b""
    headers = [*HEADERS, (b"content-length", b"%d" % len(asked.body))] if asked.body else HEADERS[:1]
    scope: Any = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": asked.method, "scheme": "http", "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 50_000), "root_path": "", "path": asked.path,
        "raw_path": asked.path.encode(), "query_string": asked.query, "headers": headers, "state": {},
    }  # fmt: skip

    async def receive() -> Any:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()
        sent = True
        return {"type": "http.request", "body": asked.body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, body
        status, body = message.get("status", status), body + message.get("body", b"")
        if status != 200:
            raise RuntimeError(f"the gateway answered {message}")

    await app(scope, receive, send)
    return body


async def digest(app: Gateway, requests: Iterator[Asked]) -> str:
    """Of what the first of these are answered, one after the other."""
    found = hashlib.sha256()
    for asked in islice(requests, COMPARED):
        told = msgspec.json.decode(await answered(app, asked))
        for name in OF_THE_CALL:
            told.pop(name, None)
        found.update(msgspec.json.encode(told, order="sorted"))
    return found.hexdigest()


async def cost(
    name: str, app: Gateway, requests: Iterator[Asked], at_once: int, core: int, rounds: int
) -> Cost:
    """The least of the rounds. core: the clock of the core's thread."""
    own = time.pthread_getcpuclockid(threading.get_ident())
    pauses: list[float] = []

    async def client(count: int) -> None:
        for _ in range(count):
            await answered(app, next(requests))

    def paused(phase: str, _: object) -> None:
        now_s = time.perf_counter()
        if phase == "start":
            pauses.append(-now_s)
        else:
            pauses[-1] += now_s

    await asyncio.gather(*(client(30) for _ in range(at_once)))
    gc.callbacks.append(paused)
    best, clocks = np.full(3, np.inf), (own, core, time.CLOCK_PROCESS_CPUTIME_ID)
    for _ in range(rounds):
        before = [time.clock_gettime(clock) for clock in clocks]
        await asyncio.gather(*(client(REQUESTS // at_once) for _ in range(at_once)))
        spent = [time.clock_gettime(clock) for clock in clocks]
        best = np.minimum(best, np.subtract(spent, before) / REQUESTS * 1e6)
    gc.callbacks.remove(paused)
    longest_ms = round(1_000 * max(pauses, default=0.0), 2)
    gc_us = round(1e6 * sum(pauses) / (rounds * REQUESTS), 1)
    loop_us, core_us, all_us = np.round(best, 0).tolist()
    made = Cost(name, loop_us, core_us, all_us, gc_us, longest_ms)
    print(_line(made), file=sys.stderr, flush=True)  # one by one, where the machine is slow
    return made


def rankings(items: Sequence[str], users: Sequence[str], count: int) -> Iterator[Asked]:
    """Of items drawn at random; nothing counts as shown."""
    rng, made = np.random.default_rng(7), []
    for _ in range(REQUESTS):
        drawn = [items[k] for k in rng.choice(len(items), count, replace=False).tolist()]
        user = users[int(rng.integers(len(users)))]
        body = {"user_id": user, "items": drawn, "n": 10, "impression": False}
        made.append(Asked("POST", "/v1/rank", b"", msgspec.json.encode(body)))
    return cycle(made)


def varied(items: Sequence[str], users: Sequence[str], count: int) -> Iterator[Asked]:
    """The same, explained, each with something else that a request may say."""
    for k, asked in enumerate(rankings(items, users, count)):
        body = msgspec.json.decode(asked.body) | {"explain": True}
        drawn = body["items"]
        if k % 5 == 1:
            drawn += ["nobody-knows", drawn[0], drawn[7]]
        elif k % 5 == 2:
            drawn[3] = {"item_id": drawn[3], "boost": 0.3, "price": 5.0}
            drawn.append({"item_id": "new", "categories": ["category 3"]})
        elif k % 5 == 3:
            body |= {"exclude": drawn[:5], "filter": {"price_to": 250.0}}
        elif k % 5 == 4:
            body |= {"user_id": f"visitor-{k}", "items": drawn[: 1 + k % 3], "n": 2 * k}
        yield asked._replace(body=msgspec.json.encode(body))


def searches(titles: Sequence[str], users: Sequence[str]) -> Iterator[Asked]:
    """For what stands in the titles; each query is another one, so none is at hand."""
    rng = np.random.default_rng(7)
    for further in numbers(7):
        for text in queries_for(titles, further):
            user = users[int(rng.integers(len(users)))]
            asked = f"q={quote(text, safe='')}&user_id={user}&n=10&impression=false"
            yield Asked("GET", "/v1/search", asked.encode(), b"")


async def _opened(users: Sequence[str], app: Gateway, items: Sequence[str]) -> int:
    """Once all is loaded; the clock of the core's thread."""
    for each in (rankings(items, users, 100), rankings(items, users, 300)):
        await answered(app, next(each))
    (thread,) = [each for each in threading.enumerate() if each.name == "core"]
    assert thread.ident is not None
    return time.pthread_getcpuclockid(thread.ident)


async def measured(args: argparse.Namespace) -> Found:
    """All lines."""
    model, clock = Path(args.model), ManualClock(NOW_MS)
    settings = Settings()
    served = msgspec.structs.replace(settings.model, registry=str(model.parent.resolve()), active=model.name)
    patient = msgspec.structs.replace(settings.ranker, timeout_ms=60_000)
    settings = msgspec.structs.replace(settings, model=served, ranker=patient)
    records = worded(catalogue(args.items, DIM, NOW_MS, 7), 7)
    core, states = warm_core(settings, records, USERS, EVENTS, NOW_MS, 7)
    core.serve(load_in_service(model, settings.model, core.pipeline.names))
    store, found = MemoryStore(settings.state, clock), Found([], {})
    await seed(store, core, states, records, clock, texts_by(settings.model, Registry(model.parent)))
    users, items = list(states), list(records)
    async with open_ranker(settings, store, clock) as ranker:
        app = create_app(settings, store, KafkaProducer(settings.kafka), clock, ranker=ranker)
        clock_id = await _opened(users, app, items)
        titles, kinds = [record.title for record in records.values()], args.kinds.split(",")
        for count in (100, 300) if "rank" in kinds else ():
            few = min(count, len(items))
            found.digests[f"rank {count}"] = await digest(app, varied(items, users, few))
            for at_once in (1, 4):
                asked, line = rankings(items, users, few), f"rank {count}, {at_once} at once"
                found.costs.append(await cost(line, app, asked, at_once, clock_id, args.rounds))
        if "search" in kinds:
            for at_once in (1, 4):
                asked, line = searches(titles, users), f"search, {at_once} at once"
                found.costs.append(await cost(line, app, asked, at_once, clock_id, args.rounds))
            found.digests["search"] = await digest(app, searches(titles, users))  # now all items are indexed
    return found


def main() -> None:
    """Measure, and print a line each; `--against`: both checkouts in turn, and the least of each."""
    parser = argparse.ArgumentParser(description="What a ranking and a search on request cost.")
    parser.add_argument("--model", required=True, help="a model's folder in its registry")
    parser.add_argument("--items", type=int, default=1_700)
    parser.add_argument("--kinds", default="rank,search", metavar="KIND,KIND")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout with its own .venv")
    parser.add_argument("--turns", type=int, default=3, help="of both checkouts, with --against (3)")
    parser.add_argument("--json", action="store_true", help="one line for programs")
    args = parser.parse_args()
    if args.against is not None:
        _compared(args)
        return
    found = asyncio.run(measured(args))
    if args.json:
        print(json.dumps(msgspec.to_builtins(found)))


def _line(cost: Cost) -> str:
    return (
        f"{cost.name:22} loop {cost.loop_us:6.0f} us  core {cost.core_us:6.0f} us  "
        f"all {cost.all_us:6.0f} us  gc {cost.gc_us:5.1f} us, longest {cost.gc_longest_ms:.1f} ms"
    )


def _compared(args: argparse.Namespace) -> None:
    from benchmarks.two_checkouts import in_turn  # not above: this file also runs in checkouts without it

    words = ["--model", str(Path(args.model).resolve()), "--items", str(args.items), "--kinds", args.kinds]
    lines = in_turn(__file__, [*words, "--rounds", str(args.rounds), "--json"], args.against, args.turns)
    before, now = ([msgspec.json.decode(line, type=Found) for line in side] for side in lines)
    there, here = (_least_of([found.costs for found in side]) for side in (before, now))
    for old, new in zip(there, here, strict=True):
        print(
            f"{new.name:22} loop {old.loop_us:6.0f} -> {new.loop_us:6.0f} us  "
            f"core {old.core_us:6.0f} -> {new.core_us:6.0f} us  "
            f"all {old.all_us:6.0f} -> {new.all_us:6.0f} us  "
            f"gc {old.gc_us:5.1f} -> {new.gc_us:5.1f} us, "
            f"longest {old.gc_longest_ms:.1f} -> {new.gc_longest_ms:.1f} ms"
        )
    for kind in now[0].digests:
        same = len({found.digests[kind] for found in (*before, *now)}) == 1
        print(f"{kind}: {'the same answers' if same else 'OTHER ANSWERS'}")


def _least_of(runs: list[list[Cost]]) -> list[Cost]:
    return [reduce(_least, costs) for costs in zip(*runs, strict=True)]


def _least(one: Cost, other: Cost) -> Cost:
    return Cost(
        one.name, min(one.loop_us, other.loop_us), min(one.core_us, other.core_us),
        min(one.all_us, other.all_us), min(one.gc_us, other.gc_us),
        min(one.gc_longest_ms, other.gc_longest_ms),
    )  # fmt: skip


if __name__ == "__main__":
    main()
