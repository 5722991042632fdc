"""Live feeds on the local stack: how soon a feed is pushed, and what connections and pushes cost.

    python -m benchmarks.live [--followers 50] [--clicks 400] [--idle 5000] [--pushes 4000] [--json FILE]

Kafka, Valkey, a worker and a gateway run as processes of their own, with the demo's data and model.

    latency     `--clicks` clicks, one after the other, of users whose feeds are followed: from when the
                gateway accepted the event to when its feed was received; from when the worker had made it;
                and from when the client began to send the click
    push        `--pushes` feeds, written to the store and followed by one connection each: the gateway's CPU
    idle        `--idle` connections, each of another user: by how much the gateway's memory grows

The client reads bytes; what a browser adds is another benchmark. Latencies tell something only on a machine
that does nothing else; memory and CPU also on a busy one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import numpy as np
import psutil
from rich.console import Console

from benchmarks.machine import made
from streams.bench.world import BenchOptions, World, seed_world, world_of
from streams.demo.progress import Steps
from streams.local.ports import free_ports
from streams.local.services import Services
from streams.local.stack import LocalStack
from streams.ranking.slate import Slate, decode, encode
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.commit import Commit
from streams.stores.redis.store import RedisStore

PACKAGES = ("headrace", "uvicorn", "uvloop", "redis", "aiokafka", "faust-streaming", "onnxruntime")
WARM_UP = 20
SETTLE_S = 3.0
PATIENCE_S = 30.0


class Follower(NamedTuple):
    """A connection that follows a user's feed."""

    user: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def feed(self) -> tuple[dict[str, Any], float]:
        """The next feed, and when it was there (ms since the epoch)."""
        async with asyncio.timeout(PATIENCE_S):
            while not (line := await self.reader.readline()).startswith(b"data: "):
                if not line:
                    raise ConnectionError(f"the connection of {self.user} was closed")
        now_ms = time.time_ns() / 1e6
        return json.loads(line[6:]), now_ms


