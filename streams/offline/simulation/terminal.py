"""The figures of a simulation as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from streams.offline.replay.terminal import shown

FIGURES = (
    ("share of the best", "share"),
    ("expected clicks", "value"),
    ("regret", "regret"),
    ("clicks", "clicks"),
    ("NDCG", "ndcg"),
    ("rated low", "low"),
)


def print_summary(console: Console, summary: Mapping[str, Any]) -> None:
    """What was simulated first, then quality, drift, attack and effect."""
    for note in summary["notes"]:
        console.print(f"· {note}", style="dim", markup=False, highlight=False, soft_wrap=True)
    console.print(said_of_users(summary), markup=False, highlight=False, soft_wrap=True)
    if summary["interrupted"]:
        console.print(f"interrupted after {summary['visits']:,} visits", style="yellow", highlight=False)
    console.print(_quality(summary))
    for title, rows in (
        ("Difference in expected clicks, over the same visits", differences(summary)),
        ("After the drift", drifts(summary)),
        ("What honest users have with the attack, against without it", attacks(summary)),
        ("Difference between arms of one world, of other users each", lifts(summary)),
    ):
        if rows:
            console.print(_table(title, rows))
    for world in summary["worlds"]:
        rate = world["events_per_s"]
        console.print(
            f"{world['name']}: {sum(world['events'].values()):,} events, {world['learned']:,} of them clicks"
            f" and reviews, {'–' if rate is None else f'{rate:,.0f}'} events/s",
            markup=False,
            highlight=False,
        )


def said_of_users(summary: Mapping[str, Any]) -> str:
    """Who came, and how well their choices are known."""
    users, fit = summary["users"], summary["fit"]
    hostile = f", {users['hostile']:,} hostile ones" if users["hostile"] else ""
    return (
        f"{summary['visits']:,} visits of {users['honest']:,} users ({users['known']:,} known before)"
        f"{hostile}, {summary['items']:,} items, seed {summary['seed']}. A held-out choice among"
        f" {fit['others']:,.0f} others has the log-likelihood {fit['with_taste']:.3f} with tastes,"
        f" {fit['popularity_alone']:.3f} by popularity alone, {fit['chance']:.3f} by chance."
    )


def differences(summary: Mapping[str, Any]) -> list[list[str]]:
    """The rows of a table, its head first; none where there is one world."""
    if not summary["differences"]:
        return []
    late = any(each["after_drift"] is not None for each in summary["differences"])
    head = ["", "all visits", *(["after the drift"] if late else [])]
    return [
        head,
        *(
            [f"{each['world']} against {each['over']}", _percent(each["value"])]
            + ([_percent(each["after_drift"])] if late else [])
            for each in summary["differences"]
        ),
    ]


def drifts(summary: Mapping[str, Any]) -> list[list[str]]:
    """The same of recoveries."""
    rows = [["", "before", "lowest", "last", "back at 90% after"]]
    for world in summary["worlds"]:
        found = world["recovery"]
        if found is not None:
            after = "not in this run"
            if found["events"] is not None:
                after = f"{found['events']:,} events ({found['learned']:,} clicks and reviews)"
            rows.append([world["name"], *(f"{found[k]:.3f}" for k in ("before", "lowest", "last")), after])
    return rows if len(rows) > 1 else []


def attacks(summary: Mapping[str, Any]) -> list[list[str]]:
    """The same of attacks."""
    rows = [[each["world"], _percent(each["gained"])] for each in summary["attack"]]
    return [["", "expected clicks"], *rows] if rows else []


def lifts(summary: Mapping[str, Any]) -> list[list[str]]:
    """The same of arms."""
    rows = [
        [f"{world['name']}: {each['arm']} against {each['over']}", _percent(each["value"])]
        for world in summary["worlds"]
        for each in world["lifts"]
    ]
    return [["", "expected clicks"], *rows] if rows else []


def quality(summary: Mapping[str, Any]) -> list[list[str]]:
    """The same of quality, by world and arm."""
    rows = [["", "visits", *(name for name, _ in FIGURES)]]
    for world in summary["worlds"]:
        parts = {world["name"]: world["figures"]}
        if len(world["arms"]) > 1:
            parts |= {f"{world['name']}: {arm}": each for arm, each in world["arms"].items()}
        if world["strangers"]["visits"]:
            parts[f"{world['name']}: first visits"] = world["strangers"]
        rows += [
            [name, f"{each['visits']:,}", *(shown(each[key]) for _, key in FIGURES)]
            for name, each in parts.items()
        ]
    return rows


def _quality(summary: Mapping[str, Any]) -> Table:
    return _table("Honest users, a slate on average", quality(summary))


def _table(title: str, rows: list[list[str]]) -> Table:
    table = Table(title=title, title_justify="left", min_width=len(title))
    for k, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if k else "left")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def _percent(estimate: Mapping[str, float | None]) -> str:
    value, error = estimate["value"], estimate["error"]
    if value is None:
        return "–"
    return f"{100 * value:+.2f}%" + ("" if error is None else f" ±{100 * error:.2f}")
