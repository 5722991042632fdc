"""The look of every plot of a report; in the browser text and grid take the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

# Readers can tell these colours apart on white and on black, also if they see few colours; dashes help them,
# and in print.
COLOURS = ("#3b82f6", "#8b93a1", "#e0732b", "#129e86", "#b061d2", "#c2a01c")
DASHES = ("solid", "dot", "dash", "dashdot", "longdash", "longdashdot")
GREY = COLOURS[1]
"""Of what stands beside the lines: a limit, a mark, a comparison."""
CLEAR = "rgba(0,0,0,0)"


def figure(x: str, y: str, height: int = 380) -> go.Figure:
    """An empty figure with titled axes."""
    found = go.Figure()
    found.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 60, "r": 16, "t": 16, "b": 56},
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#1f2937"},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        xaxis_title=x,
        yaxis_title=y,
    )
    return found


def line(index: int) -> dict[str, Any]:
    """The look of the line with this number."""
    return {"color": COLOURS[index % len(COLOURS)], "dash": DASHES[index % len(DASHES)], "width": 2}


def band(index: int, strength: float = 0.18) -> str:
    """The colour of an area around the line with this number."""
    colour = COLOURS[index % len(COLOURS)].lstrip("#")
    red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
    return f"rgba({red},{green},{blue},{strength})"


def add_interval(shown: go.Figure, when: Sequence[Any], low: Any, high: Any, name: str) -> None:
    """An area from `low` to `high` over time, in the colour of the first line."""
    shown.add_scatter(x=when, y=low, showlegend=False, line={"color": CLEAR}, hoverinfo="skip")
    shown.add_scatter(
        x=when,
        y=high,
        name=name,
        fill="tonexty",
        fillcolor=band(0),
        line={"color": CLEAR},
        hoverinfo="skip",
    )
