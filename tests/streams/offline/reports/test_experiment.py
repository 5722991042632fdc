"""The page of an experiment shows what its readings say."""

from __future__ import annotations

import json
import re

import msgspec

from streams.experiments.readings.plan import Guardrail, Plan
from streams.offline.reports.experiment import experiment_page
from tests.streams.experiments.readings.arms import BUYS, CLICKS, points

PLAN = Plan(
    "plain",
    {"plain": 1.0, "bold": 1.0},
    CLICKS,
    4_000,
    minimum_effect=0.1,
    guardrails=(Guardrail(BUYS, -0.1),),
)
BETTER = {"plain": 0.2, "bold": 0.26}
HOUR_MS = 3_600_000


def page(plan: Plan, count: int, users: int = 200, sizes: dict[str, int] | None = None) -> str:
    history = points(BETTER, users, count, sizes=sizes)
    timed = [(1_764_400_000_000 + at * HOUR_MS, sums) for at, sums in enumerate(history)]
    return experiment_page("bold <titles>", "Bold titles are clicked more & more.", plan, timed)


def drawn(html: str) -> list[dict[str, object]]:
    """The names of the lines of each plot."""
    found = []
    for data in re.findall(r"Plotly\.newPlot\(\s*\"[^\"]+\",\s*(\[.*?\]),\s*\{\"template", html, re.DOTALL):
        found += json.loads(data)
    return found


def test_page_has_verdict_figures_plots_and_promise() -> None:
    html = page(PLAN, 10)
    for said in (
        "Experiment: bold &lt;titles&gt;",
        "clicked more &amp; more",
        "bold is better than plain",
        "click-through over time",
        "Other metrics over time",
        "Mismatch: none found",
        "You may look as often as you like",
    ):
        assert said in html, said
    lines = drawn(html)
    names = [line.get("name") for line in lines]
    assert names.count("lift, adjusted") == 3  # two metrics and a guardrail
    assert names.count("unadjusted") == 2
    assert names.count("evidence") == 1
    assert "NaN" not in html[html.index("<body>") :]


def test_a_mismatch_hides_the_figures_and_keeps_guardrails() -> None:
    html = page(PLAN, 10, sizes={"bold": 140})
    assert "Nothing can be read" in html
    assert "click-through over time" not in html
    assert "Guardrails" in html


def test_one_early_point_and_a_group_reading_are_drawn_too() -> None:
    assert "too early to say" in page(PLAN, 1, users=50)
    group = msgspec.structs.replace(PLAN, reading="group", looks=4, window_days=7.0)
    html = page(group, 10)
    assert "decided at 4 looks" in html
    assert "The theory covers users whose 7 days are over" in html
