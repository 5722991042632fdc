"""Whole runs on a small crowd."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import DataError, SettingsError
from streams.offline.replay.options import silent
from streams.offline.simulation.measures import columns_of, figures, gained, lifted
from streams.offline.simulation.play import Simulated, simulate
from streams.offline.simulation.preparation import Entrant, SimulationOptions
from streams.offline.simulation.scenario import Attack, AttackKind, Drift, Effect, Scenario
from streams.offline.simulation.summary import summarise
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.offline.simulation.crowd import crowd

FROZEN = override(
    Settings(),
    {
        "counters": {"half_lives_s": [1e10, 1e10, 1e10]},
        "candidates": {"sources": ["popular"], "weights": {"popular": 1.0}, "reserve": {}},
        "feed": {"fresh_place": 0, "repeat": True},
    },
)
"""What was popular over all times: a few hundred clicks change nothing in it."""
ARMS = override(Settings(), {"arms": {"bold": {}, "calm": {}}})


def played(
    scenario: Scenario,
    *entrants: Entrant,
    log: Path | None = None,
    seed: int = 7,
    stop: Callable[[], bool] = lambda: False,
) -> Simulated:
    options = SimulationOptions(model="none", log=log, seed=seed)
    worlds = entrants or (Entrant("one", Settings()),)
    return asyncio.run(simulate(crowd(), worlds, scenario, options, silent, stop))


def lines_of(folder: Path, number: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"events-{number}.jsonl").read_text().splitlines()]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    scenario = Scenario(visits=300, explored=0.2, drift=Drift(150), attack=Attack(0.1, "flood"))
    runs = [played(scenario, log=tmp_path / str(k), seed=seed) for k, seed in enumerate((7, 7, 8))]
    logs = [(tmp_path / str(k) / "events-0.jsonl").read_bytes() for k in range(3)]
    assert logs[0] == logs[1] != logs[2]
    trees = [summarise(run) for run in runs]
    for tree in trees:
        for world in tree["worlds"]:
            del world["seconds"], world["events_per_s"]
    assert json.dumps(trees[0]) == json.dumps(trees[1])
    assert json.dumps(trees[0]) != json.dumps(trees[2])


def test_clicks_come_as_often_as_they_are_expected() -> None:
    (world,) = played(Scenario(visits=1_500)).worlds
    seen = columns_of(world.seen)
    clicks, value = figures(seen).clicks, figures(seen).value
    left = figures(replace(seen, clicks=seen.clicks - seen.value)).clicks
    assert abs(left.value) < 3.5 * left.error
    assert clicks.value == pytest.approx(value.value, rel=0.15)
    assert world.events["clicks"] == seen.clicks.sum()
    assert world.events["impressions"] == 1_500
    assert world.learned == world.events["clicks"] + world.events["reviews"]
    assert world.events["reviews"] == pytest.approx(world.events["clicks"] / 2, rel=0.2)
    assert world.lessons["answered"] > 100
    assert (seen.best >= seen.value - 1e-9).all()
    assert seen.ndcg.max() <= 1.0 + 1e-9


def test_a_planted_drift_lowers_the_quality_of_a_frozen_policy() -> None:
    frozen = Entrant("frozen", FROZEN)
    drift = Scenario(visits=2_000, drift=Drift(1_000, 1.0), clicks=0.3)
    (hit,) = played(drift, frozen).worlds
    (calm,) = played(Scenario(visits=2_000, clicks=0.3), frozen).worlds
    before, after = (columns_of(hit.seen).at(part) for part in (slice(0, 1_000), slice(1_000, None)))
    assert before.value.tolist() == columns_of(calm.seen).value[:1_000].tolist()
    assert figures(after).share.value < 0.6 * figures(before).share.value
    later = columns_of(calm.seen).at(slice(1_000, None))
    assert figures(after).share.value < 0.75 * figures(later).share.value
    told = summarise(played(drift, frozen))["worlds"][0]["recovery"]
    assert told["events"] is None
    assert told["last"] < 0.6 * told["before"]


def test_a_planted_effect_is_seen_and_none_is_seen_where_none_is() -> None:
    entrant = Entrant("one", ARMS, ("bold", "calm"))
    seen = [
        columns_of(played(scenario, entrant).worlds[0].seen)
        for scenario in (
            Scenario(visits=1_500, users=400, effect=Effect("bold", utility=0.7)),
            Scenario(visits=1_500, users=400),
        )
    ]
    lift, nothing = (lifted(each.at(each.arm == "bold"), each.at(each.arm == "calm")) for each in seen)
    assert lift.value > 4 * lift.error > 0
    assert abs(nothing.value) < 3 * nothing.error
    assert 0.4 < (seen[0].arm == "bold").mean() < 0.6


def test_a_better_order_is_worth_more() -> None:
    """The slates as they are made, and all of them in the true order."""
    worlds = [Entrant("calm", ARMS, ("calm",)), Entrant("bold", ARMS, ("bold",))]
    calm, bold = played(Scenario(visits=1_500, effect=Effect("bold", sorted=1.0)), *worlds).worlds
    found = gained(columns_of(bold.seen), columns_of(calm.seen))
    assert found.value > 3 * found.error > 0


def test_worlds_under_the_same_settings_are_the_same() -> None:
    one, two = played(Scenario(visits=400), *(Entrant(name, Settings()) for name in ("a", "b"))).worlds
    assert one.seen == two.seen
    assert one.events == two.events


@pytest.mark.parametrize("kind", ["flood", "loop", "last", "item"])
def test_an_attack_touches_the_events_of_hostile_users_alone(kind: AttackKind, tmp_path: Path) -> None:
    scenario = Scenario(visits=400, attack=Attack(0.2, kind, begins=200))
    hit, clean = played(scenario, log=tmp_path).worlds
    assert (hit.attacked, clean.attacked) == (True, False)
    with_attack, without = lines_of(tmp_path), lines_of(tmp_path, 1)
    assert not [line for line in without if line["user_id"].startswith("hostile")]
    hostile = [line for line in with_attack if line["user_id"].startswith("hostile")]
    assert {line["type"] for line in hostile} == {"impression", "click"}
    begin = with_attack.index(hostile[0])
    assert with_attack[:begin] == without[:begin]
    when = [[(s.number, s.ts_ms, s.user) for s in world.seen] for world in (hit, clean)]
    assert when[0] == when[1]
    assert [line for line in with_attack if line["type"] == "impression" and line not in hostile] != []
    if kind == "item":
        assert len({line["item_id"] for line in hostile if line["type"] == "click"}) == 1
    if kind == "last":
        assert {line["position"] for line in hostile if line["type"] == "click"} == {9}
    told = summarise(played(scenario))["attack"]
    assert [each["world"] for each in told] == ["one"]
    assert told[0]["gained"]["value"] is not None


def test_a_random_order_is_told_with_its_chances(tmp_path: Path) -> None:
    """Half of the slates are shuffled: each place has its own item with chance .55, any other with .05."""
    played(Scenario(visits=600, explored=0.5), log=tmp_path)
    lines = lines_of(tmp_path)
    shown = [line for line in lines if line["type"] == "impression" and len(line["items"]) == 10]
    assert len(shown) > 300
    told = Counter(round(each, 3) for line in shown for each in line["propensities"])
    assert told.keys() == {0.55, 0.05}
    own = told[0.55] / sum(told.values())
    assert own == pytest.approx(0.55, abs=0.06)


def test_an_interrupted_run_ends_with_what_there_is() -> None:
    asked = iter(range(10_000))
    worlds = [Entrant(name, Settings()) for name in ("a", "b")]
    found = played(Scenario(visits=500), *worlds, stop=lambda: next(asked) >= 120)
    assert not found.whole
    assert found.visits == 120
    assert [len(world.seen) for world in found.worlds] == [120, 120]
    assert found.worlds[0].events["clicks"] == sum(seen.clicks for seen in found.worlds[0].seen)
    assert summarise(found)["interrupted"]
    nothing = summarise(played(Scenario(visits=500, drift=Drift(100)), stop=lambda: True))
    assert nothing["visits"] == 0
    assert nothing["worlds"][0]["recovery"] is None


def test_who_comes_again_is_not_shown_what_they_met() -> None:
    (world,) = played(Scenario(visits=2_500, clicks=2.0)).worlds
    seen = columns_of(world.seen)
    best = [seen.best[seen.user == user] for user in np.unique(seen.user)]
    assert np.mean([each[-1] < each[0] for each in best if len(each) > 20]) > 0.8


@pytest.mark.parametrize(
    ("entrants", "scenario", "message"),
    [
        ([Entrant("a", ARMS), Entrant("a", ARMS)], Scenario(visits=9), "each named once"),
        ([Entrant("a", ARMS, ("none",))], Scenario(visits=9), "arm 'none' is not declared"),
        ([Entrant("a", ARMS)], Scenario(visits=9, places=30, clicks=0.1), "feed.size of a is 20"),
        ([Entrant("a", ARMS)], Scenario(visits=9, effect=Effect("bold")), "effect.arm is 'bold'; expected"),
    ],
)
def test_what_can_not_be_played_is_refused(entrants: list[Entrant], scenario: Scenario, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        played(scenario, *entrants)
    assert message in str(raised.value)


def test_too_little_data_is_refused() -> None:
    with pytest.raises(DataError, match="1 events can't be parted"):
        asyncio.run(
            simulate(
                crowd().first(1),
                [Entrant("a", Settings())],
                Scenario(visits=9),
                SimulationOptions(model="none"),
                silent,
            )
        )
