"""Rates between reports: never of another run of a worker, never of a gap; quantiles within their buckets."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.worker_reports.rates import GAP_MS, Happened, between, quantile_ms, together
from streams.worker_reports.report import BOUNDS_MS, VERSION, Report, Shown, bucket_of

BEFORE = Report(
    VERSION,
    "host:1",
    began_ms=500,
    at_ms=1_000,
    ready=True,
    events={"clicks": (10, 1, 0)},
    batch_events=(2, 11),
    stages={"whole": [1] * 20},
    rungs={"full": 10},
    busy_s=1.0,
    shown=Shown(slates=10, sources={"nearest": 100}, entropy_lists=4, entropy_sum=2.0),
)
AFTER = msgspec.structs.replace(
    BEFORE,
    at_ms=3_000,
    events={"clicks": (30, 1, 2), "reviews": (4, 0, 0)},
    batch_events=(5, 37),
    stages={"whole": [1] * 19 + [8]},
    rungs={"full": 20, "fewer": 4},
    busy_s=1.5,
    shown=Shown(
        slates=34, sources={"nearest": 300, "fresh": 40}, items={"i": 2}, item_places=2, entropy_lists=6,
        entropy_sum=3.0,
    ),
)  # fmt: skip


def test_what_happened_between_two_reports() -> None:
    happened, seconds = between(BEFORE, AFTER)
    assert seconds == 2.0
    assert (happened.applied, happened.skipped, happened.letters, happened.slates) == (24, 0, 2, 24)
    assert (happened.batches, happened.batch_events, happened.busy_s) == (3, 26, 0.5)
    assert happened.rungs == {"full": 10, "fewer": 4}
    assert happened.sources == {"nearest": 200, "fresh": 40}
    assert (happened.items, happened.entropy_lists, happened.entropy_sum) == ({"i": 2}, 2, 1.0)
    assert sum(happened.stages["whole"]) == 7


@pytest.mark.parametrize(
    "before",
    [
        None,
        msgspec.structs.replace(BEFORE, began_ms=400),
        msgspec.structs.replace(BEFORE, at_ms=AFTER.at_ms),
        msgspec.structs.replace(BEFORE, at_ms=AFTER.at_ms - GAP_MS - 1),
        msgspec.structs.replace(BEFORE, at_ms=AFTER.at_ms + 1),
    ],
)
def test_what_can_not_be_compared_has_no_rate(before: Report | None) -> None:
    assert between(before, AFTER) == (Happened(), 0.0)


def test_parts_add_up() -> None:
    part, _ = between(BEFORE, AFTER)
    whole = together([part, part, Happened()])
    assert (whole.applied, whole.rungs["full"], whole.busy_s) == (48, 20, 1.0)
    assert sum(whole.stages["whole"]) == 14
    assert part.applied == 24, "the parts stay as they are"
    assert sum(part.stages["whole"]) == 7


@given(st.lists(st.floats(0, 59_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_lies_in_the_bucket_of_the_value_itself(values: list[float], share: float) -> None:
    counts = [0] * (len(BOUNDS_MS) + 1)
    for value in values:
        counts[bucket_of(value)] += 1
    found = quantile_ms(counts, share)
    exact = float(np.quantile(values, share, method="inverted_cdf"))
    assert found is not None
    bucket = bucket_of(exact)
    low, high = BOUNDS_MS[bucket - 1] if bucket else 0, BOUNDS_MS[bucket]
    assert low <= found <= high
