"""What an impression costs, and a click that answers one: CPU of the worker's process and of its store, with
a real Valkey and without Kafka.

    python -m benchmarks.impressions [--impressions 4000] [--json FILE]

Every user has a full state: a whole history, and as many consumed items as fit; and a feed whose features are
kept. What comes, of 20 items each:

    list    each impression shows another list of the app's own; since four wait, it closes one: a lesson
    again   each shows the user's feed, which they have seen before
    click   each click answers an item of that feed, and makes a new one (no model is served)

`kept`: users whose values the worker has at hand; `read`: users it has not met for long.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

import numpy as np
from redis import Redis
from rich.console import Console
from rich.table import Table

from benchmarks.machine import made
from model.feature_names import LIVE_FEATURES
from streams import gc_pauses
from streams.clock import SystemClock
from streams.events.schema import Click, Impression, encode, key_of
from streams.kafka.dead_letters import DeadLetter
from streams.kafka.message import Message
from streams.learning.kept_slates import NEVER, KeptSlate, UserSlates
from streams.learning.kept_slates_codec import encode as encode_slates
from streams.learning.looks import pack_looks
from streams.local.valkey import ValkeyServer
from streams.serving.replica import Replica
from streams.settings.connections import RedisSettings
from streams.settings.tree import Settings
from streams.state.consumed import EVERY_ACTION, NOTHING
from streams.state.user_state import UserState
from streams.state.user_state_codec import encode as encode_state
from streams.stores.commit import Commit
from streams.stores.redis.store import RedisStore
from streams.worker.batches import Batches
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Reader

ITEMS, SHOWN, CONSUMED = 60_000, 20, 6_000
BATCHES = (1, 16, 64)
USERS = {"kept": 256, "read": 12_000}  # the latter are more than `worker.states_kept`
ROUNDS = 5  # the median counts
Kind = Literal["list", "again", "click"]
KINDS: tuple[Kind, ...] = ("list", "again", "click")


class Cost(NamedTuple):
    """CPU of one event in microseconds."""

    kind: Kind
    users: str
    batch: int
    worker_us: float
    store_us: float


class Nobody:
    """Kafka and the models, which no impression asks for anything."""

    async def swap(self) -> None: ...

    def fell_back(self, asked: Mapping[str, int]) -> None: ...

    async def activated(self, name: str) -> None: ...

    async def check(self, name: str) -> None: ...

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        raise RuntimeError(f"{len(letters)} dead letters; expected none: {letters[0]}")

    async def stop(self) -> None: ...

    async def earliest(self, place: str) -> int:
        return 0

    async def end(self, place: str, after: int) -> int:
        return after + 1_000_000

    async def reread(self, place: str, offset: int) -> int:
        raise RuntimeError(f"{place} is to be read again from {offset}; expected no gap")

    def assigned(self) -> list[str]:
        return []


def full_state(rng: np.random.Generator) -> bytes:
    """A history of 50, and consumed items up to the bound."""
    settings, consumed = Settings().state, NOTHING
    rows = rng.permutation(ITEMS)[:CONSUMED].astype(np.int32)
    for row in rows.tolist():
        consumed = consumed.add(row, 1, EVERY_ACTION, settings.consumed_bytes)
    now_ms = SystemClock().now_ms()
    times = np.arange(now_ms - settings.history, now_ms, dtype=np.int64)
    history = len(times)
    state = UserState(
        items=rows[:history],
        actions=np.ones(history, np.uint8),
        ratings=np.full(history, np.nan, np.float32),
        times=times,
        consumed=consumed,
        interactions=CONSUMED,
        last_ts=int(times[-1]),
    )
    return encode_state(state)


def feed(seen: bool) -> KeptSlate:
    """A user's feed, with the features of its places; whether they have seen it."""
    columns = len(LIVE_FEATURES) + 8
    now_ms, rows = SystemClock().now_ms(), tuple(range(SHOWN))
    return KeptSlate(
        slate_id="feed",
        ts=now_ms,
        rows=rows,
        shown_ms=now_ms if seen else NEVER,
        shown=rows if seen else (),
        looks=pack_looks(
            np.ones(SHOWN, np.float32), features=np.ones((SHOWN, columns), np.float16), names=bytes(8)
        ),
    )


def message(kind: Kind, number: int, user: str, rng: np.random.Generator) -> Message:
    """The event at offset `number` of its topic."""
    now_ms, name = SystemClock().now_ms(), f"{kind}-{number}"
    event: Impression | Click
    if kind == "click":
        item = f"i{rng.integers(SHOWN)}"
        event = Click(event_id=name, ts=now_ms, user_id=user, item_id=item, slate_id="feed")
    else:
        rows = rng.choice(ITEMS, SHOWN, replace=False) if kind == "list" else np.arange(SHOWN)
        slate_id = name if kind == "list" else "feed"
        items = [f"i{row}" for row in rows.tolist()]
        event = Impression(event_id=name, ts=now_ms, user_id=user, slate_id=slate_id, items=items)
    topic = "clicks" if kind == "click" else "impressions"
    return Message(topic, 0, number, event.ts, key_of(event), encode(event), {})


