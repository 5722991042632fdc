"""The load generator, a process of its own: `python -m streams.bench.load PLAN.json`.

It sends each event when the schedule says, and does not wait for the answers to earlier ones. It writes down
when each event was due, sent and answered. Every time is in ms since the epoch.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import uvloop

from streams.bench.http import ConnectionPool
from streams.bench.schedule import Arrivals, due_s
from streams.bench.whole_file import write_whole
from streams.bench.workload import draw
from streams.events.schema import Click, Review, encode
from streams.settings.connections import KafkaSettings

if TYPE_CHECKING:
    from streams.kafka.producer import EventSink

SEND_TIMEOUT_S = 10.0
READY_TIMEOUT_S = 30.0
LEAD_S = 0.5  # from readiness until the schedule's zero

Send = Callable[[Sequence[Click | Review]], Awaitable[int]]
"""Sends events; returns how many the receiver accepted."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `popularity`: how often the generator draws each of `items`.

    `host`, `port`: of the gateway; with `direct`, the events go to Kafka without it. `per_request` events go
    out together once the last of them is due. When the generator is ready, it writes the time of the
    schedule's zero (ms since the epoch) to `started`; at the end it writes the times of all events to
    `result`.
    """

    name: str
    rate: float
    seconds: float
    arrivals: Arrivals
    seed: int
    users: list[str]
    items: list[str]
    popularity: list[float]
    host: str
    port: int
    connections: int
    per_request: int
    direct: bool
    kafka: KafkaSettings
    started: str
    result: str


def encode_plan(plan: Plan) -> bytes:
    """A plan as the JSON that the generator's process reads."""
    return msgspec.json.encode(plan, enc_hook=str)  # a prefix that follows the namespace is written as text


def decode_plan(raw: bytes) -> Plan:
    """The plan that `encode_plan` wrote."""
    return msgspec.json.decode(raw, type=Plan)


class _Receipt(msgspec.Struct):
    """The part of the gateway's answer that the generator counts."""

    accepted: int


class Sent(msgspec.Struct, frozen=True):
    """When each event was due, sent and answered (None: not accepted), and its user's number."""

    due_ms: list[float]
    sent_ms: list[float | None]
    answered_ms: list[float | None]
    user: list[int]

    @property
    def accepted(self) -> int:
        return sum(answered is not None for answered in self.answered_ms)


def events_of(plan: Plan, zero_ms: float) -> list[Click | Review]:
    """The step's events in order; the n-th has the id NAME-n. An event's `ts` is the time when it is due."""
    due = due_s(plan.rate, plan.seconds, plan.arrivals, plan.seed)
    draws = draw(len(due), len(plan.users), np.array(plan.popularity), plan.seed)
    events: list[Click | Review] = []
    for n, at_s in enumerate(due.tolist()):
        user, item = plan.users[draws.user[n]], plan.items[draws.item[n]]
        identity, ts = f"{plan.name}-{n}", round(zero_ms + at_s * 1_000)
        rating = float(draws.rating[n])
        if math.isnan(rating):
            events.append(Click(event_id=identity, ts=ts, user_id=user, item_id=item))
        else:
            events.append(Review(event_id=identity, ts=ts, user_id=user, item_id=item, rating=rating))
    return events


async def run(plan: Plan) -> Sent:
    """Send everything on time and wait for the answers."""
    send, close = await _sender(plan)
    zero_ms = now_ms() + LEAD_S * 1_000
    due_ms = zero_ms + due_s(plan.rate, plan.seconds, plan.arrivals, plan.seed) * 1_000
    events = events_of(plan, zero_ms)
    sent_ms, answered_ms = np.full(len(events), np.nan), np.full(len(events), np.nan)
    write_whole(plan.started, b"%d" % zero_ms)
    sending: set[asyncio.Task[None]] = set()

    async def one(begin: int, end: int) -> None:
        sent_ms[begin:end] = now_ms()
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                accepted = await send(events[begin:end])
        except (OSError, TimeoutError):
            return
        if accepted == end - begin:
            answered_ms[begin:end] = now_ms()

    for begin in range(0, len(events), plan.per_request):
        end = min(begin + plan.per_request, len(events))
        wait_s = (due_ms[end - 1] - now_ms()) / 1_000
        await asyncio.sleep(max(0.0, wait_s))
        task = asyncio.create_task(one(begin, end))
        sending.add(task)
        task.add_done_callback(sending.discard)
    if sending:
        await asyncio.wait(sending)
    await close()
    number = {user: n for n, user in enumerate(plan.users)}
    return Sent(
        due_ms.tolist(),
        [None if math.isnan(at) else at for at in sent_ms.tolist()],
        [None if math.isnan(at) else at for at in answered_ms.tolist()],
        [number[event.user_id] for event in events],
    )


async def _sender(plan: Plan) -> tuple[Send, Callable[[], Awaitable[None]]]:
    if plan.direct:
        from streams.kafka.producer import KafkaProducer

        producer = KafkaProducer(plan.kafka)
        await producer.start()
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not await _answers(producer):  # noqa: ASYNC110  # it says so only when it is asked
                await asyncio.sleep(0.05)

        async def produce(events: Sequence[Click | Review]) -> int:
            return sum((await producer.deliver(events, round(now_ms()), SEND_TIMEOUT_S)).confirmed)

        return produce, producer.stop
    pool = ConnectionPool(plan.host, plan.port, plan.connections)
    receipts = msgspec.json.Decoder(_Receipt)

    async def post(events: Sequence[Click | Review]) -> int:
        bodies = [encode(event) for event in events]
        body = bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"
        answer = await pool.post("/v1/events", body)
        return receipts.decode(answer.body).accepted if answer.status == 202 else 0

    async def close() -> None:
        pool.close()

    return post, close


async def _answers(producer: EventSink) -> bool:
    return not (await producer.deliver([], 0, 1.0)).trouble


def now_ms() -> float:
    """Milliseconds since the epoch, with fractions."""
    return time.time_ns() / 1e6


if __name__ == "__main__":
    the_plan = decode_plan(Path(sys.argv[1]).read_bytes())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        write_whole(the_plan.result, msgspec.json.encode(runner.run(run(the_plan))))
