"""What a benchmark measured, in a shape that tables, plots and comparisons share."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from streams.bench.machine import Machine


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a benchmark.

    `name` says what was done, for example `300/s` or `int8, 16 users`. `figures`: by name with unit, for
    example `p99 ms`. `cpu_us`: CPU microseconds for one unit of work, by process or part.
    """

    name: str
    figures: dict[str, float] = {}
    cpu_us: dict[str, float] = {}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the file of `--json`. `unit`: what one `cpu_us` is for, for example `an event`.

    `notes`: plain sentences for whoever reads the figures. `options`: as the command was given them.
    `faults`: what makes the figures worthless.
    """

    title: str
    unit: str
    machine: Machine
    cases: list[Case]
    options: dict[str, Any] = {}
    notes: list[str] = []
    faults: list[str] = []

    def json(self) -> bytes:
        """The file of `--json`."""
        return as_json(self)

    def table(self) -> str:
        """The page of `--table`, in Markdown."""
        from streams.bench.case_table import case_page

        return case_page(self)

    def plot(self, path: Path) -> None:
        """Write the page of `--plot`."""
        from streams.bench.case_plot import write_case_plot

        write_case_plot(path, self)

    def problems(self) -> list[str]:
        """What makes the figures worthless."""
        return self.faults


class Result(Protocol):
    """What a benchmark gives its command: `Measured`, or a result with pages of its own."""

    @property
    def machine(self) -> Machine: ...

    @property
    def cases(self) -> list[Case]: ...

    def json(self) -> bytes: ...

    def table(self) -> str: ...

    def plot(self, path: Path) -> None: ...

    def problems(self) -> list[str]: ...


def as_json(report: msgspec.Struct) -> bytes:
    """A report as JSON that people can read."""
    return msgspec.json.format(msgspec.json.encode(report, enc_hook=str), indent=2) + b"\n"


def medians(runs: Sequence[Sequence[Case]]) -> list[Case]:
    """Each case's medians over the runs that have it, in the order of the first run."""
    if not runs:
        return []
    return [
        _median(first.name, [case for run in runs for case in run if case.name == first.name])
        for first in runs[0]
    ]


def _median(name: str, cases: Sequence[Case]) -> Case:
    def of(kind: str) -> dict[str, float]:
        names = dict.fromkeys(key for case in cases for key in getattr(case, kind))
        return {
            key: statistics.median(getattr(case, kind)[key] for case in cases if key in getattr(case, kind))
            for key in names
        }

    return Case(name=name, figures=of("figures"), cpu_us=of("cpu_us"))
