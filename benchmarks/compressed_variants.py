"""The variants of one checkpoint that `benchmarks.compression` compares: precisions, and smaller networks."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from onnxruntime.quantization import CalibrationMethod

from export.half import halve_rescorer
from export.in_parts import InParts, open_rescorer
from export.manifest import RESCORER_FP32
from export.package import recorded
from export.parity import HeldOut
from export.plan import ExportPlan
from export.quantize import quantize_rescorer
from export.session import Rescorer
from export.static_int8 import quantize_rescorer_static
from export.to_onnx import export_in_parts
from model.checkpoint import Checkpoint
from model.distil import distil
from model.errors import DataError
from model.examples import Shard, divided
from model.network import FusionNet
from model.plan import TrainPlan
from model.prune import importance, prune
from model.train import fit
from streams.offline.training.registration import held_out_batches, split_for_calibration

CANDIDATES = 120  # of a user, as `candidates.pool` is by default
METHODS = {
    "int8-static": CalibrationMethod.MinMax,
    "int8-static, entropy": CalibrationMethod.Entropy,
    "int8-static, percentile": CalibrationMethod.Percentile,
}
PRUNED = ((24, (64, 32)), (16, (48, 24)))
STUDENTS = ((16, (32, 16)), (32, (64, 32)))  # without an encoder, a quarter of what a user costs


class Variant(NamedTuple):
    """A file, the session that runs it, and its inputs: those of another network have other item vectors."""

    name: str
    path: Path
    rescorer: Rescorer | InParts
    held_out: Sequence[HeldOut]


def learned_and_held_out(shards: Sequence[Shard]) -> tuple[list[Shard], list[Shard]]:
    """The training examples, and the held-out ones, whose pools must be large enough."""
    learned, held_out = divided(shards)
    pool = held_out[-1].candidates.shape[1] if held_out else 0
    if not learned or pool < CANDIDATES:
        raise DataError(
            f"expected examples with {CANDIDATES} candidates or more after those trained on, not "
            f"{pool}: keep them with `headrace train --keep FOLDER` on a longer stretch"
        )
    return learned, held_out


def held_out_of(
    net: FusionNet, checkpoint: Checkpoint, shards: Sequence[Shard]
) -> tuple[Sequence[HeldOut], Sequence[HeldOut]]:
    """Held-out examples with the item vectors of `net`: to set the scales of static int8, and to judge with;
    the split is that of the parity gate.
    """
    return split_for_calibration(
        held_out_batches(checkpoint._replace(net=net), shards), ExportPlan("int8-static")
    )


def variants(
    checkpoint: Checkpoint,
    nets: Mapping[str, FusionNet],
    held_out: Sequence[Shard],
    folder: Path,
) -> Iterator[Variant]:
    """Every precision of the checkpoint, and the other networks in both kinds of int8."""
    for title, net in {"": checkpoint.net, **nets}.items():
        calibrating, judging = held_out_of(net, checkpoint, held_out)
        lead = f"{title}, " if title else ""
        place = folder / (title or "whole")
        place.mkdir()
        export_in_parts(net, place)
        fp32 = place / RESCORER_FP32
        calibration = recorded(fp32, net.schema, calibrating)
        names = ["fp32", "int8", *METHODS, "fp16"] if not title else ["int8", "int8-static"]
        for name in names:
            path = fp32 if name == "fp32" else place / f"{name}.onnx"
            if name == "int8":
                quantize_rescorer(fp32, path)
            elif name == "fp16":
                halve_rescorer(fp32, path)
            elif name in METHODS:
                quantize_rescorer_static(fp32, path, calibration, METHODS[name])
            yield Variant(lead + name, path, open_rescorer(path, net.schema), judging)


def smaller(
    checkpoint: Checkpoint, learned: Sequence[Shard], plan: TrainPlan, epochs: int, only: str = ""
) -> dict[str, FusionNet]:
    """Pruned networks and distilled ones; with `only`, distilled ones whose name begins with it."""
    found = {} if only else pruned(checkpoint, learned, plan)
    net, tasks, vocabulary = checkpoint
    longer = msgspec.structs.replace(plan, epochs=epochs)
    for width, hidden in STUDENTS:
        # A teacher's shares hold no noise to guard against, so the student has no dropout.
        student = msgspec.structs.replace(net.plan, width=width, hidden=hidden, encoder="none", dropout=0.0)
        name = f"distilled to {width}, {hidden[0]}-{hidden[1]}"
        if name.startswith(only):
            found[name] = distil(net, student, learned, [], longer, tasks, vocabulary)
    return found


def pruned(checkpoint: Checkpoint, learned: Sequence[Shard], plan: TrainPlan) -> dict[str, FusionNet]:
    """Pruned networks after one more pass of training, and the whole one after the same."""
    net, tasks, vocabulary = checkpoint
    important = importance(net, learned[-2:], tasks, plan, vocabulary)
    short = msgspec.structs.replace(plan, epochs=1, learning_rate=plan.learning_rate / 2)
    # More training alone changes NDCG, so the whole network gets the same pass before the comparison.
    found = {"trained on": fit(copy.deepcopy(net), learned, [], short, tasks, vocabulary)}
    for wanted, hidden in PRUNED:
        width = wanted if net.plan.encoder == "none" else net.plan.width  # which an encoder's layers share
        cut = prune(net, important, width, hidden)
        found[f"pruned to {width}, {hidden[0]}-{hidden[1]}"] = fit(cut, learned, [], short, tasks, vocabulary)
    return found
