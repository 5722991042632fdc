"""Registering a model that was made from a registered one: it serves in the same surroundings."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from export.manifest import Manifest
from export.parity import ParityLimits
from export.plan import ExportPlan
from export.registry import Registry
from model.examples import Shard

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint


def register_descendant(
    parent: Manifest,
    checkpoint: Checkpoint,
    judged: Sequence[Shard],
    registry: Registry,
    name: str,
    facts: Mapping[str, Any],
) -> Manifest:
    """Export as precise as the parent, so that the two differ by what was learned alone, pass the gate on
    the `judged` examples, register under `name` with the parent's counters, text encoder and graph.
    """
    from export.package import export_model
    from streams.fit import apart, held_out_batches

    calibration, batches = apart(held_out_batches(checkpoint, judged), ExportPlan(parent.precision))
    limits = ParityLimits()
    limits = msgspec.structs.replace(
        limits, examples=min(limits.examples, sum(len(each.positive) for each in batches))
    )
    return export_model(
        checkpoint.net,
        checkpoint.vocabulary,
        batches,
        registry,
        name,
        created_ms=time.time_ns() // 1_000_000,
        text_encoder=parent.text_encoder,
        training={**facts, "graph": parent.training.get("graph", "")},
        counters=parent.counters,
        limits=limits,
        checkpoint=checkpoint,
        precision=parent.precision,
        calibration=calibration,
    )
