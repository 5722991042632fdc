"""The layers' compiled code against numpy."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from export.universal.layers import bounds, multiply_bytes, multiply_floats, normed, quantise, step_of
from export.universal.tiles import ROWS, SUPPORTED
from export.universal.weights import packed
from model.schema import F32

SEVERAL = [1, 2, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 1, 3 * ROWS]
INNER, COLUMNS = 64, 192


@pytest.mark.skipif(not SUPPORTED, reason="this processor adds up no products of bytes (VNNI)")
@pytest.mark.parametrize("rows", SEVERAL)
def test_products_of_bytes_are_exact(rows: int) -> None:
    rng = np.random.default_rng(rows)
    given = rng.integers(0, 256, (rows + ROWS, INNER)).astype(np.uint8)
    weight = rng.integers(-128, 128, (INNER, COLUMNS)).astype(np.int8)
    given[0], weight[:, 0] = 255, -128
    out = np.zeros((rows + ROWS) * COLUMNS, np.int32)
    words = given.reshape(-1).view(np.int32)
    multiply_bytes(words, INNER // 4, rows, INNER // 4, packed(weight), 0, COLUMNS, out)
    wanted = given[:rows].astype(np.int32) @ weight.astype(np.int32)
    np.testing.assert_array_equal(out.reshape(-1, COLUMNS)[:rows], wanted)


@pytest.mark.skipif(not SUPPORTED, reason="this processor has no vectors of 16 floats")
@pytest.mark.parametrize("rows", SEVERAL)
def test_products_of_floats(rows: int) -> None:
    rng = np.random.default_rng(rows)
    given = rng.normal(size=(rows + ROWS, INNER)).astype(np.float32)
    weight = rng.normal(size=(INNER, COLUMNS)).astype(np.float32)
    out = np.zeros((rows + ROWS) * COLUMNS, np.int32)
    words = given.reshape(-1).view(np.int32)
    multiply_floats(words, INNER, rows, INNER, packed(weight), 0, COLUMNS, out)
    found = out.view(np.float32).reshape(-1, COLUMNS)[:rows]
    np.testing.assert_allclose(found, given[:rows].astype(np.float64) @ weight, atol=1e-5)


@pytest.mark.parametrize(
    "values",
    [[0.0], [-0.0, 0.0], [3.0, 1.0], [-3.0, -1.0], [1.5, -2.5, 0.1], [1e-30, -1e30], [0.0] * 40, [7.0] * 33],
)
def test_levels_are_those_of_onnx(values: list[float]) -> None:
    given = np.array(values, np.float32)
    low, high = bounds(given)
    assert (low, high) == (min(0.0, given.min()), max(0.0, given.max()))
    step, zero = map(np.float32, step_of(np.float32(low), np.float32(high)))
    levels = np.empty(len(given), np.uint8)
    quantise(given, step, zero, levels)
    wanted, scale, offset = _by_onnx(given)
    np.testing.assert_array_equal(levels, wanted)
    if high > low:  # where all is 0, any scale does
        assert step == scale
    assert zero == offset


def test_a_row_is_normed() -> None:
    given = np.random.default_rng(1).normal(3.0, 2.0, 1_280).astype(np.float32)
    scale, offset = np.linspace(0.5, 2.0, 1_280, dtype=np.float32), np.float32(0.25) * given
    out = np.empty_like(given)
    normed(given, scale, offset, np.float32(1e-12), out)
    wide = given.astype(np.float64)
    wanted = (wide - wide.mean()) / wide.std() * scale + offset
    np.testing.assert_allclose(out, wanted, atol=1e-5)


def _by_onnx(given: F32) -> tuple[np.ndarray, float, int]:
    node = helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"])
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])]
    outputs = [
        helper.make_tensor_value_info("y", TensorProto.UINT8, ["n"]),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, []),
        helper.make_tensor_value_info("zero", TensorProto.UINT8, []),
    ]
    graph = helper.make_graph([node], "levels", inputs, outputs)
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])
    onnx.checker.check_model(model)
    y, scale, zero = ort.InferenceSession(model.SerializeToString()).run(None, {"x": given})
    return y, float(scale), int(zero)
