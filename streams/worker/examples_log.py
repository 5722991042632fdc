"""Logs training examples while the worker serves: taken right before an event is folded, by the code that
`replay` trains with; written as Parquet, in a thread that yields to everything else.

Only events that were written become examples: those of a batch that was not are taken back. A worker that is
killed loses the shards in the making and leaves no half-written one. Whatever fails here is counted, and the
worker goes on.

Three threads take part. Shards in the making belong to the core's thread, since they read the catalog. The
loop's thread hands closed shards to the one that writes, and counts what became of them.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from model.examples import Example, ItemTable, shard
from model.shard_writing import write_shard
from streams.cancelling import cancelled
from streams.clock import Clock
from streams.examples.collector import ExampleCollector
from streams.examples.folder import KINDS, LEARN, WHOLE, prune, shard_name
from streams.examples.sampled import place_of
from streams.examples.target import Target
from streams.ranking.model_inputs import feature_names
from streams.recommender import Recommender
from streams.serving.background import Background
from streams.serving.core_thread import CoreThread
from streams.settings.tree import Settings
from streams.state.user_state import UserState
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
WAITING_MAX = 4
"""Closed shards that wait to be written; where the disk can't keep up, further ones are dropped."""


class ExamplesLog:
    """`begin` and `take` as a batch is folded, then `keep` or `undo`, all in the thread of `core`; never
    raises.

    The next batch may be folded before the last one is kept. `undo` is for both: what was folded on a batch
    that was not written will be folded again. Made, started and stopped in the loop's thread.
    """

    def __init__(self, settings: Settings, core: CoreThread, metrics: WorkerMetrics, clock: Clock) -> None:
        self.settings, self.metrics, self.clock = settings.examples, metrics, clock
        self._core, self._loop = core, asyncio.get_running_loop()
        self.folder, self.trouble = Path(settings.examples.folder), ""
        self._seed, self._writer, self._number = settings.seed, uuid.uuid4().hex[:12], 0
        self._collectors: dict[str, ExampleCollector] = {}
        self._features: Sequence[str] = ()
        self._opened_ms: dict[str, int] = {}
        self._unwritten: deque[dict[str, int]] = deque()  # of each batch, what was taken
        self._background = Background()
        self._writing: set[asyncio.Task[None]] = set()
        self.rotating: asyncio.Task[None] | None = None

    def begin(self, recommender: Recommender) -> None:
        """A batch of this recommender begins; it is another one where the counters were read anew."""
        if not self._collectors or self._collectors[LEARN].recommender is not recommender:
            self._close(KINDS)
            self._features = feature_names(recommender.pipeline.names)
            self._collectors = {
                kind: ExampleCollector(recommender, self._seed, kind == WHOLE, shard_size=None)
                for kind in KINDS
            }
        self._unwritten.append(dict.fromkeys(KINDS, 0))

    def take(self, event_id: str, state: UserState, now_ms: int, met: Target) -> None:
        """An example, if the event is one of the sample; see `streams.batch.Before`."""
        if place_of(event_id, self._seed, "sample") >= self.settings.sample:
            return
        kind = WHOLE if place_of(event_id, self._seed, "whole") < self.settings.whole else LEARN
        try:
            self._unwritten[-1][kind] += self._collectors[kind].take(state, now_ms, met)
        except Exception as error:  # an example is never worth an event
            self._failed("take", 1, error)

    def keep(self) -> None:
        """The batch was written."""
        now_ms = self.clock.now_ms()
        for kind, taken in (self._unwritten.popleft() if self._unwritten else {}).items():
            if taken:
                self._opened_ms.setdefault(kind, now_ms)
        self._close_due()

    def undo(self) -> None:
        """The batch was not written, or it is not known whether it was."""
        for kind in KINDS:
            if taken := self._open(kind):
                self._collectors[kind].undo(taken)
        self._unwritten.clear()

    def _open(self, kind: str) -> int:
        """How many of the last examples belong to batches that are not written yet."""
        return sum(taken[kind] for taken in self._unwritten)

    def start(self) -> None:
        """Close shards that are due while no events come."""
        self.rotating = asyncio.create_task(self._rotate())

    async def stop(self) -> None:
        """Write what there is."""
        if self.rotating is not None:
            await cancelled(self.rotating)
        await self.written()  # so that the last shards have their turn
        await self._core.call(self._close, KINDS)
        await self.written()
        await self._background.close()

    async def written(self) -> None:
        """Returns once all closed shards were written, or have failed."""
        await self._core.call(lambda: None)  # what was closed before is handed on by then
        while self._writing:
            await asyncio.wait(self._writing)

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(min(LOOK_EVERY_S, self.settings.rotate_s))
            await self._core.call(self._close_due)

    def _close_due(self) -> None:
        now_ms = self.clock.now_ms()
        self._close([kind for kind in KINDS if self._due(kind, now_ms)])

    def _due(self, kind: str, now_ms: int) -> bool:
        if kind not in self._opened_ms:
            return False
        opened_s = (now_ms - self._opened_ms[kind]) / 1_000
        full = len(self._collectors[kind]) >= self.settings.shard_events
        return full or opened_s >= self.settings.rotate_s

    def _close(self, kinds: Sequence[str]) -> None:
        """Have the shards in the making written."""
        for kind in kinds:
            self._opened_ms.pop(kind, None)
            collector = self._collectors.get(kind)
            if not collector:
                continue
            examples, table = collector.release(self._open(kind))
            if examples:
                self._loop.call_soon_threadsafe(self._hand_on, kind, examples, table)

    def _hand_on(self, kind: str, examples: list[Example], table: ItemTable) -> None:
        """To the thread that writes; in the loop's."""
        if len(self._writing) >= WAITING_MAX:
            self._failed("full", len(examples), OSError(f"{WAITING_MAX} shards wait to be written"))
            return
        task = self._loop.create_task(self._write(kind, examples, table))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, kind: str, examples: list[Example], table: ItemTable) -> None:
        self._number += 1
        now_ms = self.clock.now_ms()
        try:
            await self._background.call(self._write_now, kind, examples, table, self._number, now_ms)
        except Exception as error:  # a full disk, a read-only folder: the worker goes on
            self._failed("write", len(examples), error)
        else:
            self.trouble = ""
            self.metrics.examples.labels(kind).inc(len(examples))
            self.metrics.example_shards.labels(kind).inc()

    def _write_now(
        self, kind: str, examples: list[Example], table: ItemTable, number: int, now_ms: int
    ) -> None:
        made = shard(examples, table)
        name = shard_name(int(made.ts_ms.min()), int(made.ts_ms.max()), self._writer, number)
        write_shard(made, self.folder / kind, name, self._features)
        prune(self.folder, self.settings.keep_days, self.settings.keep_bytes, now_ms)

    def _failed(self, reason: str, examples: int, error: Exception) -> None:
        self.metrics.example_failures.labels(reason).inc()
        if self.trouble != str(error):
            log.warning("%d examples are not logged (%s): %s", examples, reason, error)
        self.trouble = str(error)
