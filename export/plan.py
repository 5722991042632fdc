"""How a trained network becomes the file that is served. No onnx here: workers read the same settings."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Precision = Literal["int8", "int8-static", "fp16", "fp32"]


class ExportPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`precision` of the rescorer that CPUs serve: int8 with the activations' scales taken from each run,
    int8 with scales fixed beforehand on held-out examples, half or full precision. GPUs get full precision.

    `calibration_examples`: how many fix those scales at most; never more than a quarter of the held-out ones,
    for the parity gate judges on the others.
    """

    precision: Precision = "int8"
    calibration_examples: Annotated[int, Meta(gt=0)] = 256
