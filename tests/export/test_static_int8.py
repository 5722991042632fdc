"""Static int8: near the network, the same alone and in company, and refused where its scales are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from export.in_parts import InParts, open_rescorer
from export.manifest import RESCORER_FP32
from export.package import export_model
from export.quantize import quantize_rescorer
from export.random_inputs import random_inputs
from export.registry import Registry
from export.static_int8 import constant_matrices, quantize_rescorer_static
from export.to_onnx import export_in_parts, torch_scores
from model.errors import ModelError, ParityError
from model.network import FusionNet
from model.schema import F32, RescorerInputs
from tests.export.conftest import SCHEMA, VOCABULARY, held_out, small_net

USERS = 32


@pytest.fixture(scope="module")
def net() -> FusionNet:
    """One whose scores come from the quantized part as well, not from the linear one alone."""
    net = small_net()
    with torch.no_grad():
        torch.nn.init.normal_(net.rescorer.heads.weight, std=1.0)
    return net


def opened(path: Path, beside: Path | None = None) -> InParts:
    found = open_rescorer(path, SCHEMA, beside)
    assert isinstance(found, InParts)
    return found


def calibration(seed: int = 100) -> list[RescorerInputs]:
    return [random_inputs(SCHEMA, 16, 40, seed + k) for k in range(4)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, net: FusionNet) -> Path:
    """The small network in fp32, as int8.onnx and as static.onnx."""
    made = tmp_path_factory.mktemp("precisions")
    export_in_parts(net, made)
    quantize_rescorer(made / RESCORER_FP32, made / "int8.onnx")
    quantize_rescorer_static(made / RESCORER_FP32, made / "static.onnx", read(made, calibration()))
    return made


def read(folder: Path, given: list[RescorerInputs]) -> list[dict[str, F32]]:
    """What the fp32 file in the folder reads where the model is given this."""
    parts = opened(folder / RESCORER_FP32)
    return [parts.inputs_of(each) for each in given]


def zeros_like(inputs: RescorerInputs) -> RescorerInputs:
    columns: list[Any] = [each * 0 for each in inputs]
    return RescorerInputs(*columns)


def alone_and_together(path: Path) -> float:
    """The largest difference of a click logit."""
    rescorer, inputs = opened(path), random_inputs(SCHEMA, USERS, 40, 5)
    together = rescorer.score(inputs).click
    alone = []
    for k in range(USERS):
        own: list[Any] = [each[k : k + 1] for each in inputs]
        alone.append(rescorer.score(RescorerInputs(*own)).click)
    return float(np.abs(together - np.concatenate(alone)).max())


def test_scores_are_near_the_networks_and_not_in_fp32(folder: Path, net: FusionNet) -> None:
    inputs = random_inputs(SCHEMA, 20, 40, 9)
    expected = torch_scores(net)(inputs)
    static, dynamic = (opened(folder / f"{name}.onnx").score(inputs) for name in ("static", "int8"))
    for task in ("click", "rating"):
        errors = [np.abs(getattr(each, task) - getattr(expected, task)).mean() for each in (static, dynamic)]
        assert 0.0 < errors[0] < 4 * errors[1] < 0.4


def test_a_users_scores_do_not_depend_on_the_batch(folder: Path) -> None:
    """In dynamic int8 they would, in one run for all: its scales are those of a run."""
    for name in ("static", "int8"):
        assert alone_and_together(folder / f"{name}.onnx") < 1e-5


def test_every_wide_matrix_is_an_integer_product_with_its_bias(folder: Path, net: FusionNet) -> None:
    fp32, static = onnx.load(folder / RESCORER_FP32), onnx.load(folder / "static.onnx")
    int8 = [
        each
        for each in static.graph.initializer
        if each.data_type == onnx.TensorProto.INT8 and len(each.dims) == 2
    ]
    assert 5 <= len(int8) <= len(constant_matrices(fp32)) >= 6
    assert all(each.dims[1] >= 16 for each in int8)
    fused = [node for node in static.graph.node if node.op_type == "MatMulIntegerToFloat"]
    assert len(fused) >= 3  # the others have no bias of their own: the sum is the user's
    assert all(len(node.input) == 7 for node in fused)


def test_values_beyond_the_calibrated_range_are_cut(folder: Path, tmp_path: Path) -> None:
    small = read(folder, [zeros_like(each) for each in calibration()])
    quantize_rescorer_static(folder / RESCORER_FP32, tmp_path / "cut.onnx", small)
    inputs = random_inputs(SCHEMA, 20, 40, 9)
    expected = opened(folder / RESCORER_FP32).score(inputs).click
    assert np.abs(opened(tmp_path / "cut.onnx", folder).score(inputs).click - expected).mean() > 0.2


def test_nothing_to_calibrate_on_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"needs held-out examples.*model\.export\.precision"):
        quantize_rescorer_static(folder / RESCORER_FP32, tmp_path / "none.onnx", [])


def test_the_gate_refuses_scales_of_other_data(tmp_path: Path, net: FusionNet) -> None:
    registry, right = Registry(tmp_path), held_out(60)
    wrong = [each._replace(inputs=zeros_like(each.inputs)) for each in right]
    with pytest.raises(ParityError, match="top10_agreement"):
        export_model(
            net, VOCABULARY, held_out(), registry, "wrong", 1, precision="int8-static", calibration=wrong
        )
    assert registry.names() == []
