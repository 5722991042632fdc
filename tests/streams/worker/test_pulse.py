"""A loop that stands still is noticed, and one that turns and finishes nothing; a stopped process is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.worker.pulse import STOOD_STILL_S, BatchPulse, Pulse


def test_the_pulse() -> None:
    now_s = 5.0
    pulse = Pulse(lambda: now_s)
    now_s = 9.0
    assert pulse.still_s() == 4.0
    pulse.beat()
    assert pulse.still_s() == 0.0


def test_late_while_events_wait_and_nothing_is_finished() -> None:
    progress = BatchPulse()
    assert [progress.look(s, waiting=True, finished=0) for s in (0, 1, 2)] == [0, 1, 2]
    assert progress.look(3, waiting=True, finished=1) == 0
    assert progress.look(4, waiting=True, finished=1) == 1
    assert progress.look(5, waiting=False, finished=1) == 0
    assert progress.look(6, waiting=True, finished=1) == 1
    assert progress.late_s == 1


def test_the_time_in_which_the_process_was_stopped_does_not_count() -> None:
    progress = BatchPulse()
    progress.look(0, waiting=True, finished=0)
    assert progress.look(1, waiting=True, finished=0) == 1
    assert progress.look(1_000, waiting=True, finished=0) == 1
    assert progress.look(1_001, waiting=True, finished=0) == 2


@given(st.lists(st.tuples(st.floats(0, 2 * STOOD_STILL_S), st.booleans(), st.booleans())))
def test_it_is_never_later_than_since_the_last_good_sign(steps: list[tuple[float, bool, bool]]) -> None:
    progress, now_s, good_s, finished = BatchPulse(), 100.0, 100.0, 0
    progress.look(now_s, waiting=False, finished=finished)
    for passed_s, waiting, done in steps:
        now_s += passed_s
        finished += done
        if done or not waiting:
            good_s = now_s
        late_s = progress.look(now_s, waiting=waiting, finished=finished)
        assert -1e-9 <= late_s <= now_s - good_s + 1e-9
