"""The figures of a replay of lists as tables, for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from model.slate_metrics import METRICS
from streams.datasets.tables.bad_rows import BadRows
from streams.offline.replay.impressions.judge import ADAPTED
from streams.offline.replay.terminal import print_reading, shown

NAMES = {"auc": "AUC", "mrr": "MRR", "ndcg@5": "NDCG@5", "ndcg@10": "NDCG@10"}


class Figures(NamedTuple):
    """A table: its title, the names of its columns after the first, and its rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables_of(summary: Mapping[str, Any]) -> list[Figures]:
    """The figures, the differences to each reference with 95% intervals, and MRR over time."""
    columns = [NAMES[name] for name in METRICS]
    found = [
        Figures(
            "Ranking within the shown list",
            columns,
            [[name, *(shown(each[key]) for key in METRICS)] for name, each in summary["ranking"].items()],
        )
    ]
    for other, systems in summary["against"].items():
        rows = [[name, *(_interval(each[key]) for key in METRICS)] for name, each in systems.items()]
        found.append(Figures(f"Minus {other}, list by list, with 95% intervals", columns, rows))
    stretches = summary["over_time"]
    names = list(summary["ranking"])
    found.append(
        Figures(
            "MRR as the second part goes on",
            [f"{each['lists']:,} lists" for each in stretches],
            [[name, *(f"{each['mrr'][name]:.4f}" for each in stretches)] for name in names],
        )
    )
    return found


def described(summary: Mapping[str, Any]) -> str:
    """What was replayed, in words."""
    lists, protocol = summary["lists"], summary["protocol"]
    drift = " From there on every list is reversed: a planted drift." if protocol["planted_drift"] else ""
    mean = lists["mean_places"]
    places = f" of {mean:.1f} places in the mean" if mean is not None else ""
    return (
        f"{lists['all']:,} lists{places}, {lists['users']:,} users, {lists['items']:,} items, "
        f"{lists['events']:,} events; the first {lists['warm']:,} lists warm and train, {lists['judged']:,} "
        f"of the others have a click and are ranked before anything of them is learned.{drift}"
    )


def print_lists(console: Console, summary: Mapping[str, Any], bad: BadRows) -> None:
    """Notes and bad rows first: they say what the figures stand on."""
    print_reading(console, summary["notes"], bad)
    console.print(described(summary), highlight=False)
    for figures in tables_of(summary):
        table = Table(title=figures.title, title_justify="left")
        table.add_column("")
        for name in figures.columns:
            table.add_column(name, justify="right")
        for row in figures.rows:
            table.add_row(*row, style="bold" if row[0] == ADAPTED else "")
        console.print(table)
    said = ", ".join(f"{count:,} {name}" for name, count in summary["lessons"].items() if count)
    console.print(f"lessons and what was left out of them: {said or 'none'}", highlight=False)
    marks = ", ".join(f"{mark['detector']} at {mark['lesson']:,}" for mark in summary["marks"])
    console.print(
        f"changes of the loss that detectors marked, by the lesson: {marks or 'none'}", highlight=False
    )
    rate = summary["speed"]["lists_per_s"]
    console.print(f"{'–' if rate is None else f'{rate:,.0f}'} lists/s", highlight=False)


def _interval(estimate: Mapping[str, float | None]) -> str:
    value, error = estimate["value"], estimate["error"]
    if value is None:
        return "–"
    if error is None:
        return f"{value:+.4f}"
    return f"{value:+.4f} ({value - 1.96 * error:+.4f} to {value + 1.96 * error:+.4f})"
