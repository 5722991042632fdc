"""What a slate costs by the size of the catalogue: source by source, and what the indexes find.

All in one process, without broker and store: CPU time, which other processes change little.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from streams.bench.synthetic import catalogue, core_with, learned
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.recommender import Recommender
from streams.serving.kept_counters import CountersCopy
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings
from streams.state.user_state import UserState

TEXT_DIM = 64
USERS, EVENTS = 500, 10_000
NOW_MS = 1_700_000_000_000
BATCH = 16
ROUNDS = 12


class SnapshotPieces(NamedTuple):
    """CPU milliseconds of the core's thread for the pieces in which a snapshot is copied between batches: the
    longest one, which is how long a batch may wait for it, and all of them. The beginning is one of them.
    """

    pieces: int
    longest_ms: float
    all_ms: float


@dataclass(frozen=True)
class CatalogueRow:
    """One size. start_s: CPU seconds of each phase of a start, without the store's part. stage_us: CPU
    microseconds a draft of each stage before scoring; source_us: what a source adds to the stage Find.
    recall: of each index on these users, against an exact search; none where searches are exact. rss_mib: of
    the process. snapshot: how a snapshot's copy held up batches.
    """

    items: int
    start_s: dict[str, float]
    stage_us: dict[str, float]
    source_us: dict[str, float]
    recall: dict[str, float]
    rss_mib: float
    snapshot: SnapshotPieces


def catalogue_rows(
    sizes: Sequence[int], settings: Settings, model: Path | None = None, batch: int = BATCH
) -> list[CatalogueRow]:
    """A row for each size, with requests in batches of `batch`. model: a model's folder, for the source
    `learned`; None: that brings nothing.
    """
    return [_row(size, settings, model, batch) for size in sizes]


def _row(items: int, settings: Settings, model: Path | None, batch: int) -> CatalogueRow:
    start_s: dict[str, float] = {}
    records = catalogue(items, TEXT_DIM, NOW_MS, settings.seed)
    with _timed(start_s, "items"):
        core = core_with(settings, records, NOW_MS)
    states = learned(core, USERS, EVENTS, NOW_MS, settings.seed)
    with _timed(start_s, "index of texts"):
        core.prepare()
    if model is not None:
        core.serve(load_in_service(model, settings.model, core.pipeline.names))
        with _timed(start_s, "item vectors and their index"):
            core.prepare()
    users = list(states.items())
    asking = [users[n % len(users)] for n in range(batch * ROUNDS)]
    names = core.pipeline.names
    every = _stage_us(core, asking, batch, names)
    return CatalogueRow(
        items=items,
        start_s=start_s,
        stage_us=every,
        source_us={name: _added_us(core, asking, batch, every, name) for name in names},
        recall=_recall(core, asking),
        rss_mib=round(psutil.Process().memory_info().rss / 2**20, 1),
        snapshot=_snapshot(core),
    )


@contextmanager
def _timed(into: dict[str, float], name: str) -> Iterator[None]:
    began = time.process_time()
    yield
    into[name] = round(time.process_time() - began, 3)


def _requests(
    core: Recommender, users: Sequence[tuple[str, UserState]], sources: Sequence[str]
) -> list[RankRequest]:
    plan = core.plan({"candidates": {"sources": list(sources)}})
    return [core.request(state, NOW_MS, user=user, plan=plan) for user, state in users]


def _stage_us(
    core: Recommender, users: Sequence[tuple[str, UserState]], batch: int, sources: Sequence[str]
) -> dict[str, float]:
    """CPU microseconds a draft of each stage before scoring: the median over the batches."""
    requests, spent = _requests(core, users, sources), defaultdict[str, list[float]](list)
    for at in range(0, len(requests), batch):
        making = RankBatch(requests[at : at + batch])
        for stage in core.pipeline.gathering:
            asked = [b for b, request in enumerate(making.requests) if stage.enable(request)]
            began = time.process_time_ns()
            if asked:
                stage.run(making, asked)
            spent[type(stage).__name__].append((time.process_time_ns() - began) / 1_000 / batch)
    return {name: round(statistics.median(each), 1) for name, each in spent.items()}


def _added_us(
    core: Recommender,
    users: Sequence[tuple[str, UserState]],
    batch: int,
    every: Mapping[str, float],
    name: str,
) -> float:
    """What a source adds to the time of all others."""
    others = [each for each in core.pipeline.names if each != name]
    return round(every["Find"] - _stage_us(core, users, batch, others)["Find"], 1)


def _snapshot(core: Recommender) -> SnapshotPieces:
    """The second copy that this process makes: the first one asks the system for its pages."""
    for _ in range(2):
        spent = list[int]()
        began = time.thread_time_ns()
        copy = CountersCopy(core)
        whole = False
        while not whole:
            spent.append(time.thread_time_ns() - began)
            began = time.thread_time_ns()
            whole = copy.step()
        spent.append(time.thread_time_ns() - began)
        copy.end()
    return SnapshotPieces(len(spent), round(max(spent) / 1e6, 3), round(sum(spent) / 1e6, 3))


def _recall(core: Recommender, users: Sequence[tuple[str, UserState]]) -> dict[str, float]:
    """Each of these users' searches is made again, exactly."""
    indexes = [index for index in core.pipeline.indexes if index.cells is not None]
    for index in indexes:
        index.configure(msgspec.structs.replace(core.settings.index, watch_every=1), beside=True)
    for request in _requests(core, users, core.pipeline.names):
        core.pipeline.gather([request])
        for index in indexes:
            index.wait()
    core.index_beside(False)
    return {index.name: round(index.watch.recall, 4) for index in indexes}
