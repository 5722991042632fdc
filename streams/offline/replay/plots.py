"""The plots of a replay's report, each a plotly figure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from model.evaluate import moving_mean
from streams.offline.replay.result import Predictions
from streams.offline.replay.summary import K, ranks_by_system
from streams.offline.reports.figure import COLOURS, line
from streams.offline.reports.figure import figure as new

POINTS = 600
SMALLEST_WINDOW = 50


def hits_over_stream(predictions: Predictions) -> go.Figure:
    """HR@10 as the stream goes on: the mean over the last twentieth of the events."""
    ranked = predictions.ranked
    count = int(ranked.sum())
    window = max(SMALLEST_WINDOW, count // 20)
    first = min(window, count)
    shown = np.unique(np.linspace(first, count, POINTS).astype(int) - 1) if count else np.empty(0, int)
    days = [_day(ms) for ms in predictions.ts_ms[ranked][shown]]
    figure = new("events ranked", f"HR@{K}, last {window:,}")
    for index, (name, ranks) in enumerate(ranks_by_system(predictions).items()):
        hits = _hits(ranks[ranked])
        figure.add_scatter(
            x=shown + 1,
            y=moving_mean(hits, window)[shown],
            name=name,
            line=line(index),
            customdata=days,
            hovertemplate="%{y:.3f} on %{customdata}",
        )
    figure.update_layout(hovermode="x unified")
    figure.update_yaxes(rangemode="tozero")
    return figure


def hits_by_depth(predictions: Predictions, pool: int) -> go.Figure:
    """How often the true item is within the first k: of the final order, the candidates, the baselines."""
    depths = np.unique(np.geomspace(1, max(pool, 2), 60).astype(int))
    figure = new("first k", "share of events whose item is there")
    for index, (name, ranks) in enumerate(ranks_by_system(predictions).items()):
        figure.add_scatter(
            x=depths, y=_within(ranks[predictions.ranked], depths), name=name, line=line(index)
        )
    candidates = predictions.candidate_rank[predictions.ranked]
    figure.add_scatter(
        x=depths,
        y=_within(candidates, depths),
        name="candidates, before rescoring",
        line={**line(3), "width": 1.5},
    )
    figure.update_xaxes(type="log", tickvals=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
    figure.update_layout(hovermode="x unified")
    return figure


def segment_bars(segments: Mapping[str, Any], axis: str) -> go.Figure:
    """HR@10 of each system in each segment, with 95% intervals."""
    figure = new(axis, f"HR@{K}")
    systems = dict.fromkeys(key for segment in segments.values() for key in segment if key != "events")
    labels = [f"{name}<br>{segment['events']:,} events" for name, segment in segments.items()]
    for index, system in enumerate(systems):
        estimates = [segment[system][f"hr@{K}"] for segment in segments.values()]
        figure.add_bar(
            x=labels,
            y=[estimate["value"] for estimate in estimates],
            error_y={
                "type": "data",
                "array": [1.96 * (e["error"] or 0.0) for e in estimates],
                "thickness": 1,
            },
            name=system,
            marker_color=COLOURS[index % len(COLOURS)],
        )
    figure.update_layout(barmode="group")
    return figure


def rating_calibration(bins: list[dict[str, float]]) -> go.Figure:
    """Mean rating given against mean rating foretold; on the line, predictions mean what they say."""
    figure = new("rating foretold", "rating given")
    figure.add_scatter(
        x=[1, 5], y=[1, 5], mode="lines", name="perfect", line={"color": "#9ca3af", "dash": "dot", "width": 1}
    )
    most = max((part["events"] for part in bins), default=1)
    figure.add_scatter(
        x=[part["predicted"] for part in bins],
        y=[part["observed"] for part in bins],
        mode="lines+markers",
        name="events in a bin (area: how many)",
        line=line(0),
        marker={"size": [6 + 22 * float(np.sqrt(part["events"] / most)) for part in bins], "opacity": 0.7},
        customdata=[part["events"] for part in bins],
        hovertemplate="foretold %{x:.2f}, given %{y:.2f}, %{customdata:,} events",
    )
    figure.update_xaxes(range=[0.9, 5.1])
    figure.update_yaxes(range=[0.9, 5.1])
    return figure


def stage_bars(stages: Mapping[str, float], events: int) -> go.Figure:
    """Mean time of each stage for one predicted event."""
    figure = new("ms an event", "")
    names = list(stages)[::-1]
    figure.add_bar(
        x=[1000 * stages[name] / max(events, 1) for name in names],
        y=names,
        orientation="h",
        marker_color=COLOURS[0],
        hovertemplate="%{y}: %{x:.3f} ms<extra></extra>",
    )
    return figure


def _hits(ranks: NDArray[np.int32]) -> NDArray[np.float64]:
    return ((ranks > 0) & (ranks <= K)).astype(np.float64)


def _within(ranks: NDArray[np.int32], depths: NDArray[np.int_]) -> NDArray[np.float64]:
    """For each depth the share of ranks from 1 up to it."""
    found = np.sort(ranks[ranks > 0])
    return np.searchsorted(found, depths, side="right") / max(len(ranks), 1)


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).date().isoformat()
