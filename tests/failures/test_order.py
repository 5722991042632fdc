"""Histories are in the order of their events' times, and hold the latest, though workers are killed while
they catch up on two topics. `python -m benchmarks.order` is the same with more events and more kills.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.order import Plan, measure
from streams.settings.reading import override
from streams.settings.tree import Settings

BEYOND_ANY_STALL_MS = 120_000


async def test_histories_are_in_order_however_often_workers_are_killed(
    settings: Settings, tmp_path: Path
) -> None:
    """Users have twice as many events as are remembered."""
    patient = override(settings, {"worker": {"in_step_wait_ms": BEYOND_ANY_STALL_MS}})
    order = await measure(Plan(events=6_000, users=60, kills=3), patient, tmp_path)
    assert order.users == 60
    assert order.against < 0.001
    assert order.not_latest == 0
    assert order.wrong == 0, "nothing is lost, and nothing counts twice"
    assert order.late < 0.01, "the two topics were read in step"
