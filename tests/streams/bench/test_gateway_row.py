"""A row of numbers from what was counted."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from streams.bench.asking import Answered
from streams.bench.gateway_row import row_of
from tests.streams.bench.test_requests import plan


def test_a_row_says_how_many_how_fast_and_at_what_cost(tmp_path: Path) -> None:
    latency_ms = np.random.default_rng(1).permutation(np.arange(1.0, 202.0)).tolist()
    made = row_of(
        plan(tmp_path, 1),
        Answered(latency_ms, {"status 503": 2, "late": 1}, 2.0),
        {"gateway": 0.0201},
        201,
        200,
        1.5,
    )
    assert (made.requests, made.failed, made.rate) == (201, 3, 100.5)
    assert (made.p50_ms, made.p99_ms) == (101.0, 199.0)
    assert made.cpu_us == {"gateway": 100.0}
    assert (made.messages, made.folded, made.drained_s) == (201, 200, 1.5)


def test_without_an_answer_there_is_no_latency(tmp_path: Path) -> None:
    made = row_of(plan(tmp_path, 1), Answered([], {"late": 5}, 1.0), {"gateway": 0.5}, 0, 0, 0.0)
    assert (made.requests, made.rate, math.isnan(made.p99_ms)) == (0, 0.0, True)
