"""What traces cost: CPU of an event in a gateway and in a worker, with tracing off and on.

    python -m benchmarks.tracing [--events 2000] [--rounds 7] [--ratios 0.01,0.1,1]
    python -m benchmarks.tracing --stack [--rounds 6] [--ratios 0.01,1] [--seconds 6]

With `--stack`, whole systems run (`benchmarks.traced_stack`); without it, parts of them, in this process.

The gateway's app takes each click as a request of its own, without HTTP around it; a list stands for Kafka. A
worker's parts take what is in the list, in batches, with a real Valkey and without a model. So what traces
are compared with costs less than in service, and their share is larger. Spans go over HTTP to a receiver in
another process, which throws them away. All ways take as many events in turn; what the thread that exports
spends counts. Each way's best round counts: what else the machine does makes a round cost more, never less.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry

from benchmarks.impressions import Nobody
from streams import gc_pauses
from streams.clock import SystemClock
from streams.events.schema import TOPIC_OF, AnyEvent, Click, encode, key_of
from streams.gateway.app import create_app
from streams.gateway.traced_requests import TracedRequests
from streams.gateway.traced_sink import TracedSink
from streams.kafka.message import Message
from streams.kafka.producer import Acknowledgement
from streams.local.valkey import ValkeyServer
from streams.serving.replica import Replica
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from streams.tracing.tracing import open_tracing
from streams.worker.batches import Batches
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Reader
from streams.worker.traced_batches import TracedBatches

ITEMS, USERS, BATCH = 2_000, 300, 4
RECEIVER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Log:
    """A sink that stands for Kafka: `records` are what workers would read."""

    def __init__(self) -> None:
        self.records: list[Message] = []
        self._offset = -1

    async def start(self) -> None:
        """Nothing is there to start."""

    async def deliver(
        self,
        events: Sequence[AnyEvent],
        accepted_ms: int,
        timeout_s: float,
        traceparents: Sequence[bytes | None] = (),
    ) -> Acknowledgement:
        for at, event in enumerate(events):
            headers: list[tuple[str, bytes | None]] = [("headrace-accepted", b"%d" % accepted_ms)]
            if traceparents and traceparents[at]:
                headers.append(("traceparent", traceparents[at]))
            self._offset += 1
            self.records.append(
                Message(
                    *(TOPIC_OF[type(event)], 0, self._offset, accepted_ms, key_of(event), encode(event)),
                    headers,
                )
            )
        return Acknowledgement([True] * len(events))

    async def check(self, timeout_s: float) -> None:
        """It is there."""

    async def stop(self) -> None:
        """Nothing is there to stop."""


class Way:
    """A gateway and a worker's parts; `ratio` None: they don't trace."""

    def __init__(self, url: str, endpoint: str, ratio: float | None) -> None:
        tree: dict[str, Any] = {"redis": {"url": url, "prefix": f"{ratio}:", "timeout_ms": 20_000}}
        if ratio is not None:
            tree["tracing"] = {
                "enabled": True,
                "ratio": ratio,
                "endpoint": endpoint,
                "queue_spans": 1_000_000,
            }
            tree["tracing"]["events_per_s"] = 100_000
        settings, clock, self.registry = override(Settings(), tree), SystemClock(), CollectorRegistry()
        self.tracing = open_tracing(settings, "benchmark", self.registry)
        self.log, self.store, nobody, metrics = Log(), RedisStore(settings.redis), Nobody(), WorkerMetrics()
        sink = self.log if self.tracing is None else TracedSink(self.log, self.tracing, clock)
        app = create_app(settings, self.store, sink, clock)
        self.app: ASGIApp = app if self.tracing is None else TracedRequests(app, clock)
        self.replica = Replica(settings, self.store, clock)
        reader = Reader(settings.events, clock, metrics, nobody.check)
        self.batches = Batches(
            *(settings, self.store, self.replica, nobody, reader, nobody, nobody, metrics, clock),
            traces=None if self.tracing is None else TracedBatches(self.tracing),
        )
        self._events, self._draw = 0, random.Random(7)

    async def start(self) -> None:
        """Know the items."""
        async with self.replica.lock:
            await self.replica.rebuild()
            await self.replica.meet([f"i{n}" for n in range(ITEMS)])

    async def take(self, count: int) -> tuple[float, float]:
        """CPU seconds of `count` clicks at the gateway, and with the worker's and the export's."""
        bodies = [self._click() for _ in range(count)]
        began_s = time.process_time()
        for body in bodies:
            await self._post(body)
        posted_s = time.process_time()
        records, self.log.records = self.log.records, []
        for at in range(0, len(records), BATCH):
            await self.batches.handle(list(map(self.batches.early, records[at : at + BATCH])))
        while self._waiting():  # noqa: ASYNC110  # the queue tells nobody
            await asyncio.sleep(0.2)
        return posted_s - began_s, time.process_time() - began_s

    def _click(self) -> bytes:
        self._events += 1
        item = f"i{min(int(self._draw.expovariate(0.005)), ITEMS - 1)}"
        user, now_ms = f"u{self._draw.randrange(USERS)}", SystemClock().now_ms()
        return encode(Click(event_id=f"e{self._events}", ts=now_ms, user_id=user, item_id=item))

    def _waiting(self) -> float:
        return self.registry.get_sample_value("headrace_tracing_waiting_spans") or 0.0

    def exported(self) -> float:
        """Spans so far; none may be lost."""
        name = "headrace_tracing_spans_total"
        lost = [self.registry.get_sample_value(name, {"result": each}) or 0 for each in ("dropped", "failed")]
        assert not any(lost), f"spans were dropped, failed: {lost}"
        return self.registry.get_sample_value(name, {"result": "exported"}) or 0.0

    async def _post(self, body: bytes) -> None:
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        headers.append((b"content-length", b"%d" % len(body)))
        scope: Any = {
            "type": "http", "method": "POST", "path": "/v1/events", "raw_path": b"/v1/events",
            "query_string": b"", "headers": headers, "http_version": "1.1", "root_path": "", "scheme": "http",
        }  # fmt: skip
        status = 0

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)

        await self.app(scope, receive, send)
        assert status == 202, status

    async def close(self) -> None:
        """Let go of all."""
        if self.tracing is not None:
            self.tracing.close()
        await self.store.close()


async def compare(url: str, endpoint: str, ratios: Sequence[float], count: int, rounds: int) -> None:
    """Print what each ratio costs beside no tracing."""
    ways = [Way(url, endpoint, ratio) for ratio in (None, *ratios)]
    for way in ways:
        await way.start()
    gc_pauses.freeze()
    spent: list[list[tuple[float, float]]] = []
    for number in range(rounds + 1):
        taken = {id(way): await way.take(count) for way in (ways if number % 2 else ways[::-1])}
        if number:  # the first one warms up
            spent.append([taken[id(way)] for way in ways])
    best = [
        [min(each[at][part] for each in spent) / count * 1e6 for part in (0, 1)] for at in range(len(ways))
    ]
    print(f"off: {best[0][0]:.1f} us an event at the gateway, {best[0][1]:.1f} in all")
    for at, ratio in enumerate(ratios, 1):
        gateway, whole = (best[at][part] - best[0][part] for part in (0, 1))
        spans = ways[at].exported() / (count * (rounds + 1))
        print(
            f"ratio {ratio:g}: {gateway:+.1f} us at the gateway, {whole:+.1f} us in all"
            f" ({whole / best[0][1]:+.1%}); {spans:.2f} spans an event"
        )
    for way in ways:
        await way.close()


@contextmanager
def receiving() -> Iterator[str]:
    """The endpoint of a receiver that throws all spans away."""
    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
    try:
        assert receiver.stdout is not None
        yield f"http://127.0.0.1:{receiver.stdout.readline().strip()}/v1/traces"
    finally:
        receiver.kill()
        receiver.wait()


def main() -> None:
    """Start what is measured and a receiver, and measure."""
    parser = argparse.ArgumentParser(description="What traces cost a gateway and a worker.")
    parser.add_argument("--events", type=int, default=2_000, help="of a round")
    parser.add_argument("--rounds", type=int, help="7; with --stack 6")
    parser.add_argument("--ratios", help="0.01,0.1,1; with --stack 0.01,1")
    parser.add_argument(
        "--stack", action="store_true", help="measure whole systems under 300 events a second"
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="with --stack: of a system in a round")
    args = parser.parse_args()
    told = args.ratios or ("0.01,1" if args.stack else "0.01,0.1,1")
    ratios = [float(ratio) for ratio in told.split(",")]
    with receiving() as endpoint, tempfile.TemporaryDirectory() as folder:
        if args.stack:
            from benchmarks.traced_stack import compare_stacks

            compare_stacks(endpoint, ratios, args.rounds or 6, args.seconds)
            return
        server = ValkeyServer.start(Path(folder))
        try:
            asyncio.run(compare(server.url, endpoint, ratios, args.events, args.rounds or 7))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
