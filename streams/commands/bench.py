"""Measure the system on this machine, and compare two builds of it.

  headrace bench freshness --rates 100,300,1000
  headrace bench feed --json now.json --plot now.html
  headrace bench rescoring --against ../headrace-before --rounds 3

Each benchmark starts what it needs on 127.0.0.1 and ends it. Run it on a machine that does nothing else.

--against FOLDER is another checkout with its own .venv: both are measured in turn, in one run, and the
medians are compared. --against FILE.json is an earlier result. Either way, each part whose CPU for one unit
of work grew by more than 20% is named, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from model.errors import DataError, SettingsError
from streams.commands.benches.output import add_output, check_output, write_output
from streams.commands.options import add_settings
from streams.commands.outputs import check_folder

if TYPE_CHECKING:
    from streams.bench.cases import Case, Measured, Result
    from streams.commands.benches.benchmark import Benchmark

# Each benchmark's name and what it measures. Its module in `benches` has the same name.
BENCHMARKS = {
    "freshness": "from an event to its user's new feed, by offered load",
    "feed": "reads of feeds at the gateway, each of them an impression",
    "ingest": "events in at the gateway",
    "rank": "rankings on request at the gateway",
    "search": "searches on request at the gateway",
    "rescoring": "the model: seeing users and scoring their candidates",
    "catalogue": "slates by the number of items, and what indexes find",
    "workers": "what it costs that each worker follows all others",
}
FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(title="benchmarks", metavar="BENCHMARK", dest="what", required=True)
    for name, does in BENCHMARKS.items():
        benchmark = _benchmark(name)
        kind = kinds.add_parser(
            name,
            help=does,
            description=benchmark.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        benchmark.add_arguments(kind)
        add_settings(kind)
        add_output(kind)


def run(args: argparse.Namespace) -> int:
    from streams.local.stopping import terminate_as_exit

    check_output(args)
    check_folder("--folder", getattr(args, "folder", None))
    if args.rounds < 1:
        raise SettingsError(f"--rounds {args.rounds}: expected 1 or more")
    if args.against is not None and not args.against.exists():
        raise DataError(f"--against {args.against} does not exist; give another checkout or a result file")
    terminate_as_exit()
    if args.against is not None and args.against.is_dir():
        return _beside(args)
    earlier = _earlier(args.against) if args.against is not None else None
    result = _benchmark(args.what).measure(args)
    write_output(result, args)
    regressed = False
    if earlier is not None:
        from streams.bench.compare import differs

        for difference in differs(earlier.machine, result.machine):
            _say(f"note: {difference}")
        for problem in earlier.problems():
            _say(f"note: problem of the result before: {problem}")
        regressed = _compared(earlier.cases, result.cases)
    return _status(result, regressed)


def _beside(args: argparse.Namespace) -> int:
    """Both builds in turn."""
    from streams.bench.machine import this_machine
    from streams.bench.side_by_side import beside, side_by_side

    machine = this_machine()
    pair = side_by_side(args.against.absolute(), own_words(args.after_name), args.rounds, _say)
    title = f"{args.what}, two builds in one run"
    result: Measured = beside(title, _benchmark(args.what).UNIT, machine, pair, args.rounds)
    write_output(result, args)
    return _status(result, _compared(pair.before, pair.now))


def _status(result: Result, regressed: bool) -> int:
    """Print what makes the figures worthless; returns the exit status."""
    problems = result.problems()
    for problem in problems:
        _say(f"problem: {problem}")
    return FAILED if regressed or problems else 0


def own_words(words: Sequence[str]) -> list[str]:
    """The words of a command without the options of its output, which only the comparing process reads.

    >>> own_words(["freshness", "--rates", "100", "--against", "../before", "--json=x.json"])
    ['freshness', '--rates', '100']
    """
    output = argparse.ArgumentParser(add_help=False)
    add_output(output)
    return output.parse_known_args(words)[1]


def _earlier(path: Path) -> Result:
    from streams.bench.side_by_side import read_cases

    return read_cases(path.read_bytes(), f"--against {path}")


def _compared(before: Sequence[Case], now: Sequence[Case]) -> bool:
    """Print each part's change; returns whether one of them is a regression."""
    from streams.bench.compare import REGRESSION, changes, left_out, sentence

    found = changes(before, now)
    for words in left_out(before, now):
        _say(f"note: {words}")
    for change in found:
        _say(("REGRESSION: " if change.regressed else "") + sentence(change))
    if not found:
        raise DataError("--against: the two results have no case in common; measure the same cases")
    worse = [change for change in found if change.regressed]
    if not worse:
        _say(f"no part got dearer by more than {REGRESSION:.0%}")
    return bool(worse)


def _say(words: str) -> None:
    print(words, flush=True)


def _benchmark(name: str) -> Benchmark:
    return cast("Benchmark", importlib.import_module(f"streams.commands.benches.{name}"))
