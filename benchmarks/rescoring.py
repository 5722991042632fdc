"""The CPU time to see users and to rescore 200 candidates for each, by batch size, precision and provider.

    python -m benchmarks.rescoring var/models/NAME [var/models/OTHER] --json benchmarks/rescoring.json

Models of different layouts may stand side by side: they take turns. The output names the provider that truly
ran; it reports a missing one as missing, with the reason. See `streams.bench.rescoring`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from benchmarks.machine import made
from streams.bench.rescoring import bench_rescoring, table

PACKAGES = ("numpy", "onnxruntime", "onnxruntime-gpu")


def main() -> None:
    """Print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="Cost of the user tower and of rescoring.")
    parser.add_argument("models", type=Path, nargs="+", help="folders of the model registry")
    parser.add_argument("--providers", default="cpu", help="comma-separated: cpu, cuda, tensorrt")
    parser.add_argument("--users", default="1,3,16,64", help="batch sizes")
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    rows, missing = bench_rescoring(
        arguments.models,
        arguments.providers.split(","),
        [int(each) for each in arguments.users.split(",")],
        arguments.candidates,
        arguments.runs,
        arguments.threads,
    )
    print(table(rows))
    for provider, why in missing.items():
        print(f"{provider} did not run: {why}")
    if arguments.json is not None:
        report = {
            **made(
                f"python -m benchmarks.rescoring MODEL --providers {arguments.providers} "
                f"--users {arguments.users} --candidates {arguments.candidates} "
                f"--runs {arguments.runs} --threads {arguments.threads}",
                PACKAGES,
            ),
            "candidates": arguments.candidates,
            "threads": arguments.threads,
            "rows": [dataclasses.asdict(row) for row in rows],
            "did_not_run": missing,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
