"""The results of `bench feed`, `ingest`, `rank` and `search` as cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console

from streams.bench.cases import Case, Measured
from streams.bench.gateway_load import GatewayOptions
from streams.bench.gateway_row import GatewayRow
from streams.bench.machine import this_machine
from streams.demo.demo import with_gateway_port
from streams.demo.progress import Steps
from streams.settings.tree import Settings

Measure = Callable[[GatewayOptions, Settings, Steps, Callable[[GatewayRow], None]], list[GatewayRow]]

NOTES = [
    "A closed loop asks as soon as it is answered; an open one keeps to its rate, and counts from due times.",
    "Folded: messages of these requests that workers had read, `drained in` after the last answer.",
]


def gateway_report(
    measure: Measure,
    title: str,
    unit: str,
    options: GatewayOptions,
    settings: Settings,
    each: str = "events",
) -> Measured:
    """Run every step in turn; show each one as it ends. `unit`: what one request is; `each`: what there are
    several of in one.
    """
    console, machine = Console(), this_machine()

    def say(row: GatewayRow) -> None:
        case = case_of_row(row, each)
        figures = ", ".join(f"{name} {value:,.1f}" for name, value in case.figures.items())
        console.print(f"{case.name}: {figures}", highlight=False, soft_wrap=True)

    with Steps(console) as steps:
        rows = measure(options, with_gateway_port(settings), steps, say)
    return Measured(
        title=title,
        unit=unit,
        machine=machine,
        cases=[case_of_row(row, each) for row in rows],
        options=_options(options),
        notes=NOTES,
        faults=[fault for row in rows for fault in faults_of(row, options.world.workers, each)],
    )


def case_of_row(row: GatewayRow, each: str = "events") -> Case:
    """A step as a case."""
    name = f"{row.clients} client" + ("s" if row.clients != 1 else "")
    if row.per_request > 1:
        name += f", {row.per_request} {each} a request"
    name += f", {row.offered:g}/s offered" if row.offered else ""
    return Case(
        name=name,
        figures={
            "requests/s": row.rate,
            "p50 ms": row.p50_ms,
            "p99 ms": row.p99_ms,
            "failed requests": row.failed,
            "messages": row.messages,
            "folded messages": row.folded,
            "drained in s": row.drained_s,
            **(
                {"feeds p50 ms": row.feeds_p50_ms, "feeds p99 ms": row.feeds_p99_ms}
                if row.feeds_p99_ms
                else {}
            ),
        },
        cpu_us=dict(row.cpu_us),
    )


def faults_of(row: GatewayRow, workers: int, each: str = "events") -> list[str]:
    """What makes a row worthless."""
    name, found = case_of_row(row, each).name, []
    if row.failed:
        found.append(f"{name}: {row.failed:,} requests did not get the right answer")
    if workers and row.folded < row.messages:
        found.append(f"{name}: workers folded {row.folded:,} of {row.messages:,} messages")
    return found


def _options(options: GatewayOptions) -> dict[str, Any]:
    return {
        "seconds": options.seconds,
        "users": options.world.users,
        "items": options.world.items,
        "workers": options.world.workers,
        "rankers": options.rankers,
        **({"words": options.world.spelt} if options.world.worded else {}),
    }
