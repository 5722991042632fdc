"""What an impression costs a worker: CPU of its process, with a real Valkey beside it and without Kafka.

    python -m benchmarks.impressions

Every user has a full state: a whole history, and as many consumed items as fit; and a feed whose features are
kept. Each impression shows 20 items of another slate; since four wait, it closes one, which is a lesson.

`kept`: users whose values the worker has at hand; `read`: users it has not met for long.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from model.features import LIVE_FEATURES
from streams.clock import SystemClock
from streams.events.schema import Impression, encode, key_of
from streams.kafka.dead_letters import DeadLetter
from streams.kafka.message import Message
from streams.learning.kept_slates import KeptSlate, UserSlates
from streams.learning.kept_slates_codec import encode as encode_slates
from streams.learning.looks import pack_looks
from streams.local.valkey import ValkeyServer
from streams.serving.replica import Replica
from streams.settings.sections import RedisSettings
from streams.settings.tree import Settings
from streams.state.consumed import EVERY_ACTION, NOTHING
from streams.state.user_state import UserState
from streams.state.user_state_codec import encode as encode_state
from streams.stores.base import Commit
from streams.stores.redis import RedisStore
from streams.worker.batches import Batches
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Reader

ITEMS, SHOWN, CONSUMED = 60_000, 20, 6_000
BATCHES = (1, 32, 128)
USERS = {"kept": 256, "read": 12_000}  # the latter are more than `worker.states_kept`


class _Nobody:
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


def made_slate() -> KeptSlate:
    """The user's feed, with the features of its places."""
    columns = len(LIVE_FEATURES) + 8
    return KeptSlate(
        slate_id="feed",
        ts=SystemClock().now_ms(),
        rows=tuple(range(SHOWN)),
        looks=pack_looks(
            np.ones(SHOWN, np.float32), features=np.ones((SHOWN, columns), np.float16), names=bytes(8)
        ),
    )


def shown(number: int, user: str, rng: np.random.Generator) -> Message:
    """An impression at offset `number`."""
    event = Impression(
        event_id=str(number),
        ts=SystemClock().now_ms(),
        user_id=user,
        slate_id=f"slate-{number}",
        items=[f"i{row}" for row in rng.choice(ITEMS, SHOWN, replace=False).tolist()],
    )
    return Message("impressions", 0, number, event.ts, key_of(event), encode(event), {})


async def measured(url: str, count: int) -> list[tuple[str, int, float, float]]:
    """Of each case: CPU in ms and throughput for each impression."""
    settings = Settings(redis=RedisSettings(url=url, timeout_ms=20_000))
    store, clock, nobody, rng = RedisStore(settings.redis), SystemClock(), _Nobody(), np.random.default_rng(0)
    states = [full_state(rng) for _ in range(8)]
    names = [f"u{n}" for n in range(max(USERS.values()))]
    looks = encode_slates(UserSlates((made_slate(),)))
    for at in range(0, len(names), 500):
        written = {name: states[n % len(states)] for n, name in enumerate(names[at : at + 500])}
        kept = dict.fromkeys(written, looks)
        await store.commit(Commit({}, {}, written, {}, {}, slates=kept), "benchmark")
    replica, metrics = Replica(settings, store, clock), WorkerMetrics()
    async with replica.lock:
        await replica.rebuild()
        await replica.meet([f"i{row}" for row in range(ITEMS)])
    reader = Reader(settings.events, clock, metrics, nobody.check)
    batches = Batches(settings, store, replica, nobody, reader, nobody, nobody, metrics, clock)
    results, offset = [], 0
    for case, users in USERS.items():
        for size in BATCHES:
            turns = max(20, count // size)
            taken = [f"u{n}" for n in range(users)]
            for warm in (True, False):
                messages = []
                for _ in range(turns * size):
                    messages.append(shown(offset, taken[offset % users], rng))
                    offset += 1
                cpu_s, wall_s = time.process_time(), time.perf_counter()
                for at in range(0, len(messages), size):
                    await batches.handle(messages[at : at + size])
                cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
                if not warm:
                    results.append((case, size, 1_000 * cpu_s / len(messages), len(messages) / wall_s))
    await store.close()
    return results


def main() -> None:
    """Start a Valkey of its own, measure, and print a table."""

    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer.start(Path(folder))
        try:
            results = asyncio.run(measured(server.url, count=4_000))
        finally:
            server.stop()
    table = Table("users", "batch", "CPU ms an impression", "impressions/s", title="Impressions of 20 items")
    for case, size, cpu_ms, throughput in results:
        table.add_row(case, str(size), f"{cpu_ms:.3f}", f"{throughput:,.0f}")
    Console().print(table)
    print(msgspec.json.encode(results).decode())


if __name__ == "__main__":
    main()
