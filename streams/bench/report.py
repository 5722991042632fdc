"""The result of the benchmark of freshness: its files, its problems, a line for each step."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.console import Console

from streams.bench.cases import Case, as_json
from streams.bench.freshness import measure
from streams.bench.machine import Machine, this_machine
from streams.bench.result import END_TO_END, FRESHNESS, StepResult
from streams.bench.table import markdown
from streams.bench.world import BenchOptions
from streams.demo.demo import with_gateway_port
from streams.demo.progress import Steps
from streams.settings.tree import Settings

TITLE = "Freshness by offered load"


class Report(msgspec.Struct, frozen=True):
    """The content of the file of `--json`."""

    machine: Machine
    options: BenchOptions
    steps: list[StepResult]

    @property
    def cases(self) -> list[Case]:
        """Each rate as a case, with the CPU of an event by process."""
        return [case_of(step) for step in self.steps]

    def json(self) -> bytes:
        """The file of `--json`."""
        return as_json(self)

    def table(self) -> str:
        """The page of `--table`."""
        return markdown(TITLE, self.machine, self.steps)

    def plot(self, path: Path) -> None:
        """Write the page of `--plot`."""
        from streams.bench.plot import write_plot

        write_plot(path, TITLE, self.machine, self.steps)

    def problems(self) -> list[str]:
        """Problems that make the numbers worthless. A refusal under too much load is not one."""
        found = []
        for step in self.steps:
            if step.lost:
                found.append(f"{step.rate:,.0f}/s: the workers did not apply {step.lost:,} accepted events")
            if not step.accepted:
                found.append(f"{step.rate:,.0f}/s: the gateway accepted no event")
        return found


def freshness_report(options: BenchOptions, settings: Settings) -> Report:
    """Measure every rate in turn; show each step as it ends."""
    console, machine = Console(), this_machine()

    def say(result: StepResult) -> None:
        console.print(line(result), highlight=False, soft_wrap=True)

    with Steps(console) as steps:
        results = measure(options, with_gateway_port(settings), steps, say)
    return Report(machine, options, results)


def case_of(step: StepResult) -> Case:
    """A rate as a case of a comparison."""
    fresh = step.stages[FRESHNESS]
    return Case(
        name=f"{step.rate:g}/s",
        figures={
            "accepted to seen, p50 ms": fresh["p50"],
            "accepted to seen, p99 ms": fresh["p99"],
            "full rung %": round(100 * step.rungs["full"], 1),
            "lost events": step.lost,
            "drained in s": step.drained_s,
        },
        cpu_us={name: round(1_000 * ms, 1) for name, ms in step.cpu_ms_per_event.items()},
    )


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
