from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.bench.load import Sent
from streams.bench.observe import SeenFeed
from streams.bench.result import StepResult, seen_times, step_result, summarise, way_of


def feed(cause: str, seen_ms: float, rung: str = "full") -> SeenFeed:
    times = {"event": 0.0, "accepted": seen_ms - 9, "applied": seen_ms - 5, "pushed": seen_ms - 2}
    return SeenFeed(cause, rung, times, seen_ms)


def result(sent: Sent, seen: list[SeenFeed], applied: int) -> StepResult:
    return step_result("r", 10, 1, sent, seen, applied, {"worker": 0.5}, 2.0)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=200))
def test_quantiles_are_numpys(values: list[float]) -> None:
    found = summarise(np.array(values))
    for name, quantile in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)):
        assert found[name] == pytest.approx(float(np.percentile(values, quantile)), abs=0.006)


def test_no_values_have_no_quantiles() -> None:
    assert all(math.isnan(value) for value in summarise(np.array([])).values())


def test_a_feed_shows_its_users_events_up_to_its_cause() -> None:
    users = [0, 1, 0, 0]
    seen = [feed("r-2", 50.0), feed("r-1", 60.0)]
    np.testing.assert_array_equal(seen_times("r", users, seen), [50.0, 60.0, 50.0, math.nan])


def test_an_event_was_seen_when_it_first_was() -> None:
    seen = [feed("r-1", 50.0), feed("r-0", 70.0), feed("r-1", 80.0)]
    np.testing.assert_array_equal(seen_times("r", [0, 0], seen), [50.0, 50.0])


def test_feeds_of_other_steps_and_of_no_event_do_not_count() -> None:
    seen = [feed("warm-0", 50.0), feed("", 50.0), feed("r2-0", 50.0)]
    assert np.isnan(seen_times("r", [0], seen)).all()


def test_counts_and_stages() -> None:
    sent = Sent([0.0, 100.0, 200.0], [1.0, 101.0, 201.0], [5.0, 105.0, None], [0, 1, 2])
    step = result(sent, [feed("r-0", 20.0), feed("r-1", 130.0, "fewer")], applied=2)
    assert (step.offered, step.accepted, step.refused, step.lost, step.unseen) == (3, 2, 1, 0, 0)
    assert step.stages["due_to_sent"]["max"] == 1.0
    assert step.stages["due_to_answered"]["max"] == 5.0
    assert step.stages["accepted_to_seen"]["p50"] == 9.0
    assert step.stages["applied_to_pushed"]["p50"] == 3.0
    assert step.stages["due_to_seen"]["max"] == 30.0
    assert step.rungs == {"full": 0.5, "fewer": 0.5, "counters": 0.0, "popular": 0.0}
    assert step.cpu_ms_per_event == {"worker": 250.0}
    assert step.cores == {"worker": 0.25}


def test_what_was_accepted_and_not_applied_is_lost_and_what_no_feed_showed_is_unseen() -> None:
    sent = Sent([0.0, 100.0], [0.0, 100.0], [5.0, 105.0], [0, 1])
    step = result(sent, [feed("r-0", 20.0)], applied=1)
    assert (step.lost, step.unseen) == (1, 1)


@pytest.mark.parametrize(("last_seen_ms", "saturated"), [(1_050.0, False), (2_600.0, True)])
def test_a_queue_at_the_end_means_saturated(last_seen_ms: float, saturated: bool) -> None:
    sent = Sent([0.0, 1_000.0], [0.0, 1_000.0], [5.0, 1_005.0], [0, 1])
    step = result(sent, [feed("r-0", 20.0), feed("r-1", last_seen_ms)], applied=2)
    assert step.saturated is saturated


def test_the_way_of_an_event_is_told_part_by_part() -> None:
    """By what all feeds name of it: the worker's client tells when it fetched, or it does not."""
    sent = Sent([0.0, 100.0], [1.0, 101.0], [5.0, 105.0], [0, 1])
    seen = [feed("r-0", 20.0), feed("r-1", 130.0), feed("other-1", 130.0)]
    for each, fetched in zip(seen[:2], ({"fetched": 12.0}, {}), strict=True):
        each.times.update(fetched, handed=each.seen_ms - 7, begun=each.seen_ms - 6, made=each.seen_ms - 3)
    step = result(sent, seen, applied=2)
    assert way_of(step) == [
        ("handed", 2),
        ("begun", 1),
        ("applied", 1),
        ("made", 2),
        ("pushed", 1),
        ("seen", 2),
    ]
    seen[1].times["fetched"] = 121.0
    assert way_of(result(sent, seen, applied=2))[:2] == [("fetched", 0.5), ("handed", 1.5)]


def test_the_way_of_slates_of_older_builds_is_told_as_far_as_they_go() -> None:
    step = result(Sent([0.0], [1.0], [5.0], [0]), [feed("r-0", 20.0)], applied=1)
    assert way_of(step) == [("applied", 4), ("pushed", 3), ("seen", 2)]
