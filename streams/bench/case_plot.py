"""Cases as one page of plots: CPU by part, then one plot for each kind of figure."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from streams.bench.case_table import names
from streams.bench.cases import Measured
from streams.bench.plot import COLOURS

ROW_HEIGHT, GAP, MARGIN = 300, 80, 140  # pixels
SYMBOLS = ("circle", "diamond", "square", "x", "triangle-up", "star", "cross")


def write_case_plot(path: Path, measured: Measured) -> None:
    """An HTML file that needs no network."""
    case_figure(measured).write_html(path, include_plotlyjs=True, full_html=True)


def case_figure(measured: Measured) -> go.Figure:
    """One row of plots for the CPU, and one for each unit that the figures have (`p50 ms`, `p99 ms`: one).

    A figure that is 0 in all cases is in the table alone.
    """
    cases = measured.cases
    labels = [case.name for case in cases]
    told = [
        name
        for name in names(case.figures for case in cases)
        if any(case.figures.get(name) for case in cases)
    ]
    units, parts = by_unit(told), names(case.cpu_us for case in cases)
    titles = [f"CPU, us {measured.unit}"] * bool(parts) + list(units)
    height = MARGIN + ROW_HEIGHT * max(1, len(titles))
    page = make_subplots(
        rows=max(1, len(titles)), cols=1, subplot_titles=titles, vertical_spacing=GAP / height
    )
    for at, part in enumerate(parts):
        values = [case.cpu_us.get(part) for case in cases]
        page.add_bar(x=labels, y=values, name=part, marker_color=COLOURS[at % len(COLOURS)], row=1, col=1)
    for at, name in enumerate(name for members in units.values() for name in members):
        page.add_scatter(
            x=labels,
            y=[case.figures.get(name) for case in cases],
            name=name,
            mode="markers",  # a line would say that there is something between two cases
            marker={"color": COLOURS[at % len(COLOURS)], "size": 9, "symbol": SYMBOLS[at % len(SYMBOLS)]},
            row=1 + bool(parts) + list(units).index(name.rpartition(" ")[2]),
            col=1,
        )
    page.update_yaxes(rangemode="tozero")
    machine = measured.machine
    page.update_layout(
        title=f"{measured.title}<br><sup>{machine.date}, {machine.cores} cores of {machine.processor}</sup>",
        barmode="stack",
        template="plotly_white",
        height=height,
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
