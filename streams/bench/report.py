"""Run the benchmark, show each step as it ends, write the files that the options name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from streams.bench.freshness import measure
from streams.bench.machine import Machine, this_machine
from streams.bench.result import END_TO_END, FRESHNESS, StepResult
from streams.bench.table import markdown
from streams.bench.world import BenchOptions
from streams.demo.demo import with_gateway_port
from streams.demo.progress import Steps
from streams.local.stopping import terminate_as_exit
from streams.settings.tree import Settings

TITLE = "Freshness by offered load"
FAILED = 1


class Report(msgspec.Struct, frozen=True):
    """The content of the file of `--json`."""

    machine: Machine
    options: BenchOptions
    steps: list[StepResult]


def run_freshness(
    options: BenchOptions,
    settings: Settings,
    json: Path | None = None,
    table: Path | None = None,
    plot: Path | None = None,
) -> int:
    """Run it; returns the exit status: not 0 if an accepted event is lost, or no event is accepted."""
    terminate_as_exit()
    console, machine = Console(), this_machine()

    def say(result: StepResult) -> None:
        console.print(line(result), highlight=False, soft_wrap=True)

    with Steps(console) as steps:
        results = measure(options, with_gateway_port(settings), steps, say)
    if json is not None:
        report = msgspec.json.encode(Report(machine, options, results), enc_hook=str)
        json.write_bytes(msgspec.json.format(report, indent=2) + b"\n")
    if table is not None:
        table.write_text(markdown(TITLE, machine, results))
    if plot is not None:
        from streams.bench.plot import write_plot

        write_plot(plot, TITLE, machine, results)
    faults = list(problems(results))
    for problem in faults:
        console.print(f"problem: {problem}", style="red", highlight=False)
    return FAILED if faults else 0


def problems(results: Sequence[StepResult]) -> Iterator[str]:
    """Problems that make the numbers worthless. A refusal under too much load is not one."""
    for result in results:
        if result.lost:
            yield f"{result.rate:,.0f}/s: the workers did not apply {result.lost:,} accepted events"
        if not result.accepted:
            yield f"{result.rate:,.0f}/s: the gateway accepted no event"


def line(result: StepResult) -> str:
    """A step in one line."""
    fresh, cpu = result.stages[FRESHNESS], result.cpu_ms_per_event
    return (
        f"{result.rate:,.0f}/s: accepted to seen p50 {fresh['p50']:.1f}, p95 {fresh['p95']:.1f},"
        f" p99 {fresh['p99']:.1f} ms; due to seen p99 {result.stages[END_TO_END]['p99']:.1f} ms;"
        f" full {result.rungs['full']:.1%};"
        f" CPU an event {', '.join(f'{name} {value:.2f}' for name, value in cpu.items())} ms;"
        f" lost {result.lost}, refused {result.refused}; drained in {result.drained_s:.1f} s"
    )
