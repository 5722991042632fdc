"""A tape makes what onnxruntime makes of the same graph: whole networks, and each operation by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from export.forward.program import compile_graph
from model.errors import UnknownNetworkError

RNG = np.random.default_rng(7)
NOT_ONE = (np.arange(12) != 7).astype(np.float32)
Arrays = dict[str, Any]


def both(
    tmp_path: Path, nodes: list[Any], inputs: Arrays, constants: Arrays, atol: float = 2e-6, **sizes: int
) -> None:
    """Run a graph whose last node makes the result in both, and compare."""
    path = tmp_path / "g.onnx"
    save(path, nodes, inputs, constants)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, inputs)
    (found,) = compile_graph(path, sizes).run(inputs).values()
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=atol, rtol=2e-6)


def save(path: Path, nodes: list[Any], inputs: Arrays, constants: Arrays) -> None:
    def told(name: str, array: Any) -> Any:
        kind = TensorProto.INT64 if array.dtype == np.int64 else TensorProto.FLOAT
        return helper.make_tensor_value_info(name, kind, array.shape)

    graph = helper.make_graph(
        nodes, "g", [told(name, array) for name, array in inputs.items()],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)


def numbers(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("kind", ["Sigmoid", "Tanh", "Relu", "Erf", "Gelu"])
def test_functions_of_one_number(tmp_path: Path, kind: str) -> None:
    x = np.concatenate([numbers(50) * 20, np.array([0.0, -100.0, 100.0, -1e4, 1e-30], np.float32)])
    both(tmp_path, [helper.make_node(kind, ["x"], ["y"])], {"x": x}, {})


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize(
    ("one", "other"),
    [((5, 7), (5, 7)), ((5, 7), (7,)), ((5, 7), (5, 1)), ((7,), (5, 7)), ((5, 1), (1, 7)),
     ((2, 3, 4, 5), (3, 1, 5)), ((1, 4, 1), (6, 1, 5))],
)  # fmt: skip
def test_two_become_one(tmp_path: Path, kind: str, one: tuple[int, ...], other: tuple[int, ...]) -> None:
    node = [helper.make_node(kind, ["x", "y"], ["z"])]
    both(tmp_path, node, {"x": numbers(*one), "y": numbers(*other) + np.float32(3)}, {})
    both(tmp_path, node, {"y": numbers(*other) + np.float32(3)}, {"x": numbers(*one)})


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.integers(1, 19), st.integers(1, 40), st.integers(1, 70), st.booleans())
def test_products_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, outer: int, rows: int, inner: int, columns: int, many: bool
) -> None:
    folder = tmp_path_factory.mktemp("product")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Add", ["y", "b"], ["z"])]
    x, w = numbers(outer, rows, inner), numbers(*([outer] if many else []), inner, columns)
    error = 2e-6 + 1e-6 * inner  # of sums of numbers around 1, in another order
    for bias in (numbers(columns), numbers(outer, rows, columns), numbers(rows, 1)):
        both(folder, nodes, {"x": x}, {"w": w, "b": bias}, error)
        both(folder, nodes, {"x": x, "w": w, "b": bias}, {}, error)


def test_a_product_of_heads_that_lie_side_by_side(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["heads"]),
        helper.make_node("Transpose", ["heads"], ["first"], perm=[0, 2, 1, 3]),
        helper.make_node("Transpose", ["heads"], ["second"], perm=[0, 2, 3, 1]),
        helper.make_node("MatMul", ["first", "second"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["shares"], axis=-1),
        helper.make_node("MatMul", ["shares", "first"], ["mixed"]),
        helper.make_node("Transpose", ["mixed"], ["turned"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["turned", "flat"], ["y"]),
    ]
    shapes = {"shape": np.array([1, 9, 2, 5]), "flat": np.array([1, 9, 10])}
    both(tmp_path, nodes, {"x": numbers(1, 9, 10)}, shapes)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", ["ReduceSum", "ReduceMean", "ReduceL2"])
@pytest.mark.parametrize("keep", [0, 1])
def test_sums_along_an_axis(tmp_path: Path, axis: int, kind: str, keep: int) -> None:
    node = helper.make_node(kind, ["x", "axes"], ["y"], keepdims=keep)
    both(tmp_path, [node], {"x": numbers(3, 4, 5)}, {"axes": np.array([axis])})


def test_rows_of_a_table_and_what_stands_beside_them(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "at"], ["rows"], axis=0),
        helper.make_node("Greater", ["at", "zero"], ["there"]),
        helper.make_node("Cast", ["there"], ["weights"], to=1),
        helper.make_node("Unsqueeze", ["weights", "last"], ["wide"]),
        helper.make_node("Mul", ["rows", "wide"], ["kept"]),
        helper.make_node("Concat", ["kept", "wide", "rows"], ["y"], axis=-1),
    ]
    at = np.array([[3, 0, 1], [0, 2, 2]])
    both(
        tmp_path, nodes, {"at": at},
        {"table": numbers(4, 6), "zero": np.array(0), "last": np.array([-1])},
    )  # fmt: skip


def test_layer_normalisation_parts_and_choices(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale", "bias"], ["n"], axis=-1, epsilon=1e-5),
        helper.make_node("Split", ["n", "sizes"], ["a", "b"], axis=1),
        helper.make_node("Slice", ["b", "from", "to", "last"], ["c"]),
        helper.make_node("Equal", ["c", "zero"], ["none"]),
        helper.make_node("Clip", ["a", "low", "high"], ["cut"]),
        helper.make_node("Where", ["none", "a", "cut"], ["y"]),
    ]
    x = numbers(6, 12)
    both(
        tmp_path, nodes, {"x": x},
        {
            "scale": numbers(12) * NOT_ONE, "bias": numbers(12) * NOT_ONE,
            "sizes": np.array([4, 8]), "from": np.array([3]), "to": np.array([4]), "last": np.array([1]),
            "zero": np.array(0, np.float32), "low": np.array(-0.5, np.float32),
            "high": np.array(0.5, np.float32),
        },
    )  # fmt: skip


def test_an_operation_without_an_instruction_is_named(tmp_path: Path) -> None:
    save(tmp_path / "g.onnx", [helper.make_node("Cos", ["x"], ["y"])], {"x": numbers(3)}, {})
    with pytest.raises(UnknownNetworkError, match="no instruction does Cos"):
        compile_graph(tmp_path / "g.onnx", {})
    save(tmp_path / "g.onnx", [helper.make_node("Softmax", ["x"], ["y"], axis=0)], {"x": numbers(3, 3)}, {})
    with pytest.raises(UnknownNetworkError, match="another axis than the last"):
        compile_graph(tmp_path / "g.onnx", {})
