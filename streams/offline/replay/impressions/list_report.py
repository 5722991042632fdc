"""`--report` of a replay of lists: one page that works offline."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from streams.datasets.tables.bad_rows import BadRows
from streams.offline.replay.impressions.judge import ADAPTED
from streams.offline.replay.impressions.list_tables import described, tables_of
from streams.offline.replay.impressions.outcomes import ListsResult
from streams.offline.replay.report import notes_section
from streams.offline.replay.terminal import shown
from streams.offline.reports.page import page, plot, section, table, tiles, without_plotly, write_page


def write_list_report(
    path: Path, title: str, summary: Mapping[str, Any], result: ListsResult, bad: BadRows
) -> None:
    """Write the page; raises `DataError` where plotly is missing or the file can't be written."""
    try:
        html = _page(title, summary, result, bad)
    except ImportError:
        raise without_plotly() from None
    write_page(path, html)


def _page(title: str, summary: Mapping[str, Any], result: ListsResult, bad: BadRows) -> str:
    from streams.offline.replay.impressions import list_plots as plots

    ranking, *others = tables_of(summary)
    best = summary["ranking"].get(ADAPTED, {})
    lessons = [[name, f"{count:,}"] for name, count in summary["lessons"].items() if count]
    parts = [
        f"<h1>Replay of lists: {escape(title)}</h1><p>{escape(described(summary))}</p>",
        tiles([(name, shown(best[key], 3)) for name, key in (("MRR", "mrr"), ("AUC", "auc")) if best]),
        section(
            "Ranking within the shown list",
            "Each list is ranked by every system before anything of it is learned. Errors are standard "
            "errors, by user.",
            table(["", *ranking.columns], ranking.rows, strong=ADAPTED),
        ),
        *(section(each.title, "", table(["", *each.columns], each.rows, strong=ADAPTED)) for each in others),
        section("Over the lists", "MRR as the lists go on.", plot(plots.mrr_over_lists(result.outcomes))),
        section(
            "Weights of the experts",
            "How much each expert of the adapted order counts. An expert's weight follows the chance that it "
            f"gave to the choices that came. Changes of the loss that detectors marked: {_marks(summary)}.",
            plot(plots.weights_over_lists(result.weights)),
        ),
        *(
            []
            if result.live is None
            else [
                section(
                    "Weights over the live net",
                    f"The same over the live net, which is the frozen expert's order there. It learned "
                    f"{result.live.learned:,} lists, began anew {result.live.fitted} times and went on "
                    f"{result.live.renewed} times.",
                    plot(plots.weights_over_lists(result.live.weights)),
                )
            ]
        ),
        section("Lessons", "By kind, and what was left out of them by its reason.", table([], lessons)),
        notes_section(summary, bad),
    ]
    return page(f"Replay of lists: {title}", parts)


def _marks(summary: Mapping[str, Any]) -> str:
    """Which detector saw a change at which lesson."""
    return (
        ", ".join(f"{mark['detector']} at lesson {mark['lesson']:,}" for mark in summary["marks"]) or "none"
    )
