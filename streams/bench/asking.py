"""Requests to a server, and what became of each.

With a rate the loop is open: each request has its time, whatever became of the ones before, and its latency
counts from then. Without one it is closed: each client sends its next request when it has the answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from streams.bench.http import Answer, ConnectionPool
from streams.bench.schedule import Arrivals, due_s

ANSWER_WITHIN_S = 10.0
LATE = "late"
BROKEN = "broken connection"

Fault = Callable[[Answer], str]
"""What is wrong with an answer, in few words that many answers share; "" for a right one."""


@dataclass(frozen=True)
class Pace:
    """`rate` requests a second over `clients` connections; 0: as many as are answered. It ends after
    `seconds`, or after `requests_max` requests.
    """

    clients: int
    rate: float
    seconds: float
    arrivals: Arrivals = "poisson"
    seed: int = 7
    requests_max: int = 1_000_000


class Answered(msgspec.Struct, frozen=True):
    """The latency (ms) of each request that had the right answer, how many had not, by what was wrong, and
    the time it took.
    """

    latency_ms: list[float]
    failures: dict[str, int]
    seconds: float

    @property
    def failed(self) -> int:
        """Requests without the right answer."""
        return sum(self.failures.values())


async def ask(pool: ConnectionPool, requests: Iterator[bytes], pace: Pace, fault: Fault) -> Answered:
    """Send the requests at this pace and wait for the answers. `pool`: has a connection for each client."""
    requests = islice(requests, pace.requests_max)
    due = due_s(pace.rate, pace.seconds, pace.arrivals, pace.seed)[: pace.requests_max].tolist()
    latency_ms: list[float] = []
    failures: Counter[str] = Counter()
    begun_s = time.perf_counter()

    async def one(request: bytes, since_s: float) -> None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await pool.ask(request)
        except TimeoutError:
            failures[LATE] += 1
            return
        except OSError:
            failures[BROKEN] += 1
            return
        took_ms = (time.perf_counter() - since_s) * 1_000
        if wrong := fault(answer):
            failures[wrong] += 1
        else:
            latency_ms.append(took_ms)

    async def client() -> None:
        while time.perf_counter() - begun_s < pace.seconds and (request := next(requests, None)):
            await one(request, time.perf_counter())

    async with asyncio.TaskGroup() as asking:
        if not pace.rate:
            for _ in range(pace.clients):
                asking.create_task(client())
        for at_s in due:
            await asyncio.sleep(max(0.0, begun_s + at_s - time.perf_counter()))
            asking.create_task(one(next(requests), begun_s + at_s))
    return Answered(latency_ms, dict(failures), time.perf_counter() - begun_s)


def status_must_be(expected: int) -> Fault:
    """An answer with another status is wrong."""
    return lambda answer: "" if answer.status == expected else f"status {answer.status}"
