"""The rung is chosen by the wait that it leads to: down before the wait is there, up once it can be paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.degradation import RUNGS, Rung
from streams.ranking.ladder import CLIMB_BELOW, LOWEST, Ladder
from streams.settings.ranking import LadderSettings

SETTINGS = LadderSettings(fewer_at_ms=60.0, counters_at_ms=100.0, popular_at_ms=150.0)
COST_MS: dict[Rung, float] = {"full": 0.6, "fewer": 0.5, "counters": 0.35, "popular": 0.2}
FIXED_MS = 2.0
BATCH_MAX = 128

waits, counts = st.floats(0, 5_000), st.integers(0, 500)
turns = st.tuples(st.sampled_from(RUNGS), st.integers(1, BATCH_MAX), st.floats(0.1, 500))


def ladder_that_took(took: Iterable[tuple[Rung, int, float]], settings: LadderSettings = SETTINGS) -> Ladder:
    ladder = Ladder(settings)
    for rung, events, ms in took:
        ladder.took(rung, events, ms)
    return ladder


@given(
    st.lists(turns, max_size=5), waits, waits, st.integers(1, 128), counts, st.sampled_from([0.0, 110.0, 1e4])
)
def test_who_waits_longer_never_gets_a_better_rung(
    took: list[tuple[Rung, int, float]], one: float, other: float, events: int, behind: int, before: float
) -> None:
    rungs = []
    for waited_ms in sorted((one, other)):
        ladder = ladder_that_took(took)
        ladder.choose(before, 1)
        rungs.append(RUNGS.index(ladder.choose(waited_ms, events, behind)))
    assert rungs[0] <= rungs[1]


@given(st.lists(turns, max_size=5), waits, st.integers(1, 128), counts)
def test_what_a_better_rung_would_lead_to_is_too_long(
    took: list[tuple[Rung, int, float]], waited_ms: float, events: int, behind: int
) -> None:
    ladder = ladder_that_took(took)
    foreseen = {rung: ladder.foreseen_ms(rung, waited_ms, events, behind) for rung in RUNGS}
    chosen = ladder.choose(waited_ms, events, behind)
    bounds = dict(zip(RUNGS, (60.0, 100.0, 150.0, np.inf), strict=True))
    assert foreseen[chosen] < bounds[chosen]
    assert all(foreseen[rung] >= bounds[rung] for rung in RUNGS[: RUNGS.index(chosen)])


@pytest.mark.parametrize(
    ("at_ms", "seen"),
    [
        ((50, 100, 250), ["full", "fewer", "counters", "popular"]),
        ((100, 100, 250), ["full", "full", "counters", "popular"]),
        ((100, 300, 250), ["full", "full", "fewer", "popular"]),
        ((300, 300, 250), ["full", "full", "full", "popular"]),
    ],
)
def test_a_rung_that_begins_where_a_lower_one_does_is_left_out(
    at_ms: tuple[float, float, float], seen: list[Rung]
) -> None:
    fewer_ms, counters_ms, popular_ms = at_ms
    settings = LadderSettings(fewer_at_ms=fewer_ms, counters_at_ms=counters_ms, popular_at_ms=popular_ms)
    assert [Ladder(settings).choose(waited_ms, 1) for waited_ms in (0, 50, 100, 250)] == seen


def test_a_wait_at_a_bound_does_not_make_it_go_back_and_forth() -> None:
    ladder = Ladder(SETTINGS)
    seen = [ladder.choose(waited_ms, 1) for waited_ms in (59, 61, 59, 61, 59, 61, 43, 41, 59)]
    assert seen == ["full", *["fewer"] * 6, "full", "full"]
    assert 41 < SETTINGS.fewer_at_ms * CLIMB_BELOW < 43


def test_a_batch_is_judged_by_its_end_and_a_queue_by_its_last_event() -> None:
    ladder = ladder_that_took([(rung, 1_000, 1_000 * ms) for rung, ms in COST_MS.items()])
    assert ladder.foreseen_ms("full", 20, events=100, behind=0) == pytest.approx(20 + 60)
    assert ladder.foreseen_ms("counters", 20, events=100, behind=400) == pytest.approx(35 + 80)


class Run(NamedTuple):
    """How long each event waited until it was done, ms, and how many were done on each rung."""

    waited_ms: np.ndarray
    rungs: Counter[Rung]
    by_batch: list[Rung]


def run(arrivals_ms: Sequence[float], cost: Callable[[Rung, float], float], settings: LadderSettings) -> Run:
    """One server that takes batches; `cost` of an event on a rung at a time, ms."""
    ladder, done, now_ms, waited = Ladder(settings), 0, 0.0, np.zeros(len(arrivals_ms))
    arrived, rungs, by_batch = np.asarray(arrivals_ms), Counter[Rung](), list[Rung]()
    while done < len(arrived):
        now_ms = max(now_ms, float(arrived[done]))
        there = int(np.searchsorted(arrived, now_ms, "right")) - done
        events = min(BATCH_MAX, there)
        rung = ladder.choose(now_ms - float(arrived[done]), events, there - events)
        took_ms = FIXED_MS + events * cost(rung, now_ms)
        now_ms += took_ms
        ladder.took(rung, events, took_ms)
        waited[done : done + events] = now_ms - arrived[done : done + events]
        rungs[rung] += events
        by_batch.append(rung)
        done += events
    return Run(waited, rungs, by_batch)


def evenly(rate_s: float, seconds: float, seed: int = 0) -> list[float]:
    """A Poisson process, ms."""
    times = np.random.default_rng(seed).uniform(0, seconds * 1_000, round(rate_s * seconds))
    return [float(at) for at in np.sort(times)]


def plain(rung: Rung, now_ms: float) -> float:
    return COST_MS[rung]


DEFAULTS = LadderSettings()


def share(seen: Run, rung: Rung) -> float:
    return seen.rungs[rung] / seen.rungs.total()


@pytest.mark.parametrize("rate_s", [100, 1_000, 1_300])
def test_what_the_full_rung_can_bear_is_all_on_it(rate_s: float) -> None:
    seen = run(evenly(rate_s, 20), plain, DEFAULTS)
    assert share(seen, "full") > 0.99


@pytest.mark.parametrize(
    ("rate_s", "best"), [(1_800, "full"), (2_200, "full"), (3_000, "counters"), (3_800, "counters")]
)
def test_between_two_rungs_the_wait_stays_within_the_bound_and_the_better_one_gets_its_share(
    rate_s: float, best: Rung
) -> None:
    """The share that time allows for, but for a quarter."""
    seen = run(evenly(rate_s, 30), plain, DEFAULTS)
    below = RUNGS[RUNGS.index(best) + 1] if best != "full" else "counters"
    late = seen.waited_ms[len(seen.waited_ms) // 10 :]
    assert np.percentile(late, 99) < 1.2 * (
        DEFAULTS.counters_at_ms if best == "full" else DEFAULTS.popular_at_ms
    )
    better_ms, worse_ms = (COST_MS[rung] + FIXED_MS / BATCH_MAX for rung in (best, below))
    possible = (1_000 / rate_s - worse_ms) / (better_ms - worse_ms)
    assert share(seen, best) > 0.75 * possible
    assert seen.rungs[best] + seen.rungs[below] > 0.95 * seen.rungs.total()


def test_a_backlog_is_worked_off_at_once_and_then_all_is_full_again() -> None:
    """A second of standstill at 1,000/s: the queue is gone before another second is over."""
    arrivals = np.array(evenly(1_000, 10))
    arrivals[(arrivals > 2_000) & (arrivals < 3_000)] = 3_000
    seen = run(arrivals.tolist(), plain, DEFAULTS)
    after = {
        at: seen.waited_ms[(arrivals >= at) & (arrivals < at + 100)].max() for at in (3_000, 3_500, 4_500)
    }
    assert after[3_000] > 150
    assert after[3_500] < 150
    assert after[4_500] < 60
    assert seen.by_batch[-1] == "full"


def test_more_than_the_last_rung_can_bear_is_all_on_the_last_rung() -> None:
    seen = run(evenly(8_000, 5), plain, DEFAULTS)
    assert share(seen, LOWEST) > 0.9


def test_a_single_stall_does_not_keep_it_from_the_full_rung() -> None:
    """Half a second for one batch says little about the next ones."""
    stalls = {"left": 1}

    def once_slow(rung: Rung, now_ms: float) -> float:
        if now_ms > 1_000 and stalls["left"] and rung == "full":
            stalls["left"] = 0
            return 100.0
        return plain(rung, now_ms)

    arrivals = evenly(1_000, 20)
    seen = run(arrivals, once_slow, DEFAULTS)
    assert stalls["left"] == 0
    assert set(seen.by_batch[-50:]) == {"full"}
    assert share(seen, "full") > 0.8


def test_costs_that_rise_are_followed() -> None:
    """From the tenth second on all is half as fast, as where another process takes a core."""

    def slower(rung: Rung, now_ms: float) -> float:
        return COST_MS[rung] * (2.0 if now_ms > 10_000 else 1.0)

    seen = run(evenly(1_200, 30), slower, DEFAULTS)
    assert np.percentile(seen.waited_ms, 99) < 1.3 * DEFAULTS.counters_at_ms
    assert share(seen, "counters") > 0.2
    back = run(evenly(1_200, 30), lambda rung, at: COST_MS[rung] * (2.0 if at < 10_000 else 1.0), DEFAULTS)
    assert set(back.by_batch[-50:]) == {"full"}