class Bench:
    """A worker's parts beside a store."""

    def __init__(self, url: str) -> None:
        settings = Settings(redis=RedisSettings(url=url, timeout_ms=20_000))
        clock, nobody, metrics = SystemClock(), Nobody(), WorkerMetrics()
        self.store, self.server = RedisStore(settings.redis), Redis.from_url(url)
        self.replica = Replica(settings, self.store, clock)
        reader = Reader(settings.events, clock, metrics, nobody.check)
        self.batches = Batches(
            settings, self.store, self.replica, nobody, reader, nobody, nobody, metrics, clock
        )
        self.rng, self.sent = np.random.default_rng(0), dict.fromkeys(KINDS, 0)
        self.states = [full_state(self.rng) for _ in range(8)]
        self.offsets = {"clicks": 0, "impressions": 0}

    async def start(self) -> None:
        """Know the items."""
        async with self.replica.lock:
            await self.replica.rebuild()
            await self.replica.meet([f"i{row}" for row in range(ITEMS)])

    async def seed(self, users: Sequence[str], seen: bool) -> None:
        """Write the users' states, and a feed each."""
        states, looks = self.states, encode_slates(UserSlates((feed(seen),)))
        for at in range(0, len(users), 500):
            written = {name: states[n % len(states)] for n, name in enumerate(users[at : at + 500])}
            kept = dict.fromkeys(written, looks)
            await self.store.commit(Commit({}, {}, written, {}, {}, slates=kept), "benchmark")

    async def costs(self, kind: Kind, users: str, batch: int, count: int) -> Cost:
        """What each of `count` events costs in batches of `batch`: the median of `ROUNDS` rounds."""
        names = [f"{kind}-{users}-{n}" for n in range(USERS[users])]
        rounds = max(1, count // ROUNDS // batch)
        worker, store = [], []
        for warm in (True, *[False] * ROUNDS):
            parts = [list(self._messages(kind, names, batch)) for _ in range(rounds)]
            worker_s, store_s = time.process_time(), self._store_s()
            for part in parts:
                await self.batches.handle(part)
            if not warm:
                worker.append((time.process_time() - worker_s) / (rounds * batch))
                store.append((self._store_s() - store_s) / (rounds * batch))
        return Cost(kind, users, batch, 1e6 * float(np.median(worker)), 1e6 * float(np.median(store)))

    def _messages(self, kind: Kind, names: Sequence[str], count: int) -> Iterator[Message]:
        topic = "clicks" if kind == "click" else "impressions"
        for _ in range(count):
            number = self.offsets[topic]
            yield message(kind, number, names[self.sent[kind] % len(names)], self.rng)
            self.offsets[topic] += 1
            self.sent[kind] += 1

    def _store_s(self) -> float:
        used = self.server.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])


async def measured(url: str, count: int) -> list[Cost]:
    """Every kind of event, for users at hand and not, in batches of each size."""
    bench = Bench(url)
    await bench.start()
    gc_pauses.freeze()
    try:
        for kind in KINDS:
            for users, number in USERS.items():
                await bench.seed([f"{kind}-{users}-{n}" for n in range(number)], seen=kind != "list")
        return [
            await bench.costs(kind, users, batch, count)
            for kind in KINDS
            for users in USERS
            for batch in BATCHES
        ]
    finally:
        bench.server.close()
        await bench.store.close()


def main() -> None:
    """Start a Valkey of its own, measure, and print a table."""
    parser = argparse.ArgumentParser(description="What an impression costs, and a click that answers one.")
    parser.add_argument("--impressions", type=int, default=4_000, help="events of each case")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer.start(Path(folder))
        try:
            costs = asyncio.run(measured(server.url, arguments.impressions))
        finally:
            server.stop()
    table = Table(title="CPU us an event", title_justify="left")
    for column in ("event", "users", "batch", "worker", "store"):
        table.add_column(column)
    for cost in costs:
        table.add_row(cost.kind, cost.users, str(cost.batch), f"{cost.worker_us:.0f}", f"{cost.store_us:.0f}")
    Console().print(table)
    if arguments.json is not None:
        command = f"python -m benchmarks.impressions --impressions {arguments.impressions}"
        tree = {**made(command, ["msgspec", "redis"]), "costs": [cost._asdict() for cost in costs]}
        arguments.json.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
