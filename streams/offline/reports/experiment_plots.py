"""The plots of an experiment's page, each a plotly figure. Times are UTC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import plotly.graph_objects as go

from streams.experiments.readings.guardrails import watched
from streams.experiments.readings.moments import F64
from streams.experiments.readings.plan import Guardrail, Plan
from streams.experiments.readings.reading import mismatch_evidence
from streams.experiments.readings.tracks import Line, Sums, track
from streams.offline.reports.figure import GREY, add_interval, figure, line

ROOM = 1.15


def interval(
    plan: Plan, points: Sequence[Sums], times: Sequence[datetime], arm: str, metric: str, height: int = 380
) -> go.Figure:
    """The lift with its interval at each point: adjusted as an area, unadjusted as lines."""
    alpha = plan.alpha / (len(plan.arms) if metric == plan.primary else 1)
    seen = track(plan, points, arm, metric, alpha)
    shown = figure("", f"{arm} against {plan.control}: {metric}", height)
    at = np.array(seen.due if plan.reading == "group" else np.flatnonzero(seen.readable), np.intp)
    when = [times[each] for each in at]
    for edge, name in ((seen.unadjusted.low, "unadjusted"), (seen.unadjusted.high, None)):
        shown.add_scatter(
            x=when,
            y=_finite(edge[at]),
            name=name,
            showlegend=name is not None,
            line={"color": GREY, "dash": "dot", "width": 1},
            hoverinfo="skip",
        )
    low, high = _finite(seen.adjusted.low[at]), _finite(seen.adjusted.high[at])
    add_interval(shown, when, low, high, f"{1 - plan.alpha:.0%} interval, adjusted")
    shown.add_scatter(
        x=when,
        y=seen.adjusted.lift.value[at],
        name="lift, adjusted",
        line=line(0),
        mode="lines+markers" if len(at) < 20 else "lines",
        customdata=np.column_stack(
            [seen.adjusted.low[at], seen.adjusted.high[at], seen.unadjusted.lift.users[at]]
        ),
        hovertemplate="%{y:+.1%} (%{customdata[0]:+.1%} to %{customdata[1]:+.1%}), %{customdata[2]:,} users",
    )
    shown.add_hline(y=0.0, line={"color": GREY, "width": 1})
    if plan.minimum_effect and metric == plan.primary:
        shown.add_hline(
            y=plan.minimum_effect,
            line={"color": GREY, "dash": "dash", "width": 1},
            annotation_text="worth finding",
            annotation_font_color=GREY,
        )
    shown.update_layout(hovermode="x unified", yaxis_tickformat="+.0%")
    shown.update_yaxes(range=_range(seen.adjusted, at))
    return shown


def guardrail(
    plan: Plan, points: Sequence[Sums], times: Sequence[datetime], arm: str, rail: Guardrail
) -> go.Figure:
    """The lift, the best that it may be, and where the arm is stopped."""
    seen = watched(plan, points, arm, rail)
    shown = figure("", f"{arm}: {rail.metric}", 300)
    known = np.flatnonzero(np.isfinite(seen.bound))
    when = [times[int(each)] for each in known]
    shown.add_scatter(x=when, y=seen.lift[known], name="lift, adjusted", line=line(0))
    best = "at most" if rail.worst <= 0.0 else "at least"
    shown.add_scatter(x=when, y=seen.bound[known], name=best, line=line(2))
    shown.add_hline(y=rail.worst, line={"color": GREY, "dash": "dash"}, annotation_text="stopped beyond")
    shown.update_layout(hovermode="x unified", yaxis_tickformat="+.0%")
    if len(known):
        late = np.concatenate([seen.lift[known], seen.bound[known][len(known) // 4 :], [rail.worst, 0.0]])
        shown.update_yaxes(range=[ROOM * min(late.min(), -0.01), ROOM * max(late.max(), 0.01)])
    return shown


def mismatch(plan: Plan, points: Sequence[Sums], times: Sequence[datetime]) -> go.Figure:
    """The evidence against the shares as a power of ten, and where it blocks the reading."""
    shown = figure("", "evidence, power of ten", 260)
    evidence = mismatch_evidence(plan, points) / math.log(10.0)
    shown.add_scatter(x=list(times), y=evidence, name="evidence", line=line(0))
    shown.add_hline(
        y=-math.log10(plan.mismatch_alpha),
        line={"color": GREY, "dash": "dash"},
        annotation_text="blocked above",
        annotation_font_color=GREY,
    )
    return shown


def _finite(values: F64) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]


def _range(seen: Line, at: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[float] | None:
    """What the y axis shows: early intervals are so wide that they would hide the others."""
    known = [each for each in at if math.isfinite(seen.low[each]) and math.isfinite(seen.high[each])]
    late = known[len(known) // 4 :]
    if not late:
        return None
    low, high = min(seen.low[each] for each in late), max(seen.high[each] for each in late)
    return [ROOM * min(low, -0.01), ROOM * max(high, 0.01)]
