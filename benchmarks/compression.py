"""What each way to make the rescorer smaller saves in bytes and time, and costs in scores and order.

    headrace train ... --keep var/kept
    python -m benchmarks.compression var/kept --json benchmarks/results/compression.json

The folder holds a checkpoint and its examples. The benchmark splits the held-out examples (whole pools,
newest) whose item a source has found, as the parity gate does: the oldest set the scales of static int8, the
others measure errors and NDCG. Pruning and distillation learn the checkpoint's own training examples. Times
are of real examples with 120 candidates on one thread; all variants take turns, so that a busy machine is
fair to all. Wall time on a shared machine includes waiting: compare by CPU time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.compressed_variants import (
    CANDIDATES,
    Variant,
    held_out_of,
    learned_and_held_out,
    smaller,
    variants,
)
from benchmarks.machine import made
from export.parity import HeldOut, Parity, measure
from export.to_onnx import torch_scores
from model import examples
from model.checkpoint import load_checkpoint
from model.plan import TrainPlan
from model.schema import RescorerInputs, Scores

TOGETHER, WIDTH = 32, 170
PACKAGES = ("numpy", "onnx", "onnxruntime", "torch")


class Row(NamedTuple):
    """One variant. Times by users, in milliseconds a run. `together`: the largest change of a click logit if
    32 users run at once and not one by one. `ndcg10_lost` is against the fp32 checkpoint.
    """

    name: str
    bytes: int
    wall_ms: dict[str, float]
    cpu_ms: dict[str, float]
    click_error_mean: float
    click_error_max: float
    top10_agreement: float
    ndcg10: float
    ndcg10_lost: float
    ndcg10_lost_error: float
    together: float


def compared(variant: Variant, expected: Sequence[Scores]) -> Parity:
    """Against the scores of the checkpoint, which has its own inputs."""
    answers = iter(expected)
    return measure(lambda _inputs: next(answers), variant.rescorer.score, variant.held_out)


def users_of(held_out: Sequence[HeldOut], users: int) -> RescorerInputs:
    """The first `users` examples with `CANDIDATES` candidates each."""
    columns: list[Any] = [
        np.concatenate(parts)[:users] for parts in zip(*(each.inputs for each in held_out), strict=True)
    ]
    inputs = RescorerInputs(*columns)
    return inputs._replace(
        candidate_vectors=inputs.candidate_vectors[:, :CANDIDATES],
        candidate_features=inputs.candidate_features[:, :CANDIDATES],
    )


def together(variant: Variant) -> float:
    """The largest change of a click logit between one run of many users and a run for each."""
    inputs = users_of(variant.held_out, TOGETHER)
    alone = []
    for k in range(TOGETHER):
        own: list[Any] = [each[k : k + 1] for each in inputs]
        alone.append(variant.rescorer.score(RescorerInputs(*own)).click)
    return float(np.abs(variant.rescorer.score(inputs).click - np.concatenate(alone)).max())


def timed(tried: Sequence[Variant], users: int, runs: int) -> list[tuple[float, float]]:
    """The medians of wall and CPU time of each, in milliseconds; in turns."""
    inputs = [users_of(each.held_out, users) for each in tried]
    wall, cpu = np.zeros((len(tried), runs)), np.zeros((len(tried), runs))
    for run in range(-3, runs):
        for k, variant in enumerate(tried):
            started, started_cpu = time.perf_counter(), time.process_time()
            variant.rescorer.score(inputs[k])
            if run >= 0:
                wall[k, run] = 1e3 * (time.perf_counter() - started)
                cpu[k, run] = 1e3 * (time.process_time() - started_cpu)
    return list(zip(np.median(wall, 1).tolist(), np.median(cpu, 1).tolist(), strict=True))


def table(rows: Sequence[Row]) -> Table:
    """For people."""
    shown = Table("variant", title=f"Rescoring {CANDIDATES} candidates", title_justify="left")
    for name in headings(rows):
        shown.add_column(name, justify="right")
    for row in rows:
        shown.add_row(row.name, *cells(row))
    return shown


def headings(rows: Sequence[Row]) -> list[str]:
    """The columns after the variant's name."""
    users = list(rows[0].wall_ms)
    return [
        "KB", f"p50 ms at {' / '.join(users)}", "CPU ms a user",
        "click error mean / max", "top-10 agreement", "NDCG@10", "lost ± s.e.", "batch changes it by",
    ]  # fmt: skip


