"""Long work rests by what it worked while others are busy, and hardly where they are not."""

from __future__ import annotations

import time

from streams.search.pace import LEAST_REST_S, RESTS, SLICE_S, WINDOW_S, Pace, Spent


class Clock:
    """A thread that works all the time, and others that take `others` of a core beside."""

    def __init__(self, others: float) -> None:
        self.now = Spent(0.0, 0.0, 0.0)
        self.others = others
        self.rests: list[float] = []

    def work(self, seconds: float) -> None:
        wall_s, own_s, all_s = self.now
        self.now = Spent(wall_s + seconds, own_s + seconds, all_s + seconds + self.others * seconds)

    def sleep(self, seconds: float) -> None:
        wall_s, own_s, all_s = self.now
        self.rests.append(seconds)
        self.now = Spent(wall_s + seconds, own_s, all_s + self.others * seconds)

    def pace(self) -> Pace:
        return Pace(lambda: self.now, lambda: self.now.wall_s, self.sleep)


def share_of(clock: Clock, work_s: float = 1.0) -> float:
    """Of the time, what the work takes."""
    pace = clock.pace()
    pace.begin()
    for _ in pace.over(range(round(work_s / 0.0001))):
        clock.work(0.0001)
    return clock.now.own_s / clock.now.wall_s


def test_beside_others_a_quarter_of_a_core_is_taken() -> None:
    assert abs(share_of(Clock(0.5)) - 1 / (1 + RESTS)) < 0.01


def test_where_nobody_is_busy_it_hardly_rests() -> None:
    assert share_of(Clock(0.02)) > 0.9


def test_others_that_become_busy_are_noticed_within_a_window() -> None:
    clock = Clock(0.0)
    pace = clock.pace()
    for _ in pace.over(range(1_000)):
        clock.work(0.0001)
    assert clock.rests[-1] == LEAST_REST_S
    clock.others, before = 0.5, len(clock.rests)
    for _ in pace.over(range(round(2 * WINDOW_S / 0.0001))):
        clock.work(0.0001)
    assert max(clock.rests[before:]) >= SLICE_S * RESTS


def test_what_takes_no_slice_has_no_rest() -> None:
    clock = Clock(0.9)
    pace = clock.pace()
    for _ in pace.over(range(9)):
        clock.work(SLICE_S / 10)
    assert not clock.rests


def test_time_in_which_the_thread_did_not_work_is_not_rested_for() -> None:
    """Where the processor was somebody else's, or a commit was waited for."""
    clock = Clock(0.9)
    pace = clock.pace()
    clock.now = Spent(1.0, SLICE_S, 2.0)
    pace.step()
    assert clock.rests == [SLICE_S * RESTS]


def test_real_work_gives_the_lock_up_each_slice() -> None:
    """However busy the machine is: what a slice has of the processor is no more than its time."""
    work_s, rests = 0.2, list[float]()

    def sleep(seconds: float) -> None:
        rests.append(seconds)
        time.sleep(seconds)

    pace = Pace(sleep=sleep)
    pace.begin()
    began_s = time.thread_time()
    for _ in pace.over(iter(int, 1)):
        sum(range(1_000))
        if time.thread_time() - began_s > work_s:
            break
    assert len(rests) > work_s / SLICE_S / 2
    assert min(rests) >= LEAST_REST_S
