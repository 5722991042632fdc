"""The order of users' histories against their events' times, while workers are killed under load.

    python -m benchmarks.order --json benchmarks/results/order.json

The benchmark starts the local stack and workers without a model, sends clicks and reviews of the same users,
and kills a worker with SIGKILL again and again, each time when the workers have applied a further part of the
events; a new worker takes its place. When the workers have applied all, it compares each user's state with
the sent events.

    python -m benchmarks.order --workers 1 --kills 0

measures the CPU time of an event, after the first tenth of the events.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import psutil
from rich.console import Console

from streams.bench.machine import Machine, this_machine
from streams.demo.progress import Steps
from streams.events.schema import Click, Review
from streams.kafka.producer import KafkaProducer
from streams.kafka.topics import ensure_topics
from streams.local.environment import environment
from streams.local.processes import ChildProcess
from streams.local.stack import LocalStack
from streams.settings.reading import load, override
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.ledger import decode_record
from streams.stores.base import Store
from streams.stores.ledger_entries import START
from streams.stores.redis.store import RedisStore

PORTION = 50
SEND_TIMEOUT_S = 30.0
APPLIED_WITHIN_S = 300.0
LOOK_EVERY_S = 0.05
LEDGER_PAGE = 1_000
QUICK = {
    "kafka": {"session_timeout_ms": 2_000, "heartbeat_ms": 300},
    "redis": {"timeout_ms": 20_000},
    "worker": {"port": 0, "snapshot_every_s": 3_600.0},
}

Event = Click | Review


@dataclass(frozen=True)
class Plan:
    """`rate`: sent events a second; 0: all of them before the workers start. `reviews`: their share."""

    events: int = 20_000
    users: int = 300
    items: int = 500
    reviews: float = 0.3
    workers: int = 2
    kills: int = 6
    rate: float = 0.0
    seed: int = 7


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """`against`: the share of neighbouring places in histories whose order is not that of their times.
    `not_latest`: users whose remembered events are not the latest. `wrong`: users with a lost event or
    rating, or one that counts twice. `late`: the share of events that a worker applied after a later event of
    their user. `cpu_us`: of the workers, for each event; None if some were killed.
    """

    events: int
    users: int
    against: float
    not_latest: int
    wrong: int
    late: float
    cpu_us: float | None


class Report(msgspec.Struct, frozen=True):
    """The machine, the command, and the result."""

    machine: Machine
    workers: int
    kills: int
    rate: float
    order: Order


def drawn(plan: Plan) -> list[Event]:
    """The events, with times from 0 on: no two events have the same time."""
    draw = random.Random(plan.seed)
    events: list[Event] = []
    for n in range(plan.events):
        user, item = f"user-{draw.randrange(plan.users)}", f"item-{draw.randrange(plan.items)}"
        if draw.random() < plan.reviews:
            rating = float(draw.randint(1, 5))
            events.append(Review(event_id=str(n), ts=n, user_id=user, item_id=item, rating=rating))
        else:
            events.append(Click(event_id=str(n), ts=n, user_id=user, item_id=item))
    return events


async def measure(plan: Plan, settings: Settings, folder: Path) -> Order:
    """Send, kill, wait, compare. `settings`: of a deployment that has not applied anything yet."""
    settings = override(settings, {**QUICK, "model": {"registry": str(folder / "models")}})
    await ensure_topics(settings.kafka)
    store = RedisStore(settings.redis, settings.state, settings.learning)
    # The times are as close together as the clock allows; the last one is not ahead of the clock.
    start_ms = time.time_ns() // 1_000_000 - plan.events
    events = [msgspec.structs.replace(event, ts=start_ms + event.ts) for event in drawn(plan)]
    cpu_us = None
    try:
        with contextlib.ExitStack() as running:
            if not plan.rate:
                await _send(settings, events, 0.0)
            workers = [
                running.enter_context(_worker(settings, folder, f"worker-{n}")) for n in range(plan.workers)
            ]
            async with asyncio.TaskGroup() as tasks:
                if plan.rate:
                    tasks.create_task(_send(settings, events, plan.rate))
                for kill in range(plan.kills):
                    part = (kill + 1) * plan.events // (plan.kills + 1)
                    await _applied(store, settings, part, workers)
                    victim = workers.pop(0)
                    os.kill(victim.pid, signal.SIGKILL)
                    victim.wait(10.0)
                    name = f"worker-{plan.workers + kill}"
                    workers.append(running.enter_context(_worker(settings, folder, name)))
                if not plan.kills:
                    done = await _applied(store, settings, plan.events // 10, workers)
                    begun_s = _cpu_s(workers)
            await _applied(store, settings, plan.events, workers)
            if not plan.kills:
                cpu_us = round((_cpu_s(workers) - begun_s) / (plan.events - done) * 1e6, 1)
        return await _judged(events, store, settings, cpu_us)
    finally:
        await store.close()


def _cpu_s(workers: Sequence[ChildProcess]) -> float:
    """The CPU time of the workers since their start."""
    times = [psutil.Process(worker.pid).cpu_times() for worker in workers]
    return sum(each.user + each.system for each in times)


def _worker(settings: Settings, folder: Path, name: str) -> ChildProcess:
    command = [sys.executable, "-m", "streams.commands", "worker"]
    return ChildProcess(name, command, folder / f"{name}.log", environment(settings))


async def _send(settings: Settings, events: Sequence[Event], rate: float) -> None:
    producer = KafkaProducer(settings.kafka)
    await producer.start()
    try:
        while (await producer.deliver([], 0, 1.0)).trouble:  # noqa: ASYNC110  # it says so only when asked
            await asyncio.sleep(0.05)
        started_s = time.monotonic()
        for at in range(0, len(events), PORTION):
            if rate:
                await asyncio.sleep(max(0.0, started_s + at / rate - time.monotonic()))
            portion = events[at : at + PORTION]
            sent = await producer.deliver(portion, time.time_ns() // 1_000_000, SEND_TIMEOUT_S)
            if not all(sent.confirmed):
                raise SystemExit(f"Kafka did not take all events: {sent.trouble}")
    finally:
        await producer.stop()


async def _applied(store: Store, settings: Settings, count: int, workers: Sequence[ChildProcess]) -> int:
    """Wait until the workers have applied `count` events; returns how many they have applied."""
    places = [f"{topic}-{n}" for topic in ("clicks", "reviews") for n in range(settings.kafka.partitions)]
    until_s = time.monotonic() + APPLIED_WITHIN_S
    while (done := sum((await store.load([], places)).progress.values()) + len(places)) < count:
        for worker in workers:
            if worker.returncode is not None:
                raise SystemExit(f"{worker.name} ended: {worker.tail(40)}")
        if time.monotonic() > until_s:
            raise SystemExit(f"the workers did not apply {count} events within {APPLIED_WITHIN_S:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)
    return done


async def _judged(events: Sequence[Event], store: Store, settings: Settings, cpu_us: float | None) -> Order:
    sent: dict[str, list[Event]] = {}
    for event in events:
        sent.setdefault(event.user_id, []).append(event)
    neighbours = against = not_latest = wrong = 0
    for (_, theirs), raw in zip(sent.items(), await store.states(list(sent)), strict=True):
        state = user_state_codec.decode(raw)
        neighbours += len(state.times) - 1
        against += int((np.diff(state.times) < 0).sum())
        latest = [event.ts for event in theirs][-settings.state.history :]
        not_latest += sorted(state.times.tolist()) != latest
        stars = [event.rating for event in theirs if isinstance(event, Review) and event.rating]
        wrong += (state.interactions, state.rating_count, state.rating_sum) != (
            len(theirs),
            len(stars),
            sum(stars),
        )
    return Order(
        events=len(events),
        users=len(sent),
        against=round(against / max(neighbours, 1), 5),
        not_latest=not_latest,
        wrong=wrong,
        late=round(await _late(store) / len(events), 5),
        cpu_us=cpu_us,
    )


async def _late(store: Store) -> int:
    late, position = 0, START
    while entries := await store.read_ledger(position, LEDGER_PAGE):
        position = entries[-1].position
        for entry in entries:
            late += sum(len(entered.following) > 0 for entered in decode_record(entry.payload).interactions)
    return late


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    plan = Plan()
    parser.add_argument("--events", type=int, default=plan.events, metavar="N", help="in all (20,000)")
    parser.add_argument("--users", type=int, default=plan.users, metavar="N", help="who act (300)")
    parser.add_argument("--workers", type=int, default=plan.workers, metavar="N", help="at any time (2)")
    parser.add_argument("--kills", type=int, default=plan.kills, metavar="N", help="SIGKILLs (6)")
    parser.add_argument(
        "--rate",
        type=float,
        default=plan.rate,
        metavar="R",
        help="events a second (0: all before the workers)",
    )
    parser.add_argument("--seed", type=int, default=plan.seed, metavar="N", help="of the events (7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    args = parser.parse_args()
    plan = Plan(
        events=args.events,
        users=args.users,
        workers=args.workers,
        kills=args.kills,
        rate=args.rate,
        seed=args.seed,
    )
    machine = this_machine()
    with (
        Steps(Console()) as steps,
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder,
        LocalStack(load(), progress=steps.step) as stack,
    ):
        steps.step("sending events, killing workers")
        order = asyncio.run(measure(plan, stack.settings, Path(folder)))
    print(
        f"{order.events:,} events of {order.users} users: {order.against:.2%} of neighbours against their"
        f" times, {order.not_latest} users without their latest, {order.wrong} with a wrong count;"
        f" {order.late:.2%} applied late"
        + ("" if order.cpu_us is None else f"; {order.cpu_us:.0f} us CPU an event")
    )
    if args.json is not None:
        report = Report(machine, plan.workers, plan.kills, plan.rate, order)
        args.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


if __name__ == "__main__":
    main()
