"""`--report`: one page with the figures and plots of a replay, whole in itself: it works offline."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from model.reliability import Bin, Reliability
from streams.datasets.tables.bad_rows import BadRows
from streams.offline.replay.result import Predictions
from streams.offline.replay.summary import MODEL
from streams.offline.replay.terminal import RANKING, liking_columns, liking_rows, shown
from streams.offline.reports.page import beside, page, plot, section, table, tiles, without_plotly, write_page


def write_report(
    path: Path, title: str, summary: Mapping[str, Any], predictions: Predictions, bad: BadRows
) -> None:
    """Write the page; raises `DataError` where plotly is missing or the file can't be written."""
    try:
        html = _page(title, summary, predictions, bad)
    except ImportError:
        raise without_plotly() from None
    write_page(path, html)


def _page(title: str, summary: Mapping[str, Any], predictions: Predictions, bad: BadRows) -> str:
    from streams.offline.replay import plots
    from streams.offline.reports.reliability_plot import reliability_curve

    pool = summary["protocol"]["pool"]
    ratings, stages = summary["ratings"], summary["speed"]["stage_seconds"]
    parts = [
        _head(title, summary),
        _tiles(summary),
        section("Ranking", "The next item among all items the user has not met.", _ranking(summary)),
        *_liking(summary["liking"]),
        section(
            "Over the stream",
            "How often the true item was among the first ten, as the stream went on.",
            plot(plots.hits_over_stream(predictions)),
        ),
        section(
            "By depth",
            "How often the true item is among the first k. An item that no source "
            "brought can't be ranked: the model's curve ends where the candidates' does.",
            plot(plots.hits_by_depth(predictions, pool)),
        ),
        beside(
            section(
                "By the user's history",
                "HR@10 by how many events of the user came before; bars show 95% intervals.",
                plot(plots.segment_bars(summary["by_user_history"], "the user's events before")),
            ),
            section(
                "By the item's age",
                "HR@10 by how many events of the true item came before.",
                plot(plots.segment_bars(summary["by_item_events"], "the item's events before")),
            ),
        ),
    ]
    last, clicks = [], summary["clicks"]
    if clicks["places"]:
        gap = f"Mean gap {clicks['calibration_error']:.4f} over the first ten of each event"
        judged = Reliability([Bin(**part) for part in clicks["calibration"]], clicks["calibration_error"])
        last.append(
            section(
                "Clicks",
                f"{gap}; bars show 95% intervals.",
                plot(reliability_curve(judged, "probability given", "share that came")),
            )
        )
    if ratings["events"]:
        text = f"Mean gap {ratings['calibration_error']:.3f} over {ratings['events']:,} rated events."
        last.append(section("Ratings", text, plot(plots.rating_calibration(ratings["calibration"]))))
    if stages:
        figure = plots.stage_bars(stages, summary["events"]["predicted"])
        last.append(section("Time by stage", "Mean over the predicted events, one process.", plot(figure)))
    parts += [beside(*last), notes_section(summary, bad)]
    return page(f"Replay: {title}", parts)


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
    return tiles(
        [
            ("HR@10", _short(best["hr@10"])),
            ("NDCG@10", _short(best["ndcg@10"])),
            (f"candidate recall@{pool}", _short(summary["candidate_recall"][str(pool)])),
            ("RMSE of ratings", _short(summary["ratings"]["rmse"])),
            ("events/s", "–" if rate is None else f"{rate:,.0f}"),
        ]
    )


def _ranking(summary: Mapping[str, Any]) -> str:
    rows = []
    for system, figures in summary["ranking"].items():
        covered = summary["coverage@10"].get(system)
        coverage = "–" if covered is None else f"{covered:.3f}"
        rows.append([system, *(shown(figures[key]) for _, key in RANKING), coverage])
    return table(["", *(name for name, _ in RANKING), "coverage@10"], rows, strong=MODEL)


def _liking(liking: Mapping[str, Any]) -> list[str]:
    """A section, where anything was rated."""
    if not liking["low_events"] and not liking["high_events"]:
        return []
    rows = [[system, *cells] for system, cells in liking_rows(liking)]
    text = (
        "Whether the item stood among the first ten right before the user rated it. "
        "Of what they rate low, less is better."
    )
    return [section("By the rating", text, table(["", *liking_columns(liking)], rows, strong=MODEL))]


def notes_section(summary: Mapping[str, Any], bad: BadRows) -> str:
    """What was assumed of the data, and which rows were left out."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in summary["notes"])
    body = f"<ul>{notes}</ul>" if notes else ""
    if len(bad):
        shown_rows = "".join(f"<li>{escape(str(row))}</li>" for row in bad.first(20))
        body += f"<p>{len(bad):,} bad rows were left out; the first ones:</p><ul>{shown_rows}</ul>"
    return section("How the data was read", "", body or "<p>Nothing had to be assumed.</p>")


def _short(estimate: Mapping[str, float | None]) -> str:
    value = estimate["value"]
    return "–" if value is None else f"{value:.3f}"
