"""The figures of a replay as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from streams.datasets.tables.bad_rows import SHOWN, BadRows

LIKING = "By the rating that the user gives then (of low ones, less is better)"
RANKING = (("HR@10", "hr@10"), ("NDCG@10", "ndcg@10"), ("MRR", "mrr"))


def print_summary(console: Console, summary: Mapping[str, Any], bad: BadRows) -> None:
    """Notes and bad rows first: they say what the figures stand on."""
    print_reading(console, summary["notes"], bad)
    events, protocol = summary["events"], summary["protocol"]
    console.print(
        f"{events['all']:,} events, {events['users']:,} users, {events['items']:,} items; "
        f"the first {events['warm']:,} warm and train, {events['predicted']:,} are predicted, "
        f"{events['ranked']:,} ranked. Ties in time {protocol['ties_in_time']}, seed {protocol['seed']}.",
        highlight=False,
    )
    console.print(_ranking_table(summary))
    if summary["liking"]["low_events"] or summary["liking"]["high_events"]:
        console.print(_liking_table(summary["liking"]))
    console.print(_other_table(summary))
    console.print(_segment_table("user's events before", summary["by_user_history"]))
    console.print(_segment_table("item's events before", summary["by_item_events"]))


def print_reading(console: Console, notes: Iterable[str], bad: BadRows) -> None:
    """How files were read, and which rows were left out."""
    for note in notes:
        console.print(f"· {note}", style="dim", markup=False, highlight=False, soft_wrap=True)
    print_bad_rows(console, bad)


def print_bad_rows(console: Console, bad: BadRows) -> None:
    """The first bad rows and the count of all."""
    if not len(bad):
        return
    counts = ", ".join(f"{file}: {count:,}" for file, count in sorted(bad.by_file().items()))
    console.print(f"{len(bad):,} bad rows left out ({counts})", style="yellow", markup=False, highlight=False)
    for row in bad.first():
        console.print(f"  {row}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    if len(bad) > SHOWN:
        console.print(f"  and {len(bad) - SHOWN:,} more; --bad-rows FILE lists all", style="yellow")


def shown(estimate: Mapping[str, float | None], digits: int = 4) -> str:
    """An estimate with its standard error: `.2312 ±.0019`."""
    value, error = estimate["value"], estimate["error"]
    if value is None:
        return "–"
    return f"{value:.{digits}f}" + ("" if error is None else f" ±{error:.{digits}f}")


def _ranking_table(summary: Mapping[str, Any]) -> Table:
    table = Table(title="Ranking the next item among all items not met", title_justify="left")
    table.add_column("")
    for name, _ in RANKING:
        table.add_column(name, justify="right")
    table.add_column("coverage@10", justify="right")
    for system, figures in summary["ranking"].items():
        covered = summary["coverage@10"].get(system)
        table.add_row(
            system,
            *(shown(figures[key]) for _, key in RANKING),
            "–" if covered is None else f"{covered:.3f}",
            style="bold" if system == next(iter(summary["ranking"])) else "",
        )
    return table


def _liking_table(liking: Mapping[str, Any]) -> Table:
    """How often a place goes to what is then rated low, and how what is then rated high is ranked."""
    table = Table(title=LIKING, title_justify="left")
    table.add_column("")
    for name in liking_columns(liking):
        table.add_column(name, justify="right")
    for system, cells in liking_rows(liking):
        table.add_row(system, *cells)
    return table


def liking_columns(liking: Mapping[str, Any]) -> list[str]:
    """The names of the figures, with how many events they are over."""
    low = f"rated up to {liking['low_to']:g} ({liking['low_events']:,}): among the first 10"
    high = f"rated {liking['high_from']:g} or more ({liking['high_events']:,})"
    return [low, f"{high}: HR@10", f"{high}: NDCG@10"]


def liking_rows(liking: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
    """A system's name and its figures."""
    for system, high in liking["high"].items():
        yield system, [shown(liking["low@10"][system]), shown(high["hr@10"]), shown(high["ndcg@10"])]


def _other_table(summary: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, title="Candidates, ratings, speed", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    for cut, estimate in summary["candidate_recall"].items():
        table.add_row(f"candidate recall@{cut}", shown(estimate))
    if summary["clicks"]["places"]:
        table.add_row("calibration error of clicks", f"{summary['clicks']['calibration_error']:.4f}")
    ratings = summary["ratings"]
    table.add_row("rated events", f"{ratings['events']:,}")
    if ratings["events"]:
        table.add_row("RMSE of ratings", shown(ratings["rmse"]))
        table.add_row("MAE of ratings", shown(ratings["mae"]))
        table.add_row("calibration error of ratings", f"{ratings['calibration_error']:.4f}")
    speed = summary["speed"]
    rate = speed["events_per_s"]
    table.add_row("events/s", "–" if rate is None else f"{rate:,.0f}")
    table.add_row("seconds to warm and train", f"{speed['warm_seconds']:,.1f}")
    for stage, seconds in speed["stage_seconds"].items():
        table.add_row(f"seconds in {stage}", f"{seconds:,.1f}")
    return table


def _segment_table(title: str, segments: Mapping[str, Any]) -> Table:
    table = Table(title=f"HR@10 by the {title}", title_justify="left")
    table.add_column("")
    table.add_column("events", justify="right")
    systems = [key for segment in segments.values() for key in segment if key != "events"]
    for system in dict.fromkeys(systems):
        table.add_column(system, justify="right")
    for name, segment in segments.items():
        figures = [shown(segment[system]["hr@10"]) for system in dict.fromkeys(systems)]
        table.add_row(name, f"{segment['events']:,}", *figures)
    return table
