"""The time to rescore 200 candidates for 1, 8 and 64 users: int8 and fp32, on the CPU and on GPUs.

    python -m benchmarks.rescoring var/models/NAME --json benchmarks/rescoring.json

It needs only Python, numpy, msgspec and onnxruntime (or onnxruntime-gpu with onnx, for fp16): a model folder
and this repository are enough on a GPU machine. All variants take turns, so that a busy machine is fair to
all. The output names the provider that truly ran; it reports a missing one as missing, with the reason.
`click_error` is the mean distance of a click logit from fp32 on the CPU, on random inputs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import made
from export.manifest import RESCORER, RESCORER_FP32, Manifest, read_manifest
from export.random_inputs import random_inputs
from export.session import Rescorer, open_session
from model.errors import ProviderError
from model.schema import RescorerInputs, Schema

PACKAGES = ("numpy", "onnxruntime", "onnxruntime-gpu")


class Variant(NamedTuple):
    """One file on one provider."""

    precision: str
    rescorer: Rescorer


class Row(NamedTuple):
    """Wall time of one run, and CPU time of the whole process for each user in it."""

    precision: str
    provider: str
    users: int
    p50_ms: float
    p99_ms: float
    p50_ms_per_user: float
    cpu_ms_per_user: float
    click_error: float


def open_variants(
    folder: Path, providers: Sequence[str], threads: int, scratch: Path
) -> tuple[list[Variant], dict[str, str]]:
    """The variants that run here, and why the others can't. GPUs lack dynamic int8, x86 most fp16 kernels.

    `scratch`: a folder for the fp16 file, which no model folder holds.
    """
    schema = read_manifest(folder, Manifest).model_schema
    found: list[Variant] = []
    missing: dict[str, str] = {}
    files = {"int8": folder / RESCORER, "fp32": folder / RESCORER_FP32}
    for provider in providers:
        for precision in ("int8", "fp32") if provider == "cpu" else ("fp32", "fp16"):
            if precision == "fp16" and precision not in files:
                if provider in missing:
                    continue
                files[precision] = _halved(folder, scratch)
            try:
                opened = open_session(partial(_file, files[precision]), (provider,), threads=threads)
            except ProviderError as error:
                missing[provider] = str(error)
                continue
            found.append(Variant(precision, Rescorer(opened, schema)))
    return found, missing


def _file(path: Path, _provider: str) -> Path:
    return path


def _halved(folder: Path, scratch: Path) -> Path:
    from export.half import halve_rescorer  # needs onnx, which serving does not

    halve_rescorer(folder / RESCORER_FP32, scratch / "fp16.onnx")
    return scratch / "fp16.onnx"


def measure(variants: Sequence[Variant], schema: Schema, users: int, candidates: int, runs: int) -> list[Row]:
    """Each variant `runs` times, in turns."""
    inputs: RescorerInputs = random_inputs(schema, users, candidates)
    exact = [each for each in variants if (each.precision, each.rescorer.provider) == ("fp32", "cpu")]
    expected = exact[0].rescorer.score(inputs).click if exact else None
    wall: list[list[float]] = [[] for _ in variants]
    cpu = [0.0] * len(variants)
    for warm_up_or_run in range(runs + 5):
        for k, variant in enumerate(variants):
            started, started_cpu = time.perf_counter(), time.process_time()
            variant.rescorer.score(inputs)
            if warm_up_or_run >= 5:
                wall[k].append(1e3 * (time.perf_counter() - started))
                cpu[k] += 1e3 * (time.process_time() - started_cpu)
    rows = []
    for k, variant in enumerate(variants):
        p50, p99 = np.quantile(wall[k], [0.5, 0.99])
        found = variant.rescorer.score(inputs).click
        rows.append(
            Row(
                variant.precision,
                variant.rescorer.provider,
                users,
                round(float(p50), 4),
                round(float(p99), 4),
                round(float(p50) / users, 4),
                round(cpu[k] / runs / users, 4),
                float("nan") if expected is None else round(float(np.abs(found - expected).mean()), 6),
            )
        )
    return rows


def ratios(rows: Sequence[Row]) -> dict[str, float]:
    """The median time of fp32 on the CPU over that of each variant: how many times faster it is."""
    base = {row.users: row.p50_ms for row in rows if (row.precision, row.provider) == ("fp32", "cpu")}
    return {
        f"{row.provider} {row.precision}, {row.users} users": round(base[row.users] / row.p50_ms, 2)
        for row in rows
        if row.users in base
    }


def main() -> None:
    """Print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="Latency of rescoring, by precision and provider.")
    parser.add_argument("model", type=Path, help="a folder of the model registry")
    parser.add_argument("--providers", default="cpu,cuda", help="comma-separated: cpu, cuda, tensorrt")
    parser.add_argument("--users", default="1,8,64", help="batch sizes")
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    manifest = read_manifest(arguments.model, Manifest)
    report: dict[str, Any] = {
        **made(
            f"python -m benchmarks.rescoring MODEL --providers {arguments.providers} "
            f"--users {arguments.users} --candidates {arguments.candidates} "
            f"--runs {arguments.runs} --threads {arguments.threads}",
            PACKAGES,
        ),
        "model": manifest.name,
        "candidates": arguments.candidates,
        "threads": arguments.threads,
    }
    rows: list[Row] = []
    print(
        f"{'ran on':10} {'file':6} {'users':>5} {'p50 ms':>9} {'p99 ms':>9} {'p50/user':>9} {'CPU/user':>9} "
        f"{'error':>9}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        variants, missing = open_variants(
            arguments.model, arguments.providers.split(","), arguments.threads, Path(scratch)
        )
    for users in map(int, arguments.users.split(",")):
        for row in measure(variants, manifest.model_schema, users, arguments.candidates, arguments.runs):
            rows.append(row)
            print(
                f"{row.provider:10} {row.precision:6} {row.users:5} {row.p50_ms:9.3f} {row.p99_ms:9.3f} "
                f"{row.p50_ms_per_user:9.4f} {row.cpu_ms_per_user:9.4f} {row.click_error:9.6f}"
            )
    faster = ratios(rows)
    for name, factor in faster.items():
        print(f"{name}: {factor:.2f} times as fast as fp32 on the CPU")
    for provider, why in missing.items():
        print(f"{provider} did not run: {why}")
    report |= {"rows": [row._asdict() for row in rows], "times_as_fast": faster, "did_not_run": missing}
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
