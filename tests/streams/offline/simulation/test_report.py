"""The figures of a simulation, as a tree, as tables and as a page."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from streams.offline.replay.options import silent
from streams.offline.simulation.learned import LearnerLook
from streams.offline.simulation.play import Simulated, simulate
from streams.offline.simulation.plots import marks, weights_over_visits
from streams.offline.simulation.preparation import Entrant, SimulationOptions
from streams.offline.simulation.report import write_report
from streams.offline.simulation.scenario import Attack, Drift, Scenario
from streams.offline.simulation.summary import summarise
from streams.offline.simulation.terminal import print_summary
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.offline.simulation.crowd import crowd

LOOKS = [
    LearnerLook(0, {"frozen": 1.0, "kalman:1": 0.0}, True, 0, []),
    LearnerLook(60, {"frozen": 0.3, "kalman:1": 0.7}, False, 1_234, [("ADWIN", 900)]),
]


@pytest.fixture(scope="module")
def run() -> Simulated:
    scenario = Scenario(visits=80, drift=Drift(40), attack=Attack(0.1, "last", begins=20))
    counting = override(Settings(), {"reweighting": {"enabled": False}})
    found = asyncio.run(
        simulate(crowd(), [Entrant("<one>", counting)], scenario, SimulationOptions(model="none"), silent)
    )
    return replace(found, worlds=[replace(found.worlds[0], looks=LOOKS), *found.worlds[1:]])


def plain(tree: Any) -> Any:
    """As it is read again; a NaN would not be."""
    return json.loads(json.dumps(tree, allow_nan=False))


def test_the_tree_is_json_and_says_what_the_visits_say(run: Simulated) -> None:
    tree = plain(summarise(run, 30))
    hit, clean = tree["worlds"]
    assert [window["until"] for window in hit["windows"]] == [30, 60, 80]
    assert hit["before_drift"]["visits"] == hit["after_drift"]["visits"] == 40
    assert hit["figures"]["regret"]["value"] == pytest.approx(
        sum(seen.best - seen.value for seen in run.worlds[0].seen) / 80
    )
    assert hit["learner"][1]["weights"]["kalman:1"] == 0.7
    assert clean["learner"] == []
    late = [sum(seen.value for seen in world.seen[20:]) for world in run.worlds]
    assert tree["attack"][0]["gained"]["value"] == pytest.approx(late[0] / late[1] - 1)


def test_the_tables_name_drift_and_attack(run: Simulated) -> None:
    out = io.StringIO()
    print_summary(Console(file=out, width=160), summarise(run))
    for said in ("<one>, no attack", "After the drift", "What honest users have with the attack", "events/s"):
        assert said in out.getvalue()


def test_the_page_shows_what_was_learned(run: Simulated, tmp_path: Path) -> None:
    summary = summarise(run, 30)
    write_report(tmp_path / "r.html", "data <b>", summary)
    page = (tmp_path / "r.html").read_text()
    assert "What &lt;one&gt; learned" in page
    assert "after 1,234 lessons that made a choice" in page
    assert "ADWIN at 900" in page
    assert "Simulation: data &lt;b&gt;" in page
    figure = weights_over_visits(summary, summary["worlds"][0])
    assert [trace.name for trace in figure.data] == ["frozen", "kalman:1", "guard: frozen order served"]
    assert list(figure.data[1].y) == [0.0, 0.7]
    assert list(figure.data[2].x) == [60]
    assert marks(summary) == [(40, "drift"), (20, "attack: last")]
