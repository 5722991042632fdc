"""fp16: half the bytes, nearly the same scores, and raw features of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from export.half import halve_rescorer
from export.in_parts import open_rescorer
from export.manifest import RESCORER_FP32
from export.random_inputs import random_inputs
from export.to_onnx import export_in_parts
from model.schema import F32, RescorerInputs
from tests.export.conftest import SCHEMA, small_net

SECONDS = 3e6
"""A month: no fp16 number is as large."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose first candidate feature is in seconds, in fp32 and as fp16.onnx."""
    made, net = tmp_path_factory.mktemp("half"), small_net()
    with torch.no_grad():
        net.rescorer.candidate_scale.mean[0] = SECONDS
        net.rescorer.candidate_scale.scale[0] = 1 / SECONDS
    export_in_parts(net, made)
    halve_rescorer(made / RESCORER_FP32, made / "fp16.onnx")
    return made


def clicks(path: Path, inputs: RescorerInputs) -> F32:
    return open_rescorer(path, SCHEMA).score(inputs).click


def test_half_the_bytes(folder: Path) -> None:
    sizes = [
        sum(len(each.raw_data) for each in onnx.load(folder / name).graph.initializer)
        for name in ("fp16.onnx", RESCORER_FP32)
    ]
    assert 0.45 < sizes[0] / sizes[1] < 0.55
    assert (folder / "fp16.onnx").stat().st_size < 0.75 * (folder / RESCORER_FP32).stat().st_size


def test_scores_stay(folder: Path) -> None:
    inputs = random_inputs(SCHEMA, 20, 40, 9)
    inputs.candidate_features[..., 0] = SECONDS * (1 + inputs.candidate_features[..., 0])
    expected, found = clicks(folder / RESCORER_FP32, inputs), clicks(folder / "fp16.onnx", inputs)
    assert found.dtype == np.float32
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(found, expected, atol=0.02)
