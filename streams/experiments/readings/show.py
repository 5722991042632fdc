"""A reading as lines for the terminal, and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from streams.experiments.readings.plan import Plan
from streams.experiments.readings.reading import ArmReading, Reading
from streams.experiments.readings.words import covered, interval, p_said, percent, verdict

HEAD = (
    "metric", "arm", "users", "control's users", "control", "arm's", "lift", "95% interval", "p",
    "unadjusted", "state",
)  # fmt: skip
LEFT = {0, 1, 10}
STATES = {"early": "too early", "open": "open", "ended": "no difference found"}


def table(plan: Plan, reading: Reading) -> str:
    """The whole reading as text: the verdict first, then figures, guardrails, and what is promised."""
    lines = [verdict(plan, reading), ""]
    if not reading.blocked:
        lines += [*aligned(rows(plan, reading)), ""]
    lines += [each.text for each in reading.guardrails]
    return "\n".join([*lines, users(plan, reading), covered(plan)])


def as_data(plan: Plan, reading: Reading) -> dict[str, Any]:
    """The whole reading as what JSON can say, with the verdict in words."""
    said = {"blocked": reading.blocked, "verdict": verdict(plan, reading), "promise": covered(plan)}
    return {**said, **msgspec.to_builtins(reading)}


def rows(plan: Plan, reading: Reading) -> list[list[str]]:
    """The table's cells, its head first."""
    head = [f"{1 - plan.alpha:.0%} interval" if name == "95% interval" else name for name in HEAD]
    if plan.prior_deviation is not None:
        head.append("chance to be above control")
    return [head, *(_row(plan, each) for each in (*reading.primary, *reading.others))]


def users(plan: Plan, reading: Reading) -> str:
    """How many users each arm has, and how many it should have."""
    seen = reading.mismatch
    each = ", ".join(f"{arm} {seen.users[arm]:,} (expected {seen.expected[arm]:,.0f})" for arm in plan.shares)
    return f"Users: {each}. Mismatch: {'found' if seen.found else 'none found'}, p {p_said(seen.p)}."


def aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side; numbers to the right."""
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    return [
        "  ".join(
            cell.ljust(width) if at in LEFT else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _row(plan: Plan, arm: ArmReading) -> list[str]:
    seen = arm.adjusted
    state = STATES.get(arm.state) or f"{arm.state}, at {arm.decided_at:,} users"
    cells = [
        arm.metric,
        arm.arm,
        f"{arm.users:,}",
        f"{arm.control_users:,}",
        _value(arm.control_value),
        _value(arm.value),
        percent(seen.lift),
        interval(seen),
        "–" if seen.p is None else p_said(seen.p),
        f"{percent(arm.unadjusted.lift)} ({interval(arm.unadjusted)})",
        state,
    ]
    if plan.prior_deviation is not None:
        cells.append("–" if arm.chance is None else f"{arm.chance:.1%}")
    return cells


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}"
