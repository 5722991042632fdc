"""The plots of a simulation's report, each a plotly figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from streams.offline.reports.figure import GREY, figure, line


def over_visits(summary: Mapping[str, Any], name: str, title: str) -> go.Figure:
    """One figure of each world's windows, with drift and attack marked."""
    plot = figure("visits", title)
    for index, world in enumerate(summary["worlds"]):
        plot.add_scatter(
            x=[window["until"] for window in world["windows"]],
            y=[window[name] for window in world["windows"]],
            customdata=[[window["events"], window["learned"]] for window in world["windows"]],
            hovertemplate="%{y:.3f} (%{customdata[0]:,} events, %{customdata[1]:,} clicks and reviews)",
            name=world["name"],
            line=line(index),
        )
    _mark(plot, summary)
    plot.update_layout(hovermode="x unified")
    return plot


def weights_over_visits(summary: Mapping[str, Any], world: Mapping[str, Any]) -> go.Figure:
    """The weight of each expert of a world's learner, and when its guard does not let it serve."""
    plot, looks = figure("visits", "weight"), world["learner"]
    for index, expert in enumerate(looks[-1]["weights"]):
        plot.add_scatter(
            x=[look["number"] for look in looks],
            y=[look["weights"][expert] for look in looks],
            name=expert,
            line=line(index),
        )
    off = [look["number"] for look in looks if not look["on"]]
    if off:
        plot.add_scatter(x=off, y=[-0.02] * len(off), mode="markers", name="guard: frozen order served")
    _mark(plot, summary)
    plot.update_layout(hovermode="x unified")
    return plot


def best_over_visits(summary: Mapping[str, Any]) -> go.Figure:
    """Expected clicks of what was shown, and (thin) of the best slates."""
    plot = over_visits(summary, "value", "expected clicks a slate")
    world = summary["worlds"][0]
    plot.add_scatter(
        x=[window["until"] for window in world["windows"]],
        y=[window["best"] for window in world["windows"]],
        name=f"the best slates, {world['name']}",
        line={"color": GREY, "width": 1},
    )
    plot.update_yaxes(rangemode="tozero")
    return plot


def _mark(plot: go.Figure, summary: Mapping[str, Any]) -> None:
    for at, said in marks(summary):
        plot.add_vline(x=at, line={"color": GREY, "dash": "dot", "width": 1}, annotation_text=said)


def marks(summary: Mapping[str, Any]) -> list[tuple[int, str]]:
    """At which visit something happens, and what."""
    drift, attack = summary["scenario"]["drift"], summary["scenario"]["attack"]
    found = [] if drift is None else [(drift["at"], "drift")]
    return found if attack is None else [*found, (attack["begins"], f"attack: {attack['kind']}")]
