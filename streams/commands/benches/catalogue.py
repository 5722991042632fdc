"""What a slate costs by the size of the catalogue: stage by stage, source by source, and what indexes find.

  headrace bench catalogue --items 1700,100000
  headrace bench catalogue --items 1000000 --without-model

All in one process, without broker and store. `headrace bench freshness --items 100000` measures the whole
system with many items.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from streams.commands.benches.benchmark import add_model, model_folder, numbers
from streams.commands.options import settings_from

if TYPE_CHECKING:
    from streams.bench.cases import Result

UNIT = "a slate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--items", default="1700,100000", metavar="N,N,...", help="sizes (1700,100000)")
    parser.add_argument("--batch", type=int, default=16, metavar="B", help="requests in a batch (16)")
    parser.add_argument("--without-model", action="store_true", help="counters and texts alone")
    add_model(parser)


def measure(args: argparse.Namespace) -> Result:
    from streams.bench.cases import Case, Measured
    from streams.bench.catalogue import catalogue_rows
    from streams.bench.machine import this_machine

    sizes = [int(size) for size in numbers("--items", args.items, whole=True)]
    settings, machine = settings_from(args), this_machine()
    model = None if args.without_model else model_folder(args, settings)
    cases = []
    for row in catalogue_rows(sizes, settings, model, args.batch):
        figures = {
            **{f"start, {phase} s": spent for phase, spent in row.start_s.items()},
            **{f"source {name} us": spent for name, spent in row.source_us.items()},
            **{f"recall of {name}": found for name, found in row.recall.items()},
            "snapshot, longest piece ms": row.snapshot.longest_ms,
            "snapshot, all pieces ms": row.snapshot.all_ms,
            "memory MiB": row.rss_mib,
        }
        cases.append(Case(name=f"{row.items:,} items", figures=figures, cpu_us=row.stage_us))
    return Measured(
        title="A slate by the size of the catalogue, before scoring",
        unit=UNIT,
        machine=machine,
        cases=cases,
        options={"batch": args.batch, "model": not args.without_model},
        notes=["A source's figure is what it adds to the stage Find. Recall is against an exact search."],
    )
