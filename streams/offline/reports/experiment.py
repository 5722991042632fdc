"""The page of an experiment: its verdict, its intervals over time, mismatch and guardrails; works offline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from streams.experiments.readings.plan import Plan
from streams.experiments.readings.reading import Reading, reading
from streams.experiments.readings.show import rows, users
from streams.experiments.readings.tracks import Sums
from streams.experiments.readings.words import covered, verdict
from streams.offline.reports.page import beside, page, plot, section, table, without_plotly, write_page

OVER_TIME = (
    "The interval of the relative lift against control. The coloured area is adjusted by what users did"
    " before; the grey lines are unadjusted. It is decided when the coloured area leaves 0."
)
GUARDRAILS = "An arm is stopped when even the best that its lift may be is beyond the line."
MISMATCH = (
    "Whether the arms have the users of their shares. Evidence above the line blocks the reading: 1 stands"
    " for ten times as likely with other shares, 2 for a hundred times."
)


def write_experiment(
    path: Path, name: str, hypothesis: str, plan: Plan, points: Sequence[tuple[int, Sums]]
) -> None:
    """Write the page; raises `DataError` where plotly is missing or the file can't be written."""
    write_page(path, experiment_page(name, hypothesis, plan, points))


def experiment_page(name: str, hypothesis: str, plan: Plan, points: Sequence[tuple[int, Sums]]) -> str:
    """The page as HTML. `points`: the sums at times (ms since 1970, UTC), the oldest first, the last one now.

    Raises `DataError` where plotly is missing.
    """
    try:
        return _page(name, hypothesis, plan, points)
    except ImportError:
        raise without_plotly() from None


def _page(name: str, hypothesis: str, plan: Plan, points: Sequence[tuple[int, Sums]]) -> str:
    from streams.offline.reports import experiment_plots as plots

    times = [datetime.fromtimestamp(ts_ms / 1_000, UTC) for ts_ms, _ in points]
    sums = [each for _, each in points]
    now = reading(plan, sums[-1], sums[:-1])
    head = f"<h1>Experiment: {escape(name)}</h1><p>{escape(hypothesis)}</p>"
    parts = [head, section("Verdict", "", f"<p><b>{escape(verdict(plan, now))}</b></p>")]
    if not now.blocked:
        parts += _figures(plan, now, sums, times)
    if plan.guardrails:
        drawn = [
            plot(plots.guardrail(plan, sums, times, arm, rail))
            for rail in plan.guardrails
            for arm in plan.arms
        ]
        said = "".join(f"<li>{escape(each.text)}</li>" for each in now.guardrails)
        parts.append(section("Guardrails", GUARDRAILS, f"<ul>{said}</ul>", beside(*drawn)))
    who = f"<p>{escape(users(plan, now))}</p>"
    parts.append(section("Users", MISMATCH, who, plot(plots.mismatch(plan, sums, times))))
    parts.append(section("What is promised", escape(covered(plan))))
    return page(f"Experiment: {name}", parts)


def _figures(plan: Plan, now: Reading, sums: Sequence[Sums], times: Sequence[datetime]) -> list[str]:
    from streams.offline.reports import experiment_plots as plots

    cells = rows(plan, now)
    parts = [section("Figures", "", table(cells[0], cells[1:]))]
    primary = [plot(plots.interval(plan, sums, times, arm, plan.primary)) for arm in plan.arms]
    parts.append(section(f"{plan.primary} over time", OVER_TIME, *primary))
    others = [plot(plots.interval(plan, sums, times, each.arm, each.metric, 300)) for each in now.others]
    if others:
        parts.append(section("Other metrics over time", "", beside(*others)))
    return parts
