"""A checkpoint becomes a registered model: export, calibration, and the parity gate on held-out examples.

Needs the extra `train`; this module imports torch only when it exports a model.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from export.manifest import Manifest, TextEncoderRef
from export.parity import HeldOut, ParityLimits
from export.plan import ExportPlan
from export.registry import Registry
from model.examples import Shard

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint

GATE_BATCH = 8  # users at a time, as many as one run often has in service


def register(
    checkpoint: Checkpoint,
    held_out: Sequence[Shard],
    registry: Registry,
    name: str,
    encoder: TextEncoderRef | None,
    facts: Mapping[str, object],
    counters: Mapping[str, object],
    plan: ExportPlan = ExportPlan(),
) -> Manifest:
    """Export a checkpoint as `plan` says, pass the gate on the held-out examples, register under `name`."""
    from export.package import export_model

    net, _, vocabulary = checkpoint
    calibration, batches = split_for_calibration(held_out_batches(checkpoint, held_out), plan)
    limits = ParityLimits()
    # A small dataset has few held-out examples.
    limits = msgspec.structs.replace(
        limits, examples=min(limits.examples, sum(len(each.positive) for each in batches))
    )
    return export_model(
        net, vocabulary, batches, registry, name, time.time_ns() // 1_000_000, encoder, facts, counters,
        limits, checkpoint, plan.precision, calibration,
    )  # fmt: skip


def split_for_calibration(
    batches: Sequence[HeldOut], plan: ExportPlan
) -> tuple[Sequence[HeldOut], Sequence[HeldOut]]:
    """The oldest held-out examples, to set scales with if the precision needs that, and the others, to judge
    with. A single batch serves for both.
    """
    if plan.precision != "int8-static":
        return (), batches
    total, taken, count = sum(len(each.positive) for each in batches), 0, 0
    for batch in batches:
        taken += len(batch.positive)
        if taken > min(plan.calibration_examples, total // 4):
            break
        count += 1
    if len(batches) < 2:
        return batches, batches
    return batches[: max(count, 1)], batches[max(count, 1) :]


def held_out_batches(checkpoint: Checkpoint, shards: Sequence[Shard]) -> list[HeldOut]:
    """Examples as the gate takes them: only those whose item a source has found, since the service ranks only
    such items. An item that was added to the candidates has no ranks, which alone would give it away.
    """
    from model.batches import batches, rescorer_inputs

    net, _, vocabulary = checkpoint
    shards = [part for each in shards if len(part := each.rows(np.flatnonzero(each.found)))] or shards
    return [
        HeldOut(
            inputs=rescorer_inputs(net, batch),
            positive=np.zeros(len(batch.rating), np.int64),
            present=batch.present.numpy(),
        )
        for batch in batches(shards, vocabulary.numbering(), GATE_BATCH)
    ]
