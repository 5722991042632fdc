"""What requests ask of sources is remembered, and is the same however it was asked for before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streams.ranking.candidates import asks
from streams.ranking.candidates.asks import FIRST_LINES, AskTable
from streams.ranking.request import RankRequest
from tests.streams.core import Small


def requests(small: Small, count: int) -> list[RankRequest]:
    """Each with a plan of its own."""
    made = []
    for n in range(count):
        tree: dict[str, Any] = {"candidates": {"pool": 20 + n, "weights": {"popular": 1.0 + n}}}
        if n % 3 == 0:
            tree["candidates"]["sources"] = ["popular", "fresh"]
        plan = small.core.plan(tree)
        made.append(small.core.request(small.state("u1"), small.now_ms, plan=plan, size=n % 7))
    return made


@pytest.mark.parametrize("lines", [asks.LINES, 10])
def test_a_batch_is_the_same_behind_any_others(monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    monkeypatch.setattr(asks, "LINES", lines)
    asked, table = requests(Small(), 3 * FIRST_LINES), AskTable()
    rng = np.random.default_rng(3)
    for size in (1, 1, 5, 16, 40):
        batch = [asked[k] for k in rng.integers(len(asked), size=size).tolist()]
        found, alone = table.of(batch), AskTable().of(batch)
        for one, other in zip(found.columns, alone.columns, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        assert [each.tolist() for each in found.asked] == [each.tolist() for each in alone.asked]
        assert found[2:] == alone[2:]
    for each in asked:
        assert table.of([each]).columns.pool.tolist() == AskTable().of([each]).columns.pool.tolist()
