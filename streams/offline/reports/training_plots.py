"""The plots of a training's report, each a plotly figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from model.exposure import Exposure
from model.group_gaps import Gap
from model.segments import Segment
from model.train import Progress
from streams.offline.reports.figure import COLOURS, band, figure, line
from streams.offline.reports.training_findings import Sample

POINTS = 200
SHOWN_PARTS, SHOWN_HISTORY, TITLE_MAX = 12, 15, 26
INTERVAL = 1.96


def losses(progress: Sequence[Progress]) -> go.Figure:
    """The loss and its terms over the examples seen, each point a mean of several batches."""
    steps = [each for each in progress if not np.isnan(each.loss)]
    found = figure("examples seen", "loss")
    parts = [
        part for part in np.array_split(np.arange(len(steps)), min(POINTS, max(len(steps), 1))) if len(part)
    ]
    seen = [steps[part[-1]].done for part in parts]
    names = dict.fromkeys(name for step in steps for name in step.terms)
    curves = {"all": [step.loss for step in steps]} | {
        name: [step.terms.get(name, np.nan) for step in steps] for name in names
    }
    for index, (name, values) in enumerate(curves.items()):
        means = [float(np.mean(np.take(values, part))) for part in parts]
        found.add_scatter(
            x=seen, y=means, name=name, mode="lines", line=line(index), hovertemplate="%{y:.4f}"
        )
    found.update_layout(hovermode="x unified")
    return found


def ranking_by_epoch(progress: Sequence[Progress]) -> go.Figure:
    """HR@10 and NDCG@10 on the held-out examples, with 95% bands."""
    judged = [each for each in progress if not np.isnan(each.ndcg.value)]
    epochs = [each.epoch + 1 for each in judged]
    found = figure("epoch", "on held-out examples")
    for index, name in enumerate(("HR@10", "NDCG@10")):
        means = np.array([(each.hit_rate, each.ndcg)[index].value for each in judged])
        errors = INTERVAL * np.array([(each.hit_rate, each.ndcg)[index].error for each in judged])
        found.add_scatter(
            x=[*epochs, *epochs[::-1]],
            y=[*(means + errors), *(means - errors)[::-1]],
            fill="toself",
            fillcolor=band(index),
            mode="lines",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        found.add_scatter(
            x=epochs, y=means, name=name, mode="lines+markers", line=line(index), hovertemplate="%{y:.4f}"
        )
    found.update_layout(hovermode="x unified")
    found.update_xaxes(dtick=max(1, len(epochs) // 10))
    found.update_yaxes(rangemode="tozero")
    return found


def segment_bars(segments: Sequence[Segment], axis: str) -> go.Figure:
    """HR@10 and NDCG@10 of each segment that has events, with 95% intervals."""
    found = figure(axis, "on held-out examples", 340)
    there = [each for each in segments if each.events]
    for index, name in enumerate(("HR@10", "NDCG@10")):
        estimates = [(each.hit_rate, each.ndcg)[index] for each in there]
        reach = [INTERVAL * float(np.nan_to_num(each.error)) for each in estimates]
        found.add_bar(
            x=[f"{each.name}<br>{each.events:,}" for each in there],
            y=[each.value for each in estimates],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": reach,
                "arrayminus": [min(far, each.value) for far, each in zip(reach, estimates, strict=True)],
                "thickness": 1,
            },
            name=name,
            marker_color=COLOURS[(0, 2)[index]],
            hovertemplate="%{y:.4f}",
        )
    found.update_layout(barmode="group", xaxis_type="category")
    return found


def gap_intervals(gaps: Sequence[Gap]) -> go.Figure:
    """The gap of each group with its 95% interval; filled if it holds among all compared gaps."""
    ordered = sorted(gaps, key=lambda each: each.difference)
    found = figure("NDCG@10 minus that of all others", "", 110 + 26 * len(ordered))
    found.add_scatter(
        x=[each.difference for each in ordered],
        y=[f"{each.group} ({each.users:,})" for each in ordered],
        mode="markers",
        marker={
            "size": 9,
            "color": COLOURS[0],
            "symbol": ["circle" if each.holds else "circle-open" for each in ordered],
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [each.high - each.difference for each in ordered],
            "arrayminus": [each.difference - each.low for each in ordered],
            "thickness": 1.5,
        },
        customdata=[(each.events, each.low, each.high) for each in ordered],
        hovertemplate="%{x:+.4f} (%{customdata[1]:+.4f} to %{customdata[2]:+.4f}), "
        "%{customdata[0]:,} events<extra>%{y}</extra>",
    )
    found.add_vline(x=0, line={**line(1), "width": 1})
    found.update_yaxes(automargin=True, type="category")
    return found


def exposure_bars(exposure: Exposure) -> go.Figure:
    """The shares of each tier of popularity."""
    found = figure("items by popularity", "share", 340)
    names = [f"{each.name}<br>{each.items:,} items" for each in exposure.tiers]
    for index, (name, field) in enumerate((("catalogue", 2), ("consumed", 3), ("shown in the first ten", 4))):
        found.add_bar(
            x=names,
            y=[each[field] for each in exposure.tiers],
            name=name,
            marker_color=COLOURS[(1, 2, 0)[index]],
            hovertemplate="%{y:.1%}",
        )
    found.update_layout(barmode="group")
    found.update_yaxes(tickformat=".0%")
    return found


def attention_map(sample: Sample) -> go.Figure:
    """How each head attends to the newest items of the history."""
    titles = [f"{place}. {_short(title)}" for place, title in enumerate(sample.history[:SHOWN_HISTORY], 1)]
    found = figure("", "", 90 + 24 * len(titles))
    heads = [f"head {head}" for head in range(1, len(sample.attention) + 1)]
    clear, full = band(0, 0.0), band(0, 1.0)
    found.add_heatmap(
        z=sample.attention[:, :SHOWN_HISTORY].T,
        x=heads,
        y=titles,
        colorscale=[[0, clear], [1, full]],
        zmin=0,
        texttemplate="%{z:.2f}",
        showscale=False,
        hovertemplate="%{y}: %{z:.3f}<extra>%{x}</extra>",
    )
    found.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    found.update_xaxes(side="top", showgrid=False)
    found.update_layout(margin={"l": 8, "r": 8, "t": 36, "b": 8})
    return found


def part_bars(sample: Sample) -> go.Figure:
    """The largest parts of the score, and all the others together."""
    largest = sorted(sample.parts.items(), key=lambda each: -abs(each[1]))
    shown, rest = largest[:SHOWN_PARTS], largest[SHOWN_PARTS:]
    bars = [(_short(name), part) for name, part in shown] + [("all others", sum(part for _, part in rest))]
    found = figure("part of the click score", "", 110 + 24 * len(bars))
    found.add_bar(
        x=[part for _, part in bars],
        y=[f"{place}. {name}" for place, (name, _) in enumerate(bars, 1)],
        orientation="h",
        marker_color=[COLOURS[0] if part > 0 else COLOURS[2] for _, part in bars],
        hovertemplate="%{x:+.3f}<extra>%{y}</extra>",
    )
    found.update_yaxes(autorange="reversed", automargin=True)
    found.update_layout(margin={"l": 8, "r": 8, "t": 36, "b": 48})
    return found


def _short(title: str) -> str:
    return title if len(title) <= TITLE_MAX else title[: TITLE_MAX - 1].rstrip() + "…"
