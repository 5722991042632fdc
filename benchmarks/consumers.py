"""What reading an event costs with each of Kafka's clients, and how long it takes from its write.

    python -m benchmarks.consumers --rates 100 300 1000 --seconds 10 --repeats 3

Starts Kafka, or takes the one at `--bootstrap`. In turn, a process reads with one of the clients through the
worker's Faust app, up to the intake; it acknowledges each event and does nothing else. Another one writes
single events, evenly. CPU is that of the whole reading process, with what it costs when nothing comes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import psutil
import uvloop
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.table import Table

from streams.kafka.topics import ensure_topics, topic_name
from streams.local.kafka import KafkaServer
from streams.settings.connections import KafkaSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.worker.app import create_app
from streams.worker.intake import BatchIntake
from streams.worker.membership import Membership
from streams.worker.waiting import Waiting

CONSUMERS = ("librdkafka", "aiokafka")
SETTLE_S = 2.0


class Outcome(NamedTuple):
    """Milliseconds from an event's write to the intake; CPU an event, of the reader and of the broker."""

    p50_ms: float
    p99_ms: float
    cpu_us: float
    broker_us: float


class Reader:
    """In place of the worker's intake."""

    def __init__(self, count: int) -> None:
        self.count, self.waits_ms = count, list[float]()
        self.done = asyncio.Event()

    async def run(self, app: Any, queue: Any) -> None:
        while True:
            record = await queue.get()
            record.ack()
            self.waits_ms.append((time.monotonic_ns() - int(record.value)) / 1e6)
            if len(self.waits_ms) == self.count:
                self.done.set()


async def read(settings: Settings, count: int) -> None:
    """The reading process: says when it is ready, and at the end what it took."""
    reader, membership = Reader(count), Membership(settings.kafka)
    app: Any = create_app(settings, cast("BatchIntake", reader), membership, Waiting())
    await app.start()
    await settle(app, membership)
    print("ready", flush=True)
    began_s = time.process_time()
    await reader.done.wait()
    cpu_us = 1e6 * (time.process_time() - began_s) / count
    p50, p99 = np.quantile(reader.waits_ms, (0.5, 0.99))
    print(json.dumps([p50, p99, cpu_us]), flush=True)
    await app.stop()


async def settle(app: Any, membership: Membership) -> None:
    """Until the reader has its partitions, and some seconds more."""
    ready_s = time.monotonic()
    while time.monotonic() < ready_s + SETTLE_S:
        await asyncio.sleep(0.1)  # no event tells of the group
        if membership.trouble or app.rebalancing:
            ready_s = time.monotonic()


async def write(kafka: KafkaSettings, rate: float, count: int) -> None:
    """`count` events, each by itself when its time comes, over all partitions of clicks and reviews."""
    client = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all")
    await client.start()
    names, acks, began_s = [topic_name(kafka, name) for name in ("clicks", "reviews")], [], time.monotonic()
    for n in range(count):
        await asyncio.sleep(max(0.0, began_s + n / rate - time.monotonic()))
        now = b"%d" % time.monotonic_ns()
        acks.append(await client.send(names[n % 2], now, partition=n // 2 % kafka.partitions))
    await asyncio.gather(*acks)
    await client.stop()


def measure(settings: Settings, rate: float, seconds: float, broker_s: Callable[[], float]) -> Outcome:
    count, kafka = round(rate * seconds), settings.kafka
    uvloop.run(ensure_topics(kafka))
    command = [sys.executable, "-m", "benchmarks.consumers", "--read", str(count), "--bootstrap"]
    command += [kafka.bootstrap, "--consumer", kafka.consumer, "--prefix", kafka.prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began_s = broker_s()
        uvloop.run(write(kafka, rate, count))
        p50_ms, p99_ms, cpu_us = json.loads(process.stdout.readline())
        return Outcome(p50_ms, p99_ms, cpu_us, 1e6 * (broker_s() - began_s) / count)


@contextmanager
def kafka_at(bootstrap: str) -> Iterator[tuple[str, Callable[[], float]]]:
    """A broker's address, and the CPU seconds that it has taken; 0 where it is not ours."""
    if bootstrap:
        yield bootstrap, lambda: 0.0
        return
    with tempfile.TemporaryDirectory() as folder:
        server = KafkaServer.start(Path(folder))
        times = psutil.Process(server.process.pid).cpu_times
        try:
            yield server.bootstrap, lambda: sum(times()[:2])
        finally:
            server.stop()


def settings_of(bootstrap: str, consumer: str, prefix: str, partitions: int = 4) -> Settings:
    return override(
        Settings(),
        {"kafka": {"bootstrap": bootstrap, "consumer": consumer, "prefix": prefix, "partitions": partitions}},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=float, nargs="+", default=[100, 300, 1_000])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--partitions", type=int, default=4, help="of each of the six topics")
    parser.add_argument("--bootstrap", default="")
    parser.add_argument("--consumer", choices=CONSUMERS, default=CONSUMERS[0], help=argparse.SUPPRESS)
    parser.add_argument("--prefix", default="", help=argparse.SUPPRESS)
    parser.add_argument("--read", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        uvloop.run(read(settings_of(options.bootstrap, options.consumer, options.prefix), options.read))
        return
    table = Table("events/s", "client", "p50 ms", "p99 ms", "CPU us an event", "broker's")
    with kafka_at(options.bootstrap) as (bootstrap, broker_s):
        for rate in options.rates:
            found: dict[str, list[Outcome]] = {name: [] for name in CONSUMERS}
            for _ in range(options.repeats):
                for name in CONSUMERS:
                    settings = settings_of(
                        bootstrap, name, f"bench-{uuid.uuid4().hex[:8]}.", options.partitions
                    )
                    found[name].append(measure(settings, rate, options.seconds, broker_s))
            for name, outcomes in found.items():
                medians = [statistics.median(values) for values in zip(*outcomes, strict=True)]
                table.add_row(
                    f"{rate:g}",
                    name,
                    *(f"{value:.2f}" for value in medians[:2]),
                    *(f"{value:.0f}" for value in medians[2:]),
                )
    Console().print(table)


if __name__ == "__main__":
    main()
