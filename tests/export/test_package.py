"""The whole export: what is registered agrees with torch, and what disagrees is not registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from export import package
from export.in_parts import open_rescorer
from export.loaded import load_model
from export.manifest import (
    MODEL_FILES,
    RESCORER,
    RESCORER_FP32,
    TOWER,
    USER_TOWER,
    Manifest,
    read_manifest,
)
from export.package import export_model
from export.parity import ParityLimits, check
from export.quantize import narrow_matrices, quantize_rescorer
from export.random_inputs import random_inputs
from export.registry import Registry
from export.session import ItemTower, UserTower, open_session
from export.to_onnx import compare, export_in_parts, export_tower, torch_scores
from model.errors import ModelError, ParityError
from model.hashing import ATTRIBUTE_BUCKETS
from model.network import FusionNet
from model.plan import NetworkPlan
from model.schema import USER_OUTPUTS, EncoderKind, RescorerInputs, Schema
from tests.export.conftest import SCHEMA, VOCABULARY, held_out, small_net

Registered = tuple[Registry, Manifest]


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (2, 3), (17, 64), (64, 5)])
def test_fp32_file_agrees_with_torch_for_any_users_and_candidates(
    registered: Registered, net: FusionNet, size: tuple[int, int]
) -> None:
    path = registered[0].get("first") / RESCORER_FP32
    inputs = random_inputs(SCHEMA, *size, seed=11)
    with torch.no_grad():
        click, rating, like = net.scoring()(*(torch.from_numpy(each) for each in inputs))
    found = open_rescorer(path, SCHEMA).score(inputs)
    assert found.click.shape == found.rating.shape == size
    np.testing.assert_allclose(found.click, click.numpy(), atol=1e-4)
    np.testing.assert_allclose(found.rating, rating.numpy(), atol=1e-4)
    np.testing.assert_allclose(found.more, [like.numpy()], atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (32, 7)])
def test_int8_file_stays_near_torch(registered: Registered, net: FusionNet, size: tuple[int, int]) -> None:
    model = load_model(registered[0].get("first"))
    inputs = random_inputs(SCHEMA, *size, seed=12)
    expected, found = torch_scores(net)(inputs), model.rescorer.score(inputs)
    assert np.abs(found.click - expected.click).mean() < 0.05
    assert not np.array_equal(found.click, expected.click), "the file served on CPUs is not quantized"


def item_content(schema: Schema, items: int) -> dict[str, NDArray[Any]]:
    """Random content; every other item lacks each of the modalities."""
    rng = np.random.default_rng(1)
    made: dict[str, NDArray[Any]] = {
        "text": rng.standard_normal((items, schema.text_dim), np.float32),
        "attributes": rng.integers(0, ATTRIBUTE_BUCKETS + 1, (items, schema.attributes)),
    }
    for at, (name, dim) in enumerate(schema.modalities.items()):
        made[name] = rng.standard_normal((items, dim), np.float32)
        made[name][at::2] = 0.0
    return made


def torch_items(
    net: FusionNet, ids: NDArray[np.int64], content: dict[str, NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    with torch.no_grad():
        vectors, keys = net.item_tower(*map(torch.from_numpy, (ids, *content.values())))
    return vectors.numpy(), keys.numpy()


def test_tower_agrees_with_torch_over_several_chunks(
    registered: Registered, net: FusionNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.session.TOWER_CHUNK", 8)
    ids, content = np.random.default_rng(1).integers(0, 21, 21), item_content(SCHEMA, 21)
    found = load_model(registered[0].get("first")).tower.vectors(ids, content)
    for one, other in zip(found, torch_items(net, ids, content), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("users", [1, 2, 33])
def test_user_tower_agrees_with_torch(registered: Registered, net: FusionNet, users: int) -> None:
    inputs = random_inputs(SCHEMA, users, 1, seed=5).of_users
    found = load_model(registered[0].get("first")).users.vectors(inputs)
    with torch.no_grad():
        expected = net.finding()(*map(torch.from_numpy, inputs)).numpy()
    assert found.shape == (users, SCHEMA.user_dim)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("encoder", ["sasrec", "ligr"])
def test_history_encoders_and_a_model_without_modalities_are_exported(
    tmp_path: Path, encoder: EncoderKind
) -> None:
    """The exports compare themselves with torch; here once more, as a worker runs them."""
    schema = msgspec.structs.replace(SCHEMA, modalities={})
    net = small_net(1, schema, NetworkPlan(width=16, hidden=(24, 16), encoder=encoder))
    export_in_parts(net, tmp_path)
    export_tower(net, tmp_path / TOWER)
    inputs = random_inputs(schema, 4, 9, seed=5)
    users = UserTower(open_session(lambda provider: tmp_path / USER_TOWER), schema).vectors(inputs.of_users)
    scores = open_rescorer(tmp_path / RESCORER_FP32, schema).score(inputs)
    with torch.no_grad():
        expected = net.finding()(*map(torch.from_numpy, inputs.of_users)).numpy()
        click = net.scoring()(*map(torch.from_numpy, inputs))[0].numpy()
    np.testing.assert_allclose(users, expected, atol=1e-4)
    np.testing.assert_allclose(scores.click, click, atol=1e-4)
    ids, content = np.arange(7), item_content(schema, 7)
    tower = ItemTower(open_session(lambda provider: tmp_path / TOWER), schema)
    for one, other in zip(tower.vectors(ids, content), torch_items(net, ids, content), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_manifest_tells_how_the_model_was_made(registered: Registered) -> None:
    registry, manifest = registered
    assert read_manifest(registry.get("first"), Manifest) == manifest
    assert set(manifest.files) == set(MODEL_FILES)
    assert manifest.model_schema == SCHEMA
    assert manifest.training == {"seed": 0}
    assert manifest.parity.examples == 240
    assert manifest.parity.top10_agreement > 0.9
    assert manifest.parity.click_error_max > 0
    assert {"torch", "onnx", "onnxruntime"} <= set(manifest.versions)
    assert load_model(registry.get("first")).vocabulary == VOCABULARY


def test_heads_stay_in_fp32(registered: Registered, tmp_path: Path) -> None:
    source = registered[0].get("first") / RESCORER_FP32
    kept = quantize_rescorer(source, tmp_path / "int8.onnx")
    assert kept == narrow_matrices(onnx.load(source), 16)
    quantized = onnx.load(tmp_path / "int8.onnx")
    operators = [node.op_type for node in quantized.graph.node]
    assert len(kept) >= 2  # the heads and the skips at least
    assert sum(operators.count(each) for each in ("MatMul", "Gemm")) >= len(kept)
    assert operators.count("MatMulInteger") >= 5


def break_weights(source: Path, target: Path) -> None:
    """A quantizer gone wrong: the int8 file has the scales of another model."""
    quantize_rescorer(source, target)
    model = onnx.load(target)
    for each in model.graph.initializer:
        if each.name.endswith("_scale"):
            scale = onnx.numpy_helper.to_array(each)
            each.CopyFrom(onnx.numpy_helper.from_array(-3.0 * scale, each.name))
    onnx.save(model, target)


def test_broken_int8_model_is_refused_and_not_registered(
    tmp_path: Path, net: FusionNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "quantize_rescorer", break_weights)
    registry = Registry(tmp_path)
    with pytest.raises(ParityError, match=r"top10_agreement 0\.\d+ \(at least 0\.9\)"):
        export_model(net, VOCABULARY, held_out(), registry, "broken", created_ms=1)
    assert registry.names() == []
    assert list(tmp_path.iterdir()) == []


def test_gate_keeps_to_the_limits_it_is_given(tmp_path: Path, net: FusionNet) -> None:
    strict = ParityLimits(click_error_max=0.0)
    with pytest.raises(ParityError, match="click_error_max"):
        export_model(net, VOCABULARY, held_out(), Registry(tmp_path), "x", created_ms=1, limits=strict)


def test_too_few_examples_fail_the_gate(registered: Registered, net: FusionNet) -> None:
    parity = package.parity_of(net, registered[0].get("first") / RESCORER, held_out(60))
    with pytest.raises(ParityError, match=r"examples 60 \(at least 200\)"):
        check(parity)


def test_name_that_is_taken_is_refused_before_any_work(registered: Registered, net: FusionNet) -> None:
    with pytest.raises(ModelError, match="already there"):
        export_model(net, VOCABULARY, [], registered[0], "first", created_ms=1)


def test_file_of_another_network_is_noticed(registered: Registered) -> None:
    path = registered[0].get("first") / USER_TOWER
    inputs: dict[str, NDArray[Any]] = dict(random_inputs(SCHEMA, 2, 1).of_users._asdict())
    with pytest.raises(ParityError, match="user differs from torch"):
        compare(small_net(seed=1).finding(), path, [inputs], USER_OUTPUTS)


def test_inputs_of_the_wrong_shape_are_named(registered: Registered) -> None:
    rescorer = load_model(registered[0].get("first")).rescorer
    inputs = random_inputs(SCHEMA, 2, 3)
    wrong: RescorerInputs = inputs._replace(words=np.zeros((2, 99), np.float32))
    with pytest.raises(ModelError, match=r"words float32\[2, 99\]"):
        rescorer.score(wrong)


def test_export_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    net = small_net().train()
    before = msgspec.json.encode({name: value.tolist() for name, value in net.state_dict().items()})
    export_model(net, VOCABULARY, held_out(), Registry(tmp_path), "trained", created_ms=1)
    assert net.training
    assert net.rescorer.training
    assert net.view.training
    assert msgspec.json.encode({name: value.tolist() for name, value in net.state_dict().items()}) == before