async def follow(port: int, user: str) -> Follower:
    """Follow a feed; returns once the present one was received."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 17)
    writer.write(f"GET /v1/users/{user}/live HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    follower = Follower(user, reader, writer)
    await follower.feed()
    return follower


async def latency(url: str, followers: list[Follower], items: list[str], clicks: int) -> dict[str, Any]:
    """Milliseconds from a click to its feed."""
    accepted, sent, made_at = [], [], []
    rng = np.random.default_rng(7)
    async with httpx.AsyncClient(base_url=url) as client:
        for number in range(WARM_UP + clicks):
            one = followers[number % len(followers)]
            click = {"type": "click", "event_id": f"live-{number}", "ts": time.time_ns() // 1_000_000}
            click |= {"user_id": one.user, "item_id": items[rng.integers(len(items))]}
            began_ms = time.time_ns() / 1e6
            (await client.post("/v1/events", json=click)).raise_for_status()
            while True:
                feed, now_ms = await one.feed()
                if feed["cause"] == click["event_id"]:
                    break
            if number >= WARM_UP:
                accepted.append(now_ms - feed["times"]["accepted"])
                made_at.append(now_ms - feed["times"]["made"])
                sent.append(now_ms - began_ms)
            await asyncio.sleep(0.02)
    return {
        "clicks": clicks,
        "from_accepted_ms": quantiles(accepted),
        "from_made_ms": quantiles(made_at),
        "from_sent_ms": quantiles(sent),
    }


def quantiles(values: list[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2)}


async def idle(port: int, gateway: psutil.Process, count: int) -> dict[str, Any]:
    """What so many connections that wait cost."""
    await asyncio.sleep(SETTLE_S)
    before = gateway.memory_info().rss
    at_once = asyncio.Semaphore(50)

    async def one(number: int) -> Follower:
        async with at_once:
            return await follow(port, f"idle-{number}")

    opened = await asyncio.gather(*(one(number) for number in range(count)))
    await asyncio.sleep(SETTLE_S)
    grown = gateway.memory_info().rss - before
    began_s, cpu_s = time.monotonic(), cpu(gateway)
    await asyncio.sleep(20.0)
    waiting = (cpu(gateway) - cpu_s) / (time.monotonic() - began_s)
    for each in opened:
        each.writer.close()
    return {
        "connections": count,
        "grown_mb": round(grown / 1e6, 1),
        "kb_each": round(grown / 1e3 / count, 1),
        "cpu_share_while_idle": round(waiting, 4),
    }


async def pushes(settings: Settings, gateway: psutil.Process, followers: list[Follower], count: int) -> Any:
    """CPU of the gateway for a pushed feed, and for one that it only hears of."""
    store = RedisStore(settings.redis, settings.state, settings.learning)
    try:
        slates = [decode(raw) for raw in await feeds_of(store, [each.user for each in followers])]
        spent = {}
        for name, users in (("pushed", ""), ("heard", "nobody-follows-")):
            cpu_s = cpu(gateway)
            for number in range(count):
                slate, follower = slates[number % len(slates)], followers[number % len(slates)]
                user = follower.user if not users else f"{users}{number % 100}"
                await write(store, user, slate, f"bench-{name}-{number}")
                if not users:
                    while (await follower.feed())[0]["slate_id"] != f"bench-{name}-{number}":
                        pass
            spent[f"{name}_us"] = round(1e6 * (cpu(gateway) - cpu_s) / count, 1)
        return {"feeds": count, **spent}
    finally:
        await store.close()


async def feeds_of(store: RedisStore, users: list[str]) -> list[bytes]:
    """The stored feeds of those who have one."""
    found = await store.read_feeds(users)
    return [raw for raw in found.feeds if raw is not None]


async def write(store: RedisStore, user: str, slate: Slate, name: str) -> None:
    """A batch with this feed alone."""
    feed = msgspec.structs.replace(slate, slate_id=name, user_id=user)
    await store.commit(Commit({}, {}, {}, {user: encode(feed)}, {}), "bench")


def cpu(process: psutil.Process) -> float:
    """Seconds, user and system."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def measure(args: argparse.Namespace, world: World, settings: Settings, services: Services) -> Any:
    """All three parts."""
    assert services.gateway is not None
    gateway, port = psutil.Process(services.gateway.pid), settings.gateway.port
    found: dict[str, Any] = {}
    followers = [await follow(port, user) for user in world.users[: args.followers]]
    found["latency"] = await latency(services.gateway_url, followers, world.items, args.clicks)
    found["push"] = await pushes(settings, gateway, followers, args.pushes)
    found["idle"] = await idle(port, gateway, args.idle)
    with contextlib.suppress(ConnectionError):
        for each in followers:
            each.writer.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--followers", type=int, default=50, metavar="N")
    parser.add_argument("--clicks", type=int, default=400, metavar="N")
    parser.add_argument("--idle", type=int, default=5_000, metavar="N")
    parser.add_argument("--pushes", type=int, default=4_000, metavar="N")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="holds the demo's model")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="train, where there is no model, on so many events"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    args = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(args.idle + 1_024, hard), hard))
    (port,) = free_ports(1)
    tree = {"gateway": {"port": port}, "ranker": {"where": "off"}}
    steps = Steps(Console())
    words = f"--followers {args.followers} --clicks {args.clicks} --idle {args.idle} --pushes {args.pushes}"
    limit = "" if args.limit is None else f" --limit {args.limit}"
    result = made(f"python -m benchmarks.live {words}{limit}", PACKAGES)
    with contextlib.ExitStack() as running:
        logs = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="headrace-live-")))
        stack = running.enter_context(LocalStack(override(Settings(), tree), progress=steps.step))
        world = world_of(BenchOptions(folder=args.folder, limit=args.limit), stack.settings, steps)
        asyncio.run(seed_world(world))
        services = running.enter_context(Services(world.settings, logs, 1, steps.step))
        steps.done()
        result |= asyncio.run(measure(args, world, world.settings, services))
    for part in ("latency", "push", "idle"):
        print(part, json.dumps(result[part]))
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
