"""A model that comes from a registered one: checks of the parent, registration in the same surroundings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.manifest import Manifest, read_manifest, verify
from export.plan import ExportPlan
from export.registry import Registry
from model.errors import ModelError
from model.examples import Shard
from streams.offline.training.registration import register

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint


def open_parent(registry: Registry, parent: str, name: str) -> tuple[Path, Manifest]:
    """The folder and the manifest of `parent`, which has its checkpoint; `ModelError` if `name` is taken,
    `ManifestError` if a file is missing or has changed.
    """
    from export.package import CHECKPOINT_FILES

    if registry.has(name):
        raise ModelError(f"{registry.get(name)} is already there; a model never changes: choose another name")
    place = registry.get(parent)
    manifest = read_manifest(place, Manifest)
    verify(place, manifest, (*manifest.required, *CHECKPOINT_FILES))
    return place, manifest


def register_successor(
    parent: Manifest,
    checkpoint: Checkpoint,
    judged: Sequence[Shard],
    registry: Registry,
    name: str,
    facts: Mapping[str, Any],
) -> Manifest:
    """Register with the parent's counters, text encoder, graph and precision, so that the two models differ
    only by what they learned.
    """
    facts = {**facts, "graph": parent.training.get("graph", "")}
    plan = ExportPlan(parent.precision)
    return register(checkpoint, judged, registry, name, parent.text_encoder, facts, parent.counters, plan)
