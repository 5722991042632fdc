"""Whether predictions mean what they say, as a curve; without torch, for every report."""

from __future__ import annotations

import plotly.graph_objects as go

from model.reliability import Reliability
from streams.offline.reports.figure import figure, line


def reliability_curve(judged: Reliability, said: str, came: str) -> go.Figure:
    """What came against what was said; on the dotted line, predictions mean what they say."""
    found = figure(said, came, 340)
    low = min(min(each.predicted, each.low) for each in judged.bins)
    high = max(max(each.predicted, each.high) for each in judged.bins)
    found.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={**line(1), "dash": "dot", "width": 1},
        hoverinfo="skip",
    )
    found.add_scatter(
        x=[each.predicted for each in judged.bins],
        y=[each.observed for each in judged.bins],
        mode="lines+markers",
        line=line(0),
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [each.high - each.observed for each in judged.bins],
            "arrayminus": [each.observed - each.low for each in judged.bins],
            "thickness": 1,
        },
        customdata=[each.events for each in judged.bins],
        hovertemplate="said %{x:.3f}, came %{y:.3f}, %{customdata:,} cases<extra></extra>",
    )
    found.update_layout(showlegend=False)
    return found
