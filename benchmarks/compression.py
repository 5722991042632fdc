"""What each way to make the rescorer smaller saves in bytes and time, and costs in scores and order.

    headrace train ... --keep var/kept
    python -m benchmarks.compression var/kept --json benchmarks/results/compression.json

The folder holds a checkpoint and its examples. Of the held-out ones (whole pools, newest) the oldest quarter
fixes the scales of static int8, the rest is what errors and NDCG are taken on; pruning and distillation learn
from the others, which the checkpoint learned from too. Times are of real examples with 200 candidates on one
thread; all variants take turns, so that a busy machine is unfair to none. Wall time on a shared machine counts
the waiting as well: CPU time is the better one to compare.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from onnxruntime.quantization import CalibrationMethod
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.rescoring import machine
from export.half import halve_rescorer
from export.manifest import versions_of
from export.parity import HeldOut, Parity, measure
from export.quantize import quantize_rescorer
from export.session import Rescorer, open_session
from export.static_int8 import quantize_rescorer_static
from export.to_onnx import export_rescorer, torch_scores
from model import examples
from model.batches import batches, rescorer_inputs
from model.checkpoint import Checkpoint, load_checkpoint
from model.distil import distil
from model.errors import DataError
from model.examples import Shard
from model.network import FusionNet
from model.plan import NetworkPlan, TrainPlan
from model.prune import importance, prune
from model.schema import RescorerInputs, Scores
from model.train import fit

CANDIDATES, TOGETHER, BATCH = 200, 32, 8
PACKAGES = ("numpy", "onnx", "onnxruntime", "torch")
METHODS = {
    "int8-static": CalibrationMethod.MinMax,
    "int8-static, entropy": CalibrationMethod.Entropy,
    "int8-static, percentile": CalibrationMethod.Percentile,
}


class Variant(NamedTuple):
    """A file, the session that runs it, and its inputs: those of another network have other item vectors."""

    name: str
    path: Path
    rescorer: Rescorer
    held_out: Sequence[HeldOut]


class Row(NamedTuple):
    """One variant. Times by users, in milliseconds a run; `together`: the largest change of a click logit where
    32 users are run at once and not one by one. `ndcg10_lost` is against the fp32 checkpoint.
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


def divided(shards: Sequence[Shard]) -> tuple[list[Shard], list[Shard]]:
    """Those that were trained on, and the held-out ones with whole pools, which stand last."""
    pool = shards[-1].candidates.shape[1]
    learned = [each for each in shards if each.candidates.shape[1] != pool]
    held_out = [each for each in shards if each.candidates.shape[1] == pool]
    if not learned or pool < CANDIDATES:
        raise DataError(
            f"expected examples with {CANDIDATES} candidates or more after those trained on, and the last have "
            f"{pool}; keep them with `headrace train --keep FOLDER` on a longer stretch"
        )
    return learned, held_out


def held_out_of(net: FusionNet, shards: Sequence[Shard], checkpoint: Checkpoint, size: int) -> list[HeldOut]:
    """The examples of `shards` with the item vectors of `net`."""
    return [
        HeldOut(rescorer_inputs(net, each), np.zeros(len(each.rating), np.int64), each.present.numpy())
        for each in batches(shards, checkpoint.vocabulary.numbering(), size)
    ]


def variants(
    checkpoint: Checkpoint,
    nets: dict[str, FusionNet],
    calibrating: Sequence[Shard],
    judging: Sequence[Shard],
    folder: Path,
) -> Iterator[Variant]:
    """Every precision of the checkpoint, and the other networks in both kinds of int8."""
    for title, net in ({"": checkpoint.net} | nets).items():
        held_out = held_out_of(net, judging, checkpoint, BATCH)
        calibration = [each.inputs for each in held_out_of(net, calibrating, checkpoint, BATCH)]
        lead = f"{title}, " if title else ""
        fp32 = folder / f"{lead}fp32.onnx"
        export_rescorer(net, fp32)
        names = ["fp32", "int8", *METHODS, "fp16"] if not title else ["int8", "int8-static"]
        for name in names:
            path = folder / f"{lead}{name}.onnx"
            if name == "int8":
                quantize_rescorer(fp32, path)
            elif name == "fp16":
                halve_rescorer(fp32, path)
            elif name in METHODS:
                quantize_rescorer_static(fp32, path, calibration, METHODS[name])
            opened = open_session(lambda _provider, path=path: path)  # type: ignore[misc]
            yield Variant(lead + name, path, Rescorer(opened, net.schema), held_out)


