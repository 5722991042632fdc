"""The core as the benchmark drives it: the same bytes again, and impressions among the events."""

from __future__ import annotations

from benchmarks.core_cost import cost, opened
from streams.events.schema import Impression


def test_the_same_events_write_the_same_bytes_again() -> None:
    digests = []
    for items in (60, 60, 61):
        worker = opened(None, items, learned=300)
        for size in (1, 3, 32, 32):
            worker.fold(worker.events(size))
        digests.append(worker.bytes.hexdigest())
    assert digests[0] == digests[1] != digests[2]


def test_users_are_shown_their_slates() -> None:
    worker = opened(None, 60, learned=300)
    for _ in range(8):
        worker.fold(worker.events(32))
    shown = [each.event for each in worker.events(32) if isinstance(each.event, Impression)]
    assert shown
    for event in shown:
        assert event.slate_id == worker.shown[event.user_id].slate_id


def test_costs_count_calls_and_time() -> None:
    found = cost(opened(None, 60, learned=300), 3, 1)
    assert found.batch == 3
    assert found.warm_us > 0.0
    assert found.cold_us > 0.0
    assert 100.0 < found.calls < 10_000.0  # of Python and C: a core that folds nothing calls next to none
