"""`--report`: one page with the figures and plots of a replay, whole in itself: it works offline."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import DataError
from streams.replay.bad_rows import BadRows
from streams.replay.result import Outcomes
from streams.replay.summary import MODEL
from streams.replay.terminal import RANKING, shown

if TYPE_CHECKING:
    import plotly.graph_objects as go

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; background: #f3f4f6; margin: 0; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 24px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 4px; }
p { margin: 4px 0 12px; color: #4b5563; max-width: 75ch; }
section { background: #fff; border: 1px solid #e5e7eb; border-radius: 8px; padding: 16px; margin-top: 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px;
  margin-top: 16px; }
.tile { background: #fff; border: 1px solid #e5e7eb; border-radius: 8px; padding: 12px 16px; }
.tile b { display: block; font-size: 24px; font-variant-numeric: tabular-nums; }
.tile span { color: #4b5563; font-size: 13px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 0 16px; }
.two section { min-width: 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 8px; border-bottom: 1px solid #e5e7eb; }
th:first-child, td:first-child { text-align: left; }
tr.model td { font-weight: 600; }
li { overflow-wrap: anywhere; }
"""

# Plots are drawn while the page is read, before their columns have their final width.
_FIT = "<script>addEventListener('load', () => dispatchEvent(new Event('resize')))</script>"


def write_report(
    path: Path, title: str, summary: Mapping[str, Any], outcomes: Outcomes, bad: BadRows
) -> None:
    """Write the page; raises `DataError` where plotly is missing or the file can't be written."""
    try:
        page = _page(title, summary, outcomes, bad)
    except ImportError:
        raise DataError("--report needs plotly; install it: pip install 'headrace[train]'") from None
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise DataError(f"--report {path}: {error.strerror}; name a file that can be written") from None


def _page(title: str, summary: Mapping[str, Any], outcomes: Outcomes, bad: BadRows) -> str:
    from plotly.offline import get_plotlyjs

    from streams.replay import plots

    pool = summary["protocol"]["pool"]
    ratings, stages = summary["ratings"], summary["speed"]["stage_seconds"]
    parts = [
        _head(title, summary),
        _tiles(summary),
        _section("Ranking", "The next item among all items the user has not met.", _ranking(summary)),
        _section(
            "Over the stream",
            "How often the true item was among the first ten, as the stream went on.",
            _plot(plots.hits_over_stream(outcomes)),
        ),
        _section(
            "By depth",
            "How often the true item is among the first k. An item that no source "
            "brought can't be ranked: the model's curve ends where the candidates' does.",
            _plot(plots.hits_by_depth(outcomes, pool)),
        ),
        '<div class="two">',
        _section(
            "By the user's history",
            "HR@10 by how many events of the user came before; bars show 95% intervals.",
            _plot(plots.segment_bars(summary["by_user_history"], "the user's events before")),
        ),
        _section(
            "By the item's age",
            "HR@10 by how many events of the true item came before.",
            _plot(plots.segment_bars(summary["by_item_events"], "the item's events before")),
        ),
        "</div>",
        '<div class="two">',
    ]
    if ratings["events"]:
        text = f"Mean gap {ratings['calibration_error']:.3f} over {ratings['events']:,} rated events."
        parts.append(_section("Ratings", text, _plot(plots.rating_calibration(ratings["calibration"]))))
    if stages:
        figure = plots.stage_bars(stages, summary["events"]["predicted"])
        parts.append(_section("Time by stage", "Mean over the predicted events, one process.", _plot(figure)))
    parts += ["</div>", _notes(summary, bad)]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Replay: {escape(title)}</title><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head>\n<body><main>{''.join(parts)}</main>{_FIT}</body></html>\n"
    )


def _head(title: str, summary: Mapping[str, Any]) -> str:
    events, protocol = summary["events"], summary["protocol"]
    return (
        f"<h1>Replay: {escape(title)}</h1><p>{events['all']:,} events of {events['users']:,} users on "
        f"{events['items']:,} items. The first {events['warm']:,} warm and train; each of the other "
        f"{events['predicted']:,} is predicted before it is learned, and {events['ranked']:,} of them can be "
        f"ranked. Ties in time are {escape(protocol['ties_in_time'])} (seed {protocol['seed']}). "
        f"Model: {escape(protocol['model'])}.</p>"
    )


def _tiles(summary: Mapping[str, Any]) -> str:
    best, pool = summary["ranking"][MODEL], summary["protocol"]["pool"]
    rate = summary["speed"]["events_per_s"]
    tiles = [
        ("HR@10", _short(best["hr@10"])),
        ("NDCG@10", _short(best["ndcg@10"])),
        (f"candidate recall@{pool}", _short(summary["candidate_recall"][str(pool)])),
        ("RMSE of ratings", _short(summary["ratings"]["rmse"])),
        ("events/s", "–" if rate is None else f"{rate:,.0f}"),
    ]
    cells = "".join(f'<div class="tile"><b>{value}</b><span>{name}</span></div>' for name, value in tiles)
    return f'<div class="tiles">{cells}</div>'


def _ranking(summary: Mapping[str, Any]) -> str:
    names = "".join(f"<th>{name}</th>" for name, _ in RANKING)
    rows = []
    for system, figures in summary["ranking"].items():
        covered = summary["coverage@10"].get(system)
        cells = "".join(f"<td>{shown(figures[key])}</td>" for _, key in RANKING)
        mark = ' class="model"' if system == MODEL else ""
        coverage = "–" if covered is None else f"{covered:.3f}"
        rows.append(f"<tr{mark}><td>{escape(system)}</td>{cells}<td>{coverage}</td></tr>")
    return f"<table><tr><th></th>{names}<th>coverage@10</th></tr>{''.join(rows)}</table>"


def _notes(summary: Mapping[str, Any], bad: BadRows) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in summary["notes"])
    body = f"<ul>{notes}</ul>" if notes else ""
    if len(bad):
        shown_rows = "".join(f"<li>{escape(str(row))}</li>" for row in bad.first(20))
        body += f"<p>{len(bad):,} bad rows were left out; the first ones:</p><ul>{shown_rows}</ul>"
    return _section("How the data was read", "", body or "<p>Nothing had to be assumed.</p>")


def _section(title: str, text: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{f'<p>{text}</p>' if text else ''}{body}</section>"


def _plot(figure: go.Figure) -> str:
    """A plot as a piece of the page; the library itself stands once in the page's head."""
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True}
    )
    return html


def _short(estimate: Mapping[str, float | None]) -> str:
    value = estimate["value"]
    return "–" if value is None else f"{value:.3f}"
