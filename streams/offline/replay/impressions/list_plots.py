"""The plots of a replay of lists."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from model.evaluate import moving_mean
from model.slate_metrics import METRICS
from streams.offline.replay.impressions.outcomes import ListOutcomes, Weights
from streams.offline.reports.figure import GREY, line
from streams.offline.reports.figure import figure as new

POINTS = 600
SMALLEST_WINDOW = 50


def mrr_over_lists(outcomes: ListOutcomes) -> go.Figure:
    """MRR as the lists go on: the mean over the last twentieth of them."""
    count, at = len(outcomes), METRICS.index("mrr")
    window = max(SMALLEST_WINDOW, count // 20)
    first = min(window, count)
    places = np.unique(np.linspace(first, count, POINTS).astype(int) - 1) if count else np.empty(0, int)
    found = new("lists ranked", f"MRR, last {window:,}")
    for index, (name, figures) in enumerate(outcomes.figures.items()):
        found.add_scatter(
            x=places + 1,
            y=moving_mean(figures[:, at], window)[places],
            name=name,
            line=line(index),
            hovertemplate="%{y:.3f}",
        )
    found.update_layout(hovermode="x unified")
    found.update_yaxes(rangemode="tozero")
    return found


def weights_over_lists(weights: Weights) -> go.Figure:
    """How much each expert counts; they sum to one. A line for each change that a detector marked."""
    found = new("lists ranked", "weight")
    for index, name in enumerate(weights.experts):
        found.add_scatter(
            x=weights.lists,
            y=weights.weights[:, index],
            name=name,
            line={**line(index), "width": 1},
            stackgroup="weights",
            hovertemplate="%{y:.3f}",
        )
    for lists, detector, _ in weights.marks:
        if lists:
            said = {"color": GREY, "dash": "dot", "width": 1}
            found.add_vline(x=lists, line=said, annotation_text=detector)
    found.update_layout(hovermode="x unified")
    found.update_yaxes(range=[0, 1])
    return found
