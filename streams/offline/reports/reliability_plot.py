"""The reliability of predictions as a curve; without torch, for every report."""

from __future__ import annotations

import plotly.graph_objects as go

from model.reliability import Reliability
from streams.offline.reports.figure import figure, line


def reliability_curve(judged: Reliability, predicted: str, observed: str) -> go.Figure:
    """Observed against predicted; on the dotted line the two are equal."""
    found = figure(predicted, observed, 340)
    low = min(min(cases.predicted, cases.low) for cases in judged.bins)
    high = max(max(cases.predicted, cases.high) for cases in judged.bins)
    found.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={**line(1), "dash": "dot", "width": 1},
        hoverinfo="skip",
    )
    found.add_scatter(
        x=[cases.predicted for cases in judged.bins],
        y=[cases.observed for cases in judged.bins],
        mode="lines+markers",
        line=line(0),
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [cases.high - cases.observed for cases in judged.bins],
            "arrayminus": [cases.observed - cases.low for cases in judged.bins],
            "thickness": 1,
        },
        customdata=[cases.events for cases in judged.bins],
        hovertemplate="predicted %{x:.3f}, observed %{y:.3f}, %{customdata:,} cases<extra></extra>",
    )
    found.update_layout(showlegend=False)
    return found