def compared(variant: Variant, expected: Sequence[Scores]) -> Parity:
    """Against the scores of the checkpoint, which has its own inputs."""
    answers = iter(expected)
    return measure(lambda _inputs: next(answers), variant.rescorer.score, variant.held_out)


def users_of(held_out: Sequence[HeldOut], users: int) -> RescorerInputs:
    """The first `users` examples with `CANDIDATES` candidates each."""
    columns = [
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
    alone = [
        variant.rescorer.score(RescorerInputs(*(each[k : k + 1] for each in inputs))).click
        for k in range(TOGETHER)
    ]
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


def smaller(
    checkpoint: Checkpoint, learned: Sequence[Shard], plan: TrainPlan, epochs: int
) -> dict[str, FusionNet]:
    """Pruned networks, trained on for one pass, and a distilled one."""
    net, tasks, vocabulary = checkpoint
    important = importance(net, learned[-2:], tasks, plan, vocabulary)
    short = msgspec.structs.replace(plan, epochs=1, learning_rate=plan.learning_rate / 2)
    found = {}
    for width, hidden in ((24, (64, 32)), (16, (48, 24))):
        cut = prune(net, important, width, hidden)
        found[f"pruned to {width}, {hidden[0]}-{hidden[1]}"] = fit(cut, learned, [], short, tasks, vocabulary)
    form = msgspec.structs.replace(net.plan, width=16, hidden=(32, 16))
    student: NetworkPlan = form
    longer = msgspec.structs.replace(plan, epochs=epochs)
    found["distilled to 16, 32-16"] = distil(net, student, learned, [], longer, tasks, vocabulary)
    return found


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
        "KB", *(f"p50 ms, {each}" for each in users), *(f"CPU ms/user, {each}" for each in users),
        "click error mean / max", "top-10 agreement", "NDCG@10", "lost ± s.e.", "batch changes it by",
    ]  # fmt: skip


def cells(row: Row) -> list[str]:
    """In the order of the headings."""
    return [
        f"{row.bytes / 1e3:.0f}",
        *(f"{each:.2f}" for each in row.wall_ms.values()),
        *(f"{each / int(users):.3f}" for users, each in row.cpu_ms.items()),
        f"{row.click_error_mean:.3f} / {row.click_error_max:.2f}",
        f"{row.top10_agreement:.3f}",
        f"{row.ndcg10:.4f}",
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
    parser.add_argument("--epochs", type=int, default=4, help="of the distillation")
    parser.add_argument(
        "--learned", type=int, default=0, metavar="N", help="learn from the newest N shards only"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console()

    checkpoint = load_checkpoint(arguments.folder)
    learned, held_out = divided(examples.load(arguments.folder / "examples.npz"))
    count = sum(map(len, held_out))
    before = held_out[0].rows(slice(0, count // 4))
    judging = [held_out[0].rows(slice(count // 4, None)), *held_out[1:]]
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m benchmarks.compression FOLDER --users {arguments.users} --runs {arguments.runs} "
        f"--epochs {arguments.epochs} --learned {arguments.learned}",
        "examples": {
            "learned": sum(map(len, learned)),
            "calibration": len(before),
            "judged": count - len(before),
        },
        "machine": machine(),
        "versions": {"python": platform.python_version(), **versions_of(PACKAGES)},
    }
    nets = smaller(checkpoint, learned[-arguments.learned :], TrainPlan(), arguments.epochs)
    score = torch_scores(checkpoint.net)
    expected = [score(each.inputs) for each in held_out_of(checkpoint.net, judging, checkpoint, BATCH)]
    with tempfile.TemporaryDirectory() as folder:
        tried = list(variants(checkpoint, nets, [before], judging, Path(folder)))
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
        made = report["machine"]
        heading = (
            f"{report['date']}, {made['cores']} cores, {made['memory_gib']} GiB, {made['architecture']}, one thread; "
            f"onnxruntime {report['versions']['onnxruntime']}; {report['examples']['judged']} held-out examples; "
            f"`{report['command']}`"
        )
        arguments.json.with_suffix(".md").write_text(markdown(rows, heading))


if __name__ == "__main__":
    main()
