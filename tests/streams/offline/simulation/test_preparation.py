"""What a simulation begins with."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from streams.datasets.impressions import Shown
from streams.offline.replay.options import silent
from streams.offline.simulation.play import simulate
from streams.offline.simulation.preparation import Entrant, SimulationOptions, prepared
from streams.offline.simulation.scenario import Attack, Scenario
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.offline.simulation.crowd import crowd

OPTIONS = SimulationOptions(model="none")


async def test_what_users_did_not_like_they_did_not_choose_and_what_was_shown_is_known() -> None:
    whole = crowd(rated=False)
    actions = ["dislike" if k % 5 == 0 else "click" for k in range(len(whole.interactions))]
    slate = Shown(0, "u1", "s", int(whole.interactions.ts_ms[10]), ("i1", "only-shown"))
    shown: list[tuple[Shown, ...]] = [(slate,) if k == 10 else () for k in range(len(actions))]
    stream = replace(whole.interactions, action=actions, shown=shown)
    with ExitStack() as files:
        entrants = [Entrant("one", Settings())]
        ready = await prepared(
            replace(whole, interactions=stream), entrants, Scenario(visits=50), OPTIONS, silent, files
        )
    assert ready.model.activity.events.sum() == actions.count("click")
    assert "only-shown" in ready.model.items
    for visit in ready.visits:
        await ready.plays[0].visit(visit, visit.ts_ms + 60_000)
    assert len(ready.plays[0].seen) == 50


@pytest.mark.parametrize("paired", [True, False])
async def test_a_world_under_an_attack_has_a_second_one_without_it_where_that_is_asked(paired: bool) -> None:
    scenario = Scenario(visits=60, attack=Attack(share=0.2))
    options = replace(OPTIONS, paired=paired)
    with ExitStack() as files:
        ready = await prepared(crowd(), [Entrant("one", Settings())], scenario, options, silent, files)
    assert ready.attacked == ([True, False] if paired else [True])
    assert [play.world.name for play in ready.plays] == ["one", "one, no attack"][: len(ready.plays)]
    coming: dict[int, int] = {}
    for visit, next_ms in ready.with_next():
        assert coming.get(visit.user, visit.ts_ms) == visit.ts_ms
        coming[visit.user] = next_ms


async def test_cores_know_the_warm_part_and_users_come_after_it() -> None:
    whole = crowd()
    with ExitStack() as files:
        entrants = [Entrant("one", Settings()), Entrant("two", Settings())]
        ready = await prepared(whole, entrants, Scenario(visits=400), OPTIONS, silent, files)
    until = len(whole.interactions) // 2
    for play in ready.plays:
        assert play.world.recommender.counters.popularity.events.sum() == until
    known = {name for name, yes in zip(ready.people.names, ready.people.known, strict=True) if yes}
    assert known == {*whole.interactions.user[:until]}
    begin_ms = int(whole.interactions.ts_ms[until - 1])
    times = np.array([visit.ts_ms for visit in ready.visits])
    assert times.min() > begin_ms
    pace_ms = (begin_ms - int(whole.interactions.ts_ms[int(until * 0.8)])) / (until * 0.2)
    clicks = 400 * 0.5 * 1.5
    assert (times.max() - begin_ms) / pace_ms / clicks < 1.2


async def test_a_model_is_trained_once_for_all_worlds_and_adapts_where_the_settings_say_so() -> None:
    quick = {"model": {"training": {"epochs": 1}}}
    entrants = [
        Entrant(
            name,
            override(Settings(), {**quick, "reweighting": {"enabled": name == "adapted", "guard_alpha": 0}}),
        )
        for name in ("frozen", "adapted")
    ]
    said: list[str] = []
    found = await simulate(
        crowd(),
        entrants,
        Scenario(visits=300),
        SimulationOptions(),
        lambda stage, done, total: said.append(stage) if done == total else None,
    )
    frozen, adapted = found.worlds
    assert frozen.ranker == adapted.ranker == "trained"
    assert said.count("exporting the model") == 1
    assert not frozen.looks
    assert adapted.looks[-1].lessons > 10
    assert sum(adapted.looks[-1].weights.values()) == pytest.approx(1.0)
    assert frozen.seen != adapted.seen
