"""The results as one page with two plots: freshness by rate, and where the CPU goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from streams.bench.machine import Machine
from streams.bench.result import FRESHNESS, StepResult

COLOURS = ("#1d4ed8", "#c2570c", "#0f766e", "#86198f", "#6b7280")
DASHES = {"p50": "solid", "p95": "dash", "p99": "dot"}


def write_plot(path: Path, title: str, machine: Machine, results: Sequence[StepResult]) -> None:
    """An HTML file that needs no network."""
    figure(title, machine, results).write_html(path, include_plotlyjs=True, full_html=True)


def figure(title: str, machine: Machine, results: Sequence[StepResult]) -> go.Figure:
    """Freshness on top, CPU an event by process and the rungs below."""
    rates = [result.rate for result in results]
    labels = [f"{rate:,.0f}/s" for rate in rates]
    page = make_subplots(
        rows=3,
        cols=1,
        subplot_titles=(
            "accepted to feed in Redis, ms",
            "CPU, ms an event",
            "share of feeds by rung of the ladder",
        ),
        vertical_spacing=0.1,
    )
    for at, (quantile, dash) in enumerate(DASHES.items()):
        page.add_scatter(
            x=labels,
            y=[result.stages[FRESHNESS][quantile] for result in results],
            name=quantile,
            mode="lines+markers",
            line={"color": COLOURS[at], "dash": dash},
            row=1,
            col=1,
        )
    for at, process in enumerate(results[0].cpu_ms_per_event if results else ()):
        page.add_bar(
            x=labels,
            y=[result.cpu_ms_per_event[process] for result in results],
            name=process,
            marker_color=COLOURS[at % len(COLOURS)],
            row=2,
            col=1,
        )
    for at, rung in enumerate(results[0].rungs if results else ()):
        page.add_bar(
            x=labels,
            y=[result.rungs[rung] for result in results],
            name=rung,
            marker_color=COLOURS[at % len(COLOURS)],
            opacity=0.75,
            row=3,
            col=1,
        )
    page.update_yaxes(type="log", row=1, col=1)
    page.update_yaxes(tickformat=".0%", row=3, col=1)
    page.update_layout(
        title=f"{title}<br><sup>{machine.date}, {machine.cores} cores of {machine.processor}</sup>",
        barmode="stack",
        template="plotly_white",
        height=1_000,
    )
    return page
