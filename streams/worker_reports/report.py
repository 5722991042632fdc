"""A worker's report. Counts are since the worker began: a report that is lost loses nothing, and whoever
reads two of them has the rates between. So the worker keeps no windows.
"""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from streams.state.stored_format import decoded_by_head

VERSION = 1
"""Of reports as they are stored. A field may be added at the end; another meaning is a new version."""

EVERY_S = 1.0
KEPT_MS = 60_000
"""So long after its last report a worker is known; one that ends in order takes its report away."""
REPORT_BYTES_MOST = 24_576
"""What is longer is sent without the items that were shown, and without partitions."""
PLACES_MOST, PARTITIONS_MOST, NAMES_MOST, WORDS_MOST = 192, 128, 32, 300

STAGES = ("queue", "wait", "fold", "rank", "write", "whole")
"""The times of a slate's way that are told apart, and the whole of it: see `STAGE_OF`."""
STAGE_OF = {
    "queue": ("accepted", "fetched"),
    "wait": ("fetched", "begun"),
    "fold": ("begun", "applied"),
    "rank": ("applied", "made"),
    "write": ("made", "pushed"),
    "whole": ("accepted", "pushed"),
}
"""From which time of a slate (`Slate.times`) to which: in Kafka and on the way; for its turn in the worker;
folded; ranked and packed; written. Times of other clocks may be ahead: none counts as less than 0.
"""
BOUNDS_MS = (1, 2, 3, 5, 8, 12, 18, 25, 40, 60, 100, 150, 250, 400, 600, 1_000, 2_500, 10_000, 60_000)
"""Upper bounds of the buckets; one more is above them."""


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """Of the slates that were made: of all, how many `slates` and `places`; the others of those looked at.

    `looked`: slates that were looked at, some each second. `sources`: their places, by the source that
    brought each. `items`: by item, how many of `item_places` it has: these are drawn at random from those of
    the last second alone, `PLACES_MOST` at most. `entropy_sum`, `distance_sum`: of lists, the entropy of
    their categories (0-1) and the mean distance of their items (1 - cosine of texts), summed over so many
    lists.
    `catalogue`: how many items can be had.
    """

    slates: int = 0
    places: int = 0
    looked: int = 0
    sources: dict[str, int] = {}
    items: dict[str, int] = {}
    item_places: int = 0
    entropy_lists: int = 0
    entropy_sum: float = 0.0
    distance_lists: int = 0
    distance_sum: float = 0.0
    catalogue: int = 0


class Report(msgspec.Struct, frozen=True, array_like=True):
    """`at_ms`: the worker's clock. `worker`: HOST:PROCESS. `trouble`: why it is not ready, "" where it is.

    `events`: by topic, applied, skipped, dead letters. `batch_events`: how many batches, and events in them.
    `stages`: by name of `STAGES`, how many slates in each bucket of `BOUNDS_MS`. `lag`: by topic.
    `partitions`: by place ("clicks-0"), how far it is, and where it ends. `failures`: by kind. `busy_s`: CPU
    time of the process. `memory_bytes`: resident. `models`: in service, and on which provider.
    """

    version: int
    worker: str
    began_ms: int
    at_ms: int
    ready: bool
    trouble: str = ""
    events: dict[str, tuple[int, int, int]] = {}
    batch_events: tuple[int, int] = (0, 0)
    stages: dict[str, list[int]] = {}
    rungs: dict[str, int] = {}
    lag: dict[str, int] = {}
    partitions: dict[str, tuple[int, int]] = {}
    queued: int = 0
    dead_letters: dict[str, int] = {}
    failures: dict[str, int] = {}
    models: dict[str, str] = {}
    ledger: str = ""
    followed: int = 0
    leads: bool = False
    memory_bytes: int = 0
    busy_s: float = 0.0
    shown: Shown = Shown()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Report)


def encode(report: Report) -> bytes:
    """A report as msgpack, of `REPORT_BYTES_MOST` at most."""
    raw = _encoder.encode(report)
    if len(raw) > REPORT_BYTES_MOST:
        shown = msgspec.structs.replace(report.shown, items={}, item_places=0)
        raw = _encoder.encode(msgspec.structs.replace(report, shown=shown, partitions={}))
    return raw


def decode(raw: bytes) -> Report:
    """The report that `encode` packed; `StoreError` for anything else."""
    return decoded_by_head("worker's report", _decoder, raw, VERSION)


def bucket_of(ms: float) -> int:
    """The bucket of a time.

    >>> bucket_of(0.4), bucket_of(1), bucket_of(1.5), bucket_of(10**9) == len(BOUNDS_MS)
    (0, 0, 1, True)
    """
    return bisect_left(BOUNDS_MS, ms)
