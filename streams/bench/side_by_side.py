"""Two builds measured in one run, in turn: the way to compare on a machine that is noisy.

Each round runs the command of another checkout, then the command of this one, each as a process of its own in
its own folder. The figures are medians over the rounds.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from model.errors import DataError, LocalStackError
from streams.bench.cases import Case, Measured, medians
from streams.bench.machine import Machine
from streams.bench.report import Report
from streams.local.processes import ChildProcess

RUN_WITHIN_S = 2_400.0


class Pair(msgspec.Struct, frozen=True):
    """Medians of the other build, and of this one; `problems`: of the runs, which make figures worthless."""

    before: list[Case]
    now: list[Case]
    problems: list[str] = []


def read_cases(raw: bytes, name: str) -> Report | Measured:
    """A result file of any benchmark; raises `DataError` for a file that is none."""
    kinds: tuple[type[Report] | type[Measured], ...] = (Measured, Report)
    for kind in kinds:
        try:
            return msgspec.json.decode(raw, type=kind, dec_hook=_as_kind)
        except (msgspec.DecodeError, msgspec.ValidationError):
            continue
    raise DataError(f"{name} holds no result of `headrace bench`; give a file that its --json wrote")


def _as_kind(kind: type[Any], value: Any) -> Any:
    return kind(value)  # a path, as `BenchOptions` has one


def side_by_side(other: Path, words: Sequence[str], rounds: int, say: Callable[[str], None]) -> Pair:
    """Run `headrace bench WORDS` in both checkouts, `rounds` times each, in turn."""
    runs: dict[str, list[list[Case]]] = {"before": [], "now": []}
    problems: list[str] = []
    checkouts = {"before": (other, python_of(other)), "now": (Path.cwd(), Path(sys.executable))}
    for number in range(1, rounds + 1):
        for which, (folder, python) in checkouts.items():
            say(f"round {number} of {rounds}: {which}, in {folder}")
            result = _run(python, folder, words)
            runs[which].append(result.cases)
            problems += [f"round {number}, {which}: {problem}" for problem in result.problems()]
    return Pair(medians(runs["before"]), medians(runs["now"]), problems)


def python_of(checkout: Path) -> Path:
    """The Python of a checkout's own environment; raises `DataError` where there is none."""
    python = checkout / ".venv" / "bin" / "python"
    if not (checkout / "streams").is_dir() or not python.exists():
        raise DataError(
            f"--against {checkout}: expected a checkout of Headrace with its own .venv;"
            " run `make env` in it, or give a result file"
        )
    return python.absolute()  # not resolved: an environment's Python is a link


def beside(title: str, unit: str, machine: Machine, pair: Pair, rounds: int) -> Measured:
    """The medians of both builds as one result: each case before, and now."""
    cases = []
    for which, found in (("before", pair.before), ("now", pair.now)):
        cases += [msgspec.structs.replace(case, name=f"{case.name}, {which}") for case in found]
    order = {case.name: at for at, case in enumerate(pair.now)}
    cases.sort(key=lambda case: order.get(case.name.rpartition(", ")[0], len(order)))
    note = f"Medians of {rounds} rounds; each round measured the build before, then this one."
    return Measured(title=title, unit=unit, machine=machine, cases=cases, notes=[note], faults=pair.problems)


def _run(python: Path, folder: Path, words: Sequence[str]) -> Report | Measured:
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as scratch:
        result, log = Path(scratch) / "result.json", Path(scratch) / "bench.log"
        command = [str(python), "-m", "streams.commands", "bench", *words, "--json", str(result)]
        with ChildProcess("the benchmark", command, log, folder=folder) as child:
            if not child.wait(RUN_WITHIN_S):
                raise LocalStackError(f"the benchmark in {folder} did not end within {RUN_WITHIN_S:.0f} s")
            if not result.exists():
                raise LocalStackError(
                    f"the benchmark in {folder} failed (exit code {child.returncode}):\n{child.tail()}"
                )
        return read_cases(result.read_bytes(), str(result))
