"""Cases as one page of plots: CPU by part, then one plot for each kind of figure."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from streams.bench.case_table import names
from streams.bench.cases import Measured
from streams.bench.plot import COLOURS

ROW_HEIGHT = 340


def write_case_plot(path: Path, measured: Measured) -> None:
    """An HTML file that needs no network."""
    case_figure(measured).write_html(path, include_plotlyjs=True, full_html=True)


def case_figure(measured: Measured) -> go.Figure:
    """One row of plots for the CPU, and one for each unit that the figures have (`p50 ms`, `p99 ms`: one)."""
    cases = measured.cases
    labels = [case.name for case in cases]
    units = by_unit(names(case.figures for case in cases))
    parts = names(case.cpu_us for case in cases)
    titles = [f"CPU, us a {measured.unit}"] * bool(parts) + list(units)
    page = make_subplots(rows=max(1, len(titles)), cols=1, subplot_titles=titles, vertical_spacing=0.1)
    for at, part in enumerate(parts):
        values = [case.cpu_us.get(part) for case in cases]
        page.add_bar(x=labels, y=values, name=part, marker_color=COLOURS[at % len(COLOURS)], row=1, col=1)
    for row, members in enumerate(units.values(), start=1 + bool(parts)):
        for at, name in enumerate(members):
            page.add_scatter(
                x=labels,
                y=[case.figures.get(name) for case in cases],
                name=name,
                mode="lines+markers",
                line={"color": COLOURS[at % len(COLOURS)]},
                row=row,
                col=1,
            )
    page.update_yaxes(rangemode="tozero")
    machine = measured.machine
    page.update_layout(
        title=f"{measured.title}<br><sup>{machine.date}, {machine.cores} cores of {machine.processor}</sup>",
        barmode="stack",
        template="plotly_white",
        height=120 + ROW_HEIGHT * max(1, len(titles)),
    )
    return page


def by_unit(figures: list[str]) -> dict[str, list[str]]:
    """Names of figures by their last word, which is the unit.

    >>> by_unit(["p50 ms", "reads/s", "p99 ms"])
    {'ms': ['p50 ms', 'p99 ms'], 'reads/s': ['reads/s']}
    """
    found: dict[str, list[str]] = defaultdict(list)
    for name in figures:
        found[name.rpartition(" ")[2]].append(name)
    return dict(found)
