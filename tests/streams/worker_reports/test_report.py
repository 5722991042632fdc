"""What is stored of a report comes back, and stays small whatever a worker has to say."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.worker_reports.report import (
    BOUNDS_MS,
    REPORT_BYTES_MOST,
    STAGE_OF,
    STAGES,
    VERSION,
    Report,
    Shown,
    bucket_of,
    decode,
    encode,
)

SMALL = Report(VERSION, "host:1", 1_000, 2_000, True)


def test_a_report_comes_back() -> None:
    shown = Shown(slates=3, places=60, sources={"nearest": 60}, items={"i": 60}, item_places=60, catalogue=9)
    report = msgspec.structs.replace(SMALL, events={"clicks": (3, 2, 1)}, shown=shown)
    assert decode(encode(report)) == report
    assert len(encode(SMALL)) < 200


def test_a_report_that_is_too_long_leaves_items_and_partitions_out() -> None:
    shown = Shown(
        slates=7, sources={"nearest": 60}, items={f"{n:0500}": 1 for n in range(60)}, item_places=60
    )
    report = msgspec.structs.replace(SMALL, shown=shown, partitions={"clicks-0": (1, 2)})
    raw = encode(report)
    assert len(raw) <= REPORT_BYTES_MOST
    kept = decode(raw)
    assert (kept.shown.items, kept.shown.item_places, kept.partitions) == ({}, 0, {})
    assert (kept.shown.slates, kept.shown.sources) == (7, {"nearest": 60})


@given(st.floats(0, 1e9))
def test_each_time_has_one_bucket(ms: float) -> None:
    at = bucket_of(ms)
    assert at == len(BOUNDS_MS) or ms <= BOUNDS_MS[at]
    assert at == 0 or ms > BOUNDS_MS[at - 1]


def test_every_stage_has_its_times() -> None:
    assert set(STAGES) == set(STAGE_OF)
    # The parts follow on each other, from the whole's beginning to its end.
    parts = [STAGE_OF[name] for name in STAGES[:-1]]
    assert all(before[1] == after[0] for before, after in pairwise(parts))
    assert (parts[0][0], parts[-1][1]) == STAGE_OF["whole"]
