"""The page of an interleaved experiment: its verdict, and each arm's share of the votes over time; works
offline.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.interleaving.reading import interval_of
from streams.experiments.interleaving.votes import EVEN, Votes, promised, read_votes, said
from streams.offline.reports.page import page, plot, section, without_plotly, write_page

if TYPE_CHECKING:
    import plotly.graph_objects as go

OVER_TIME = (
    "The share of the votes that the arm has, of users who clicked more of one arm's items. The area holds"
    " the true one at all times together. It is decided when it leaves the line at one half."
)


def write_votes(
    path: Path, name: str, declared: ExperimentSettings, points: Sequence[tuple[int, Votes]]
) -> None:
    """Write the page; raises `DataError` where plotly is missing or the file can't be written."""
    write_page(path, votes_page(name, declared, points))


def votes_page(name: str, declared: ExperimentSettings, points: Sequence[tuple[int, Votes]]) -> str:
    """The page as HTML. `points`: the votes at times (ms since 1970, UTC), the oldest first, the last now.

    Raises `DataError` where plotly is missing.
    """
    votes = [each for _, each in points]
    reading = read_votes(declared.other, declared.control, votes, declared.alpha)
    try:
        shares = plot(_shares(declared, points))
    except ImportError:
        raise without_plotly() from None
    head = f"<h1>Experiment: {escape(name)}</h1><p>{escape(declared.hypothesis)}</p>"
    return page(
        f"Experiment: {name}",
        [
            head,
            section("Verdict", "", f"<p><b>{escape(said(reading))}</b></p>"),
            section("Votes over time", OVER_TIME, shares),
            section("What is promised", escape(promised(declared.alpha, declared.window_days))),
        ],
    )


def _shares(declared: ExperimentSettings, points: Sequence[tuple[int, Votes]]) -> go.Figure:
    from streams.offline.reports.figure import GREY, add_interval, figure, line

    cast = [(ts_ms, each) for ts_ms, each in points if each.cast]
    when = [datetime.fromtimestamp(ts_ms / 1_000, UTC) for ts_ms, _ in cast]
    ends = [interval_of(each.arm, each.control, declared.alpha) for _, each in cast]
    shown = figure("", f"{declared.other} against {declared.control}: votes", 380)
    low, high = [low for low, _ in ends], [high for _, high in ends]
    add_interval(shown, when, low, high, f"{1 - declared.alpha:.0%} interval")
    shown.add_scatter(
        x=when,
        y=[each.arm / each.cast for _, each in cast],
        name=f"votes for {declared.other}",
        line=line(0),
        mode="lines+markers" if len(cast) < 20 else "lines",
        customdata=[[low, high, each.cast] for (low, high), (_, each) in zip(ends, cast, strict=True)],
        hovertemplate="%{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%}), %{customdata[2]:,} votes",
    )
    shown.add_hline(y=EVEN, line={"color": GREY, "width": 1})
    shown.update_layout(hovermode="x unified", yaxis_tickformat=".0%")
    shown.update_yaxes(range=[0.0, 1.0])
    return shown
