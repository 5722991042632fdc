"""What it costs to see users and to score their candidates, by batch size, precision and provider.

  headrace bench rescoring --users 1,3,16,64
  headrace bench rescoring --model var/models/NAME --providers compiled,cpu,cuda
  headrace bench rescoring --model var/models/NAME var/models/OTHER

All variants take turns in one process; models of different layouts may stand side by side. A provider that
is not there is named, with the reason. Without --model it is the demo's model, which is trained first if it
is not there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from streams.commands.benches.benchmark import add_model, model_folder, numbers
from streams.commands.options import settings_from

if TYPE_CHECKING:
    from streams.bench.cases import Result

UNIT = "a user"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users", default="1,3,16,64", metavar="U,U,...", help="batch sizes (1,3,16,64)")
    parser.add_argument("--candidates", type=int, default=120, metavar="N", help="of each user (120)")
    parser.add_argument(
        "--providers",
        default="compiled,cpu",
        metavar="P,P,...",
        help="compiled, cpu, cuda, tensorrt (compiled,cpu)",
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of onnxruntime (1)")
    parser.add_argument("--runs", type=int, default=100, metavar="N", help="of each variant and size (100)")
    parser.add_argument(
        "--model", type=Path, nargs="+", metavar="FOLDER", help="exported models, in turns (the demo's)"
    )
    add_model(parser)


def measure(args: argparse.Namespace) -> Result:
    from streams.bench.cases import Case, Measured
    from streams.bench.machine import this_machine
    from streams.bench.rescoring import bench_rescoring

    users = [int(count) for count in numbers("--users", args.users, whole=True)]
    folders = args.model or [model_folder(args, settings_from(args))]
    machine = this_machine()
    rows, missing = bench_rescoring(
        folders, args.providers.split(","), users, args.candidates, args.runs, args.threads
    )
    cases = [
        Case(
            name=(f"{row.model}, " if len(folders) > 1 else "")
            + f"{row.precision}, {row.provider}, {row.users} user"
            + ("s" if row.users != 1 else ""),
            figures={
                "p50 ms": row.p50_ms,
                "p99 ms": row.p99_ms,
                "click error, logits": row.click_error,
                **(dict(zip(("tower nodes", "rescorer nodes"), row.nodes, strict=True)) if row.nodes else {}),
            },
            cpu_us={"seeing users": row.tower_us, "scoring candidates": row.rescoring_us},
        )
        for row in rows
    ]
    return Measured(
        title=f"Scoring {args.candidates} candidates a user",
        unit=UNIT,
        machine=machine,
        cases=cases,
        options={"candidates": args.candidates, "threads": args.threads, "runs": args.runs},
        notes=[f"{provider} did not run: {why}" for provider, why in missing.items()],
    )
