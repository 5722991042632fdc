"""When users come."""

from __future__ import annotations

import numpy as np

from streams.offline.simulation.scenario import Attack, Scenario
from streams.offline.simulation.schedule import Visit, schedule
from tests.streams.offline.simulation.crowd import START_MS, fitted_crowd, people_of

SPAN_MS = 10_000_000


def made(scenario: Scenario, seed: int = 7) -> list[Visit]:
    model = fitted_crowd()
    people = people_of(model, scenario)
    return schedule(people, model.activity, scenario, START_MS, START_MS + SPAN_MS, seed)


def test_visits_come_in_order_each_user_after_themselves() -> None:
    visits = made(Scenario(visits=3_000))
    assert [visit.number for visit in visits] == list(range(3_000))
    times = [visit.ts_ms for visit in visits]
    assert times == sorted(times)
    assert times[0] >= START_MS
    by_user: dict[int, list[Visit]] = {}
    for visit in visits:
        by_user.setdefault(visit.user, []).append(visit)
    for own in by_user.values():
        assert [visit.turn for visit in own] == list(range(len(own)))
        assert (np.diff([visit.ts_ms for visit in own]) > 0).all()


def test_who_did_more_comes_more_often() -> None:
    scenario, model = Scenario(visits=20_000), fitted_crowd()
    people = people_of(model, scenario)
    counts = np.bincount([visit.user for visit in made(scenario)], minlength=40)
    share = model.activity.events[people.alike] / model.activity.events.sum()
    scores = (counts - 20_000 * share) / np.sqrt(20_000 * share)
    assert (np.abs(scores) < 4).all()


def test_honest_visits_do_not_know_of_an_attack() -> None:
    clean = made(Scenario(visits=2_000))
    hit = made(Scenario(visits=2_000, attack=Attack(0.2, "flood", 500, 3.0)))
    honest = [visit for visit in hit if not visit.hostile]
    assert honest == clean
    hostile = [visit for visit in hit if visit.hostile]
    assert min(visit.number for visit in hostile) >= 500
    assert min(visit.user for visit in hostile) >= 40
    expected = 10 * 3.0 * 1_500 / 40
    assert abs(len(hostile) - expected) < 4 * np.sqrt(expected)


def test_new_users_enter_over_time() -> None:
    scenario = Scenario(visits=3_000, entry=0.8)
    people = people_of(fitted_crowd(), scenario)
    first: dict[int, int] = {}
    for visit in made(scenario):
        first.setdefault(visit.user, visit.ts_ms)
    new = [ts for user, ts in first.items() if not people.known[user]]
    assert max(new) > START_MS + 0.5 * SPAN_MS
    assert np.median(new) > np.median([ts for user, ts in first.items() if people.known[user]])
