"""An arm that never ran, estimated from a simulated log, against what it does when it runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import DataError, SettingsError
from streams.events.schema import EventLimits, Impression, encode
from streams.experiments.off_policy.slate_reading import read_slates
from streams.offline.replay.options import silent
from streams.offline.simulation.play import simulate
from streams.offline.simulation.preparation import Entrant, SimulationOptions
from streams.offline.simulation.scenario import Scenario
from streams.offline.whatif.arm_file import with_arm
from streams.offline.whatif.log import ShownSlates
from streams.offline.whatif.replayed import Replayed, replayed
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.offline.simulation.crowd import crowd

DATA = crowd(2_500, 120, 100)
EXPLORED = override(
    Settings(),
    {
        "candidates": {"sources": ["popular"]},
        "feed": {"fresh_place": 0, "size": 10},
        "exploration": {"share": 1.0, "temperature": 1.0},
    },
)
SCENARIO = Scenario(visits=2_500, places=4)
COLDER = "[stages.exploration]\ntemperature = 0.5\n"


def logged(folder: Path, settings: Settings, seed: int = 7, scenario: Scenario = SCENARIO) -> Path:
    options = SimulationOptions(model="none", log=folder, seed=seed)
    asyncio.run(simulate(DATA, [Entrant("log", settings)], scenario, options, silent))
    return folder / "events-0.jsonl"


def asked(folder: Path, log: Path, arm: str, settings: Settings = EXPLORED) -> Replayed:
    file = folder / "arm.toml"
    file.write_text(arm, encoding="utf-8")
    options = SimulationOptions(model="none")
    return asyncio.run(replayed(DATA, log, with_arm(settings, file), options, silent))


def test_an_interleaved_slate_is_not_drawn_by_scores(tmp_path: Path) -> None:
    common: dict[str, Any] = {"event_id": "e", "ts": 5, "user_id": "u", "items": ["i"], "propensities": [0.5]}
    log = tmp_path / "log.jsonl"
    drawn = Impression(**common, slate_id="drawn", arm="bold")
    drafted = Impression(**common, slate_id="drafted", arm="e=a+b", teams=[0])
    log.write_bytes(b"\n".join(map(encode, (drawn, drafted))))
    shown = ShownSlates(log, EventLimits())
    assert (shown.events, shown.ids, shown.arms) == (2, {"drawn"}, ["bold"])


def first_answers(log: Path) -> list[int]:
    """By the log alone: how many places of each drawn slate were clicked when it was first shown."""
    shown: dict[str, set[str]] = {}
    clicked: dict[str, set[str]] = {}
    again = set()
    for line in log.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        name = event.get("slate_id")
        if event["type"] == "impression" and event.get("propensities"):
            again |= {name} & {*shown}
            shown[name] = {*event["items"]}
        elif event["type"] == "click" and name in shown and name not in again:
            clicked.setdefault(name, set()).add(event["item_id"])
    return [len(items & clicked.get(name, set())) for name, items in shown.items()]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return logged(tmp_path_factory.mktemp("log"), EXPLORED)


@pytest.fixture(scope="module")
def colder(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Replayed:
    return asked(tmp_path_factory.mktemp("arm"), log, COLDER)


def test_every_drawn_slate_is_made_again_and_its_answers_are_those_of_the_log(
    log: Path, colder: Replayed
) -> None:
    assert not colder.counts.get("unknown")
    assert not colder.counts.get("other propensities")
    assert len(colder.rows.users) == colder.counts["drawn"] == len(first_answers(log))
    assert colder.rows.reward.sum(1).tolist() == first_answers(log)
    found = read_slates(colder.rows)
    assert found.logged.value == pytest.approx(np.mean(first_answers(log)))


def test_the_estimate_covers_what_the_arm_does_when_it_runs(colder: Replayed, tmp_path: Path) -> None:
    settings = override(EXPLORED, {"exploration": {"temperature": 0.5}})
    truth = np.concatenate(
        [first_answers(logged(tmp_path / str(seed), settings, seed)) for seed in (7, 8, 9)]
    )
    error = float(truth.std() / np.sqrt(len(truth)))
    found = read_slates(colder.rows)
    assert [each.name for each in found.estimates] == ["cascade-DR", "RIPS", "nRIPS", "IIPS", "nIIPS"]
    for each in found.estimates:
        assert each.value is not None, each.refused
        half = (each.value.high - each.value.low) / 2
        assert half < 0.25 * each.value.value
        assert abs(each.value.value - truth.mean()) < np.hypot(1.5 * half, 3 * error), each.name


def test_the_weights_of_an_arm_that_can_be_told_of_have_the_mean_1(colder: Replayed) -> None:
    rows = colder.rows
    assert rows.target_at is not None
    assert rows.logged_at is not None
    cascade = np.cumprod(rows.target / rows.logged, 1)
    for weights in (*cascade.T, *(rows.target_at / rows.logged_at).T):
        assert abs(weights.mean() - 1) < 5 * weights.std() / np.sqrt(len(weights))


def test_the_arm_that_ran_is_told_exactly(log: Path, tmp_path: Path) -> None:
    found = read_slates(asked(tmp_path, log, "").rows)
    robust, *weighed = found.estimates
    for each in weighed:
        assert each.value is not None
        assert each.value.value == pytest.approx(found.logged.value, abs=1e-6), each.name
        assert each.weights.effective == pytest.approx(each.weights.rows)
    assert robust.more is not None
    assert robust.more.low < 0 < robust.more.high


def test_an_arm_that_shows_what_the_log_never_could_is_refused(log: Path, tmp_path: Path) -> None:
    found = read_slates(asked(tmp_path, log, '[stages.candidates]\nsources = ["fresh"]\n').rows)
    assert found.best is None
    assert all("expected" in each.refused and each.value is None for each in found.estimates)


def test_of_an_arm_that_draws_nothing_slates_count_as_far_as_it_would_show_them(
    log: Path, tmp_path: Path
) -> None:
    rows = asked(tmp_path, log, "[stages.exploration]\nshare = 0.0\n").rows
    assert {*np.unique(rows.target).tolist()} == {0.0, 1.0}
    assert (np.diff(rows.target, axis=1) <= 0).all()
    first, whole = (read_slates(rows.first(places)).estimates[1].weights for places in (1, 4))
    assert first.rows == whole.rows
    assert first.effective > whole.effective


def test_another_world_than_that_of_the_log_is_noticed(log: Path, tmp_path: Path) -> None:
    other = override(EXPLORED, {"exploration": {"temperature": 0.9}})
    with pytest.raises(DataError, match="other propensities; expected at most 10%"):
        asked(tmp_path, log, COLDER, other)
    half = tmp_path / "half.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines()
    half.write_text("\n".join(lines[len(lines) // 2 :]), encoding="utf-8")
    with pytest.raises(DataError, match="the whole log from its begin"):
        asked(tmp_path, half, COLDER)


def test_a_log_without_propensities_tells_nothing(tmp_path: Path) -> None:
    settings = override(EXPLORED, {"exploration": {"share": 0.0}})
    path = logged(tmp_path / "log", settings, scenario=Scenario(visits=50, places=4))
    with pytest.raises(DataError, match=r"Log with exploration\.share above 0"):
        asked(tmp_path, path, COLDER, settings)


def test_events_out_of_order_are_refused(log: Path, tmp_path: Path) -> None:
    lines = log.read_text(encoding="utf-8").splitlines()
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text("\n".join([*lines[40:60], *lines[:40]]), encoding="utf-8")
    with pytest.raises(DataError, match=r"line 21: ts .* sort them by ts"):
        asked(tmp_path, mixed, COLDER)
    mixed.write_text("{}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 1"):
        asked(tmp_path, mixed, COLDER)


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        ("[stages.feed]\nsise = 3\n", "unknown field `sise`"),
        ("[arms.bold]\n", "unknown field `arms`"),
        ("[stages.feed]\nsize = 5\n", "feed.size is 5, that of the log 10"),
        ("stages = [", "not TOML"),
    ],
)
def test_an_arm_that_cannot_be(tmp_path: Path, arm: str, why: str) -> None:
    file = tmp_path / "arm.toml"
    file.write_text(arm, encoding="utf-8")
    with pytest.raises(SettingsError, match=why):
        with_arm(EXPLORED, file)
