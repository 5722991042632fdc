"""Which offsets may be applied next."""

from __future__ import annotations

from streams.worker.gaps import REREADS, Gaps


def test_neighbours_and_redelivered_ones_go_on() -> None:
    gaps = Gaps()
    assert gaps.judge("clicks-0", 0, 0) == "next"
    assert gaps.judge("clicks-0", 5, 5) == "next"
    assert gaps.judge("clicks-0", 5, 2) == "next"


def test_partitions_are_judged_one_by_one() -> None:
    gaps = Gaps()
    assert gaps.judge("clicks-0", 5, 9) == "reread"
    assert gaps.judge("clicks-1", 5, 9) == "reread"
    assert gaps.judge("clicks-0", 5, 12) == "wait"


def test_a_gap_of_the_log_itself_is_accepted_in_the_end() -> None:
    """Reread so often, and each time the same offset comes first: nothing lies between."""
    gaps = Gaps()
    assert [gaps.judge("clicks-0", 5, 9) for _ in range(REREADS + 1)] == ["reread"] * REREADS + ["accept"]
    assert gaps.judge("clicks-0", 10, 12) == "reread"


def test_a_reread_that_came_closer_is_a_gap_of_its_own() -> None:
    gaps = Gaps()
    assert gaps.judge("clicks-0", 5, 9) == "reread"
    assert gaps.judge("clicks-0", 5, 7) == "reread"
    assert gaps.judge("clicks-0", 5, 9) == "wait"
    assert gaps.judge("clicks-0", 5, 5) == "next"