def cells(row: Row) -> list[str]:
    """In the order of the headings."""
    return [
        f"{row.bytes / 1e3:.0f}",
        " / ".join(f"{each:.2f}" for each in row.wall_ms.values()),
        " / ".join(f"{each / int(users):.3f}" for users, each in row.cpu_ms.items()),
        f"{row.click_error_mean:.3f} / {row.click_error_max:.2f}",
        f"{row.top10_agreement:.3f}",
        f"{row.ndcg10 - row.ndcg10_lost:.4f}",
        f"{row.ndcg10_lost:+.4f} ± {row.ndcg10_lost_error:.4f}",
        f"{row.together:.1e}",
    ]


def markdown(rows: Sequence[Row], heading: str) -> str:
    """The same table for the documents."""
    columns = ["variant", *headings(rows)]
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *([row.name, *cells(row)] for row in rows)]
    return heading + "\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    """Print a table and, with `--json`, write it for programs and, beside that, as Markdown."""
    parser = argparse.ArgumentParser(description="Ways to make the rescorer smaller.")
    parser.add_argument("folder", type=Path, help="what `headrace train --keep` wrote")
    parser.add_argument("--users", default="1,8,64", help="batch sizes")
    parser.add_argument("--runs", type=int, default=60, help="of each variant and batch size")
    parser.add_argument("--epochs", type=int, default=16, help="of the distillation")
    parser.add_argument(
        "--learned", type=int, default=0, metavar="N", help="learn from the newest N shards only"
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="NAME",
        help="of the smaller networks, distilled ones whose name begins so",
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)

    checkpoint = load_checkpoint(arguments.folder)
    learned, held_out = learned_and_held_out(examples.load(arguments.folder / examples.KEPT))
    learned = learned[-arguments.learned :]
    calibrating, judging = held_out_of(checkpoint.net, checkpoint, held_out)
    report: dict[str, Any] = {
        **made(
            f"python -m benchmarks.compression FOLDER --users {arguments.users} --runs {arguments.runs} "
            f"--epochs {arguments.epochs} --learned {arguments.learned} --only '{arguments.only}'",
            PACKAGES,
        ),
        "examples": {
            "learned": sum(map(len, learned)),
            "calibration": sum(len(each.positive) for each in calibrating),
            "judged": sum(len(each.positive) for each in judging),
        },
    }
    nets = smaller(checkpoint, learned, TrainPlan(), arguments.epochs, arguments.only)
    score = torch_scores(checkpoint.net)
    expected = [score(each.inputs) for each in judging]
    with tempfile.TemporaryDirectory() as folder:
        tried = list(variants(checkpoint, nets, held_out, Path(folder)))
        times = {
            users: timed(tried, int(users), max(10, arguments.runs // max(1, int(users) // 4)))
            for users in track(arguments.users.split(","), "timing", console=console, transient=True)
        }
        rows = []
        for k, variant in enumerate(track(tried, "comparing", console=console, transient=True)):
            parity = compared(variant, expected)
            rows.append(
                Row(
                    name=variant.name,
                    bytes=variant.path.stat().st_size,
                    wall_ms={users: round(each[k][0], 4) for users, each in times.items()},
                    cpu_ms={users: round(each[k][1], 4) for users, each in times.items()},
                    **{
                        name: getattr(parity, name)
                        for name in Row._fields
                        if name in Parity.__struct_fields__
                    },
                    together=together(variant),
                )
            )
    console.print(table(rows))
    report["rows"] = [row._asdict() for row in rows]
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
        where = report["machine"]
        heading = (
            f"{report['date']}, {where['cores']} cores, {where['memory_gib']} GiB, {where['architecture']}, "
            f"one thread; onnxruntime {report['versions']['onnxruntime']}; "
            f"{report['examples']['judged']} held-out examples; `{report['command']}`"
        )
        arguments.json.with_suffix(".md").write_text(markdown(rows, heading))


if __name__ == "__main__":
    main()
