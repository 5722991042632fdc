"""From a trained network to a registered model: ONNX, precision, parity, the registry; all or nothing."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from export.compiled_parts import open_compiled
from export.half import halve_rescorer
from export.in_parts import InParts, open_rescorer
from export.manifest import (
    IN_PARTS,
    MODEL_FILES,
    RESCORER,
    RESCORER_FP32,
    TOWER,
    VOCABULARY,
    Manifest,
    TextEncoderRef,
    facts_of,
    versions_of,
    write_manifest,
)
from export.parity import HeldOut, Parity, ParityLimits, check, measure
from export.plan import Precision
from export.quantize import quantize_rescorer
from export.registry import Registry
from export.static_int8 import quantize_rescorer_static
from export.to_onnx import export_in_parts, export_tower, torch_scores
from model.checkpoint import FACTS, WEIGHTS, Checkpoint, save_checkpoint
from model.errors import UnknownNetworkError
from model.feature_names import RETRIEVAL, rank_feature
from model.network import FusionNet
from model.schema import F32, Schema
from model.vocabulary import Vocabulary

log = logging.getLogger(__name__)
CHECKPOINT_FILES = (WEIGHTS, FACTS)
"""The files of a model beside `MODEL_FILES`, if it keeps its checkpoint."""
PACKAGES = ("headrace", "numpy", "onnx", "onnxruntime", "onnxscript", "torch")


def export_model(
    net: FusionNet,
    vocabulary: Vocabulary,
    held_out: Sequence[HeldOut],
    registry: Registry,
    name: str,
    created_ms: int,
    text_encoder: TextEncoderRef | None = None,
    training: Mapping[str, Any] | None = None,
    counters: Mapping[str, Any] | None = None,
    limits: ParityLimits = ParityLimits(),
    checkpoint: Checkpoint | None = None,
    precision: Precision = "int8",
    calibration: Sequence[HeldOut] = (),
) -> Manifest:
    """Export, write in `precision`, compare on `held_out` and register under `name`; returns the manifest.

    `calibration`: further held-out examples, which "int8-static" needs. `checkpoint`: of `net`; the model's
    folder keeps it, so that a training can go on from the registered model alone. Raises `ParityError`, and
    registers nothing, if the served file is too far from `net`; `ModelError` if the name is taken or there is
    nothing to calibrate with.
    """
    files: tuple[str, ...] = MODEL_FILES
    with registry.adding(name) as folder:
        export_tower(net, folder / TOWER)
        export_in_parts(net, folder)
        write_served(precision, folder / RESCORER_FP32, folder / RESCORER, calibration, net.schema)
        (folder / VOCABULARY).write_bytes(msgspec.json.encode(vocabulary))
        if checkpoint is not None:
            save_checkpoint(checkpoint, folder)
            files += CHECKPOINT_FILES
        parity = parity_of(net, folder / RESCORER, held_out)
        check(parity, limits)
        check_compiled(net, folder, held_out, limits)
        manifest = Manifest(
            name=name,
            created_ms=created_ms,
            model_schema=net.schema,
            files={each: facts_of(folder / each) for each in files},
            text_encoder=text_encoder,
            parity=parity,
            training=dict(training or {}),
            counters=dict(counters or {}),
            versions=versions_of(PACKAGES),
            precision=precision,
            retrieves=net.knows(rank_feature(RETRIEVAL)),
            layout=IN_PARTS,
        )
        write_manifest(folder, manifest)
    return manifest


def write_served(
    precision: Precision, source: Path, target: Path, calibration: Sequence[HeldOut], schema: Schema
) -> None:
    """Make the rescorer that CPUs serve from the fp32 file, beside which the other parts lie."""
    match precision:
        case "int8":
            quantize_rescorer(source, target)
        case "int8-static":
            quantize_rescorer_static(source, target, recorded(source, schema, calibration))
        case "fp16":
            halve_rescorer(source, target)
        case "fp32":
            shutil.copyfile(source, target)


def recorded(source: Path, schema: Schema, examples: Sequence[HeldOut]) -> list[dict[str, F32]]:
    """What the fp32 file reads in these examples, by name."""
    parts = open_rescorer(source, schema)
    assert isinstance(parts, InParts)
    return [parts.inputs_of(each.inputs) for each in examples]


def check_compiled(
    net: FusionNet, folder: Path, held_out: Sequence[HeldOut], limits: ParityLimits = ParityLimits()
) -> None:
    """The same gate for the compiled form of the model in the folder, where it has one; `ParityError`."""
    try:
        compiled = open_compiled(folder, net.schema)
    except UnknownNetworkError as error:
        log.warning("the model has no compiled form, workers run it in onnxruntime: %s", error)
        return
    check(measure(torch_scores(net), compiled.score, held_out), limits)


def parity_of(net: FusionNet, exported: Path, held_out: Sequence[HeldOut]) -> Parity:
    """The distance of the file, run as a worker runs it, from the network."""
    rescorer = open_rescorer(exported, net.schema)
    return measure(torch_scores(net), rescorer.score, held_out)
