"""How a trained network becomes the file that is served. No onnx here: workers read the same settings."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Precision = Literal["int8", "int8-static", "fp16", "fp32"]


class ExportPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`precision` of the rescorer that CPUs serve: int8 with scales of activations from each run, int8 with
    fixed scales from held-out examples, half or full precision. GPUs get full precision.

    `calibration_examples`: at most this many examples set the fixed scales, and at most a quarter of the
    held-out ones, since the parity gate judges with the others.
    """

    precision: Precision = "int8"
    calibration_examples: Annotated[int, Meta(gt=0)] = 256
