"""What is read of an ONNX file is what onnx itself reads of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.forward.onnx_file import read_graph
from export.manifest import ITEM_PART, MODEL_FILES, RESCORER_FP32, USER_TOWER, Manifest
from export.registry import Registry
from model.errors import ManifestError


@pytest.mark.parametrize("name", [USER_TOWER, RESCORER_FP32, ITEM_PART])
def test_a_graph_is_the_one_that_onnx_reads(registered: tuple[Registry, Manifest], name: str) -> None:
    path = registered[0].get("first") / name
    graph, expected = read_graph(path), onnx.load(path).graph
    assert len(graph.nodes) == len(expected.node)
    for node, wanted in zip(graph.nodes, expected.node, strict=True):
        assert (node.kind, node.inputs, node.outputs) == (
            wanted.op_type, tuple(wanted.input), tuple(wanted.output),
        )  # fmt: skip
        for attribute in wanted.attribute:
            value = helper.get_attribute_value(attribute)
            assert node.attributes[attribute.name] == (tuple(value) if isinstance(value, list) else value)
    assert {each.name for each in expected.initializer} == set(graph.constants)
    for each in expected.initializer:
        np.testing.assert_array_equal(graph.constants[each.name], numpy_helper.to_array(each))
    assert graph.outputs == tuple(each.name for each in expected.output)
    for each in expected.input:
        dims = each.type.tensor_type.shape.dim
        assert graph.inputs[each.name] == tuple(dim.dim_param or dim.dim_value for dim in dims)


def test_negative_numbers_and_texts_are_read(tmp_path: Path) -> None:
    node = helper.make_node("Softmax", ["x"], ["y"], axis=-1, axes=[-2, 3], note="a", share=0.5)
    node.attribute.append(helper.make_attribute("table", numpy_helper.from_array(np.arange(3), "t")))
    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    onnx.save(helper.make_model(helper.make_graph([node], "g", [shape], [out])), tmp_path / "g.onnx")
    found = read_graph(tmp_path / "g.onnx").nodes[0].attributes
    assert (found["axis"], found["axes"], found["note"], found["share"]) == (-1, (-2, 3), "a", 0.5)
    np.testing.assert_array_equal(found["table"], [0, 1, 2])


def test_what_is_no_onnx_file_is_refused(tmp_path: Path, registered: tuple[Registry, Manifest]) -> None:
    whole = (registered[0].get("first") / USER_TOWER).read_bytes()
    assert USER_TOWER in MODEL_FILES
    for data in (b"", b"no model", whole[: len(whole) // 2], b"\x3a\x05ab"):
        (tmp_path / "x.onnx").write_bytes(data)
        with pytest.raises(ManifestError, match="is no ONNX file of this build"):
            read_graph(tmp_path / "x.onnx")
    with pytest.raises(ManifestError, match="export it again"):
        read_graph(tmp_path / "none.onnx")
