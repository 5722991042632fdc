"""What measuring experiments costs: CPU of an event in a worker and in its store, with 20 experiments in 5
layers of 3 metrics each, and with none; with a real Valkey and without Kafka.

    python -m benchmarks.measuring [--model FOLDER] [--events 2000] [--rounds 5]

`--model`: a registered model's folder, which scores all slates; without one the counters make them. Half of
the events are impressions of 10 items, which name an arm of one experiment of each layer; half are clicks,
each of which makes a slate. Both ways take the same events in turn, batch by batch; every user comes back.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

from redis import Redis

from benchmarks.impressions import Nobody
from streams import gc_pauses
from streams.clock import SystemClock
from streams.events.schema import TOPIC_OF, AnyEvent, Click, Impression, encode, key_of
from streams.experiments.assignment.arm_text import Served, text_of
from streams.experiments.measured import NOTHING_MEASURED, Measured, MeasuredExperiment, measured
from streams.kafka.message import Message
from streams.local.valkey import ValkeyServer
from streams.serving.loading import load_in_service
from streams.serving.replica import Replica
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from streams.worker.batches import Batches
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Reader

ITEMS, USERS, PLACES = 2_000, 300, 10
LAYERS, EXPERIMENTS = 5, 20
METRICS = ("click_through", "conversion", "revenue")
BATCHES = (1, 16)


def running() -> Measured:
    """Two arms each."""
    known = Settings().known_metrics
    metrics = tuple(known[name] for name in METRICS)
    return measured(
        MeasuredExperiment(f"experiment-{n}", frozenset({"control", "treatment"}), metrics)
        for n in range(EXPERIMENTS)
    )


def arms_of(user: int) -> str:
    """One experiment of each layer."""
    each = EXPERIMENTS // LAYERS
    served = (
        Served(f"experiment-{layer * each + user % each}", ("control", "treatment")[(user >> layer) % 2])
        for layer in range(LAYERS)
    )
    return text_of(served, "default")


def events(count: int, seed: int) -> list[Message]:
    """In the order of their times, a second apart; a user comes back after some minutes."""
    draw, made, offsets = random.Random(seed), list[Message](), {"clicks": -1, "impressions": -1}
    begin_ms = SystemClock().now_ms() - 1_000 * count
    for n in range(count):
        user, ts = draw.randrange(USERS), begin_ms + 1_000 * n
        event: AnyEvent
        if n % 2:
            item = f"i{min(int(draw.expovariate(0.005)), ITEMS - 1)}"
            event = Click(event_id=f"e{n}", ts=ts, user_id=f"u{user}", item_id=item)
        else:
            items = [f"i{each}" for each in draw.sample(range(ITEMS), PLACES)]
            event = Impression(
                event_id=f"e{n}", ts=ts, user_id=f"u{user}", slate_id=f"s{n}", items=items, arm=arms_of(user)
            )
        topic = TOPIC_OF[type(event)]
        offsets[topic] += 1
        made.append(Message(topic, 0, offsets[topic], ts, key_of(event), encode(event), {}))
    return made


class Way:
    """A worker's parts beside a store; `worker_s` and `store_s`: CPU so far."""

    def __init__(self, url: str, name: str, running: Measured) -> None:
        settings = override(Settings(), {"redis": {"url": url, "prefix": f"{name}:", "timeout_ms": 20_000}})
        clock, nobody, metrics = SystemClock(), Nobody(), WorkerMetrics()
        self.store, self.server = RedisStore(settings.redis), Redis.from_url(url)
        self.replica = Replica(settings, self.store, clock)
        self.replica.measured = running
        reader = Reader(settings.events, clock, metrics, nobody.check)
        self.batches = Batches(
            settings, self.store, self.replica, nobody, reader, nobody, nobody, metrics, clock
        )
        self.worker_s = self.store_s = 0.0

    async def start(self, model: Path | None) -> None:
        """Know the items, and the model."""
        async with self.replica.lock:
            await self.replica.rebuild()
            await self.replica.meet([f"i{n}" for n in range(ITEMS)])
        core = self.replica.recommender
        if model is not None:
            core.serve(load_in_service(model, Settings().model, core.pipeline.names))
            core.prepare()

    async def take(self, batch: Sequence[Message]) -> None:
        """Fold a batch, and write it."""
        store_s, worker_s = self._store_s(), time.process_time()
        await self.batches.handle(batch)
        self.worker_s += time.process_time() - worker_s
        self.store_s += self._store_s() - store_s

    def _store_s(self) -> float:
        used = self.server.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])

    async def close(self) -> None:
        """Let go of the store."""
        self.server.close()
        await self.store.close()


async def compare(url: str, model: Path | None, count: int, rounds: int, size: int) -> None:
    """Print what both ways cost, in batches of `size`."""
    ways = [
        Way(url, f"none-{size}", NOTHING_MEASURED),
        Way(url, f"measured-{size}", running()),
    ]
    for way in ways:
        await way.start(model)
    gc_pauses.freeze()
    stream = events(count * (rounds + 1), seed=1)
    spent: list[tuple[float, ...]] = []
    for number in range(rounds + 1):
        part = stream[number * count : (number + 1) * count]
        for way in ways:
            way.worker_s = way.store_s = 0.0
        for at in range(0, len(part), size):
            for way in ways if at // size % 2 else ways[::-1]:
                await way.take(part[at : at + size])
        if number:  # the first one warms up, and exposes users
            spent.append(tuple(1e6 * s / len(part) for way in ways for s in (way.worker_s, way.store_s)))
    for way in ways:
        await way.close()
    worker, store, more_worker, more_store = (
        statistics.median(column) for column in zip(*spent, strict=True)
    )
    ratio = statistics.median((each[2] + each[3]) / (each[0] + each[1]) for each in spent)
    print(
        f"batches of {size}: CPU us an event, worker and store: {worker:.0f} + {store:.0f} with nothing"
        f" measured, {more_worker:.0f} + {more_store:.0f} with {EXPERIMENTS} experiments in {LAYERS} layers"
        f" x {len(METRICS)} metrics; the worker's {more_worker / worker - 1:+.1%}, both {ratio - 1:+.1%}"
    )


def main() -> None:
    """Start a Valkey of its own, and measure: medians over rounds."""
    parser = argparse.ArgumentParser(description="What measuring experiments costs a worker.")
    parser.add_argument("--events", type=int, default=2_000, help="of a round")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer.start(Path(folder))
        try:
            for size in BATCHES:
                asyncio.run(compare(server.url, args.model, args.events, args.rounds, size))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
