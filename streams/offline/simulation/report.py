"""`--report`: one page with the figures and plots of a simulation, whole in itself: it works offline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from streams.offline.reports.page import page, plot, section, table, without_plotly, write_page
from streams.offline.simulation.terminal import attacks, differences, drifts, lifts, quality, said_of_users

SHARE = (
    "The expected clicks of what was shown, as a share of those of the best slates for the same users at the"
    " same moments. The simulator knows both."
)


def write_report(path: Path, title: str, summary: Mapping[str, Any]) -> None:
    """Write the page; raises `DataError` where plotly is missing or the file can't be written."""
    try:
        html = _page(title, summary)
    except ImportError:
        raise without_plotly() from None
    write_page(path, html)


def _page(title: str, summary: Mapping[str, Any]) -> str:
    from streams.offline.simulation import plots

    head = f"<h1>Simulation: {escape(title)}</h1><p>{escape(said_of_users(summary))}</p>"
    if summary["interrupted"]:
        head += f"<p>The run was interrupted after {summary['visits']:,} visits.</p>"
    parts = [head, section("Honest users, a slate on average", "", _table(quality(summary)))]
    for name, rows in (
        ("Difference in expected clicks, over the same visits", differences(summary)),
        ("After the drift", drifts(summary)),
        ("What honest users have with the attack, against without it", attacks(summary)),
        ("Difference between arms of one world, of other users each", lifts(summary)),
    ):
        if rows:
            parts.append(section(name, "", _table(rows)))
    if summary["visits"]:
        parts += [
            section(
                "Quality over time", SHARE, plot(plots.over_visits(summary, "share", "share of the best"))
            ),
            section("Expected clicks", "", plot(plots.best_over_visits(summary))),
            section("Clicks that came", "", plot(plots.over_visits(summary, "clicks", "clicks a slate"))),
            section("NDCG against the truth", "", plot(plots.over_visits(summary, "ndcg", "NDCG"))),
        ]
        parts += [
            section(
                f"What {world['name']} learned",
                learned(world),
                plot(plots.weights_over_visits(summary, world)),
            )
            for world in summary["worlds"]
            if world["learner"]
        ]
    scenario = json.dumps(summary["scenario"], indent=1)
    parts.append(section("The scenario", "", f"<pre>{escape(scenario)}</pre>"))
    return page(f"Simulation: {title}", parts)


def learned(world: Mapping[str, Any]) -> str:
    """In words: how many lessons made a choice, and when detectors saw a change."""
    last = world["learner"][-1]
    marks = ", ".join(f"{name} at {lesson:,}" for name, lesson in last["marks"]) or "none"
    return escape(
        f"Weights of the experts of the global level, after {last['lessons']:,} lessons that made a choice."
        f" Changes of the loss that detectors marked, by the lesson: {marks}."
    )


def _table(rows: list[list[str]]) -> str:
    return table(rows[0], rows[1:])
