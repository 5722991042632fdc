"""Exported models on a real GPU, against the same files on the CPU. Skipped where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from export.half import halve_rescorer
from export.in_parts import InParts, open_rescorer
from export.loaded import LoadedModel, load_model
from export.manifest import RESCORER_FP32, Manifest
from export.parity import ParityLimits, measure
from export.random_inputs import random_inputs
from export.registry import Registry
from export.session import Rescorer
from model.errors import ModelError, ProviderError
from model.schema import RescorerInputs
from tests.export.conftest import SCHEMA, held_out

pytestmark = pytest.mark.skipif(
    "CUDAExecutionProvider" not in ort.get_available_providers(),
    reason="needs onnxruntime-gpu and an NVIDIA GPU",
)


@pytest.fixture(scope="module")
def on_gpu(registered: tuple[Registry, Manifest]) -> LoadedModel:
    return load_model(registered[0].get("first"), ("cuda", "cpu"), expected=SCHEMA)


@pytest.fixture(scope="module")
def on_cpu(registered: tuple[Registry, Manifest]) -> Rescorer | InParts:
    return open_rescorer(registered[0].get("first") / RESCORER_FP32, SCHEMA)


def test_every_part_of_a_model_runs_on_the_gpu(on_gpu: LoadedModel) -> None:
    assert on_gpu.rescorer.provider == "cuda"
    assert not on_gpu.rescorer.fell_back


def test_scores_are_those_of_the_cpu(on_gpu: LoadedModel, on_cpu: Rescorer | InParts) -> None:
    parity = measure(on_cpu.score, on_gpu.rescorer.score, held_out())
    assert parity.click_error_mean < 1e-4
    assert parity.click_error_max < 1e-2
    assert parity.top10_agreement > 0.999


def test_a_users_scores_do_not_depend_on_the_batch(on_gpu: LoadedModel) -> None:
    inputs = random_inputs(SCHEMA, 16, 200)
    together = on_gpu.rescorer.score(inputs)
    for user in range(16):
        own: list[Any] = [each[user : user + 1] for each in inputs]
        alone = on_gpu.rescorer.score(RescorerInputs(*own))
        np.testing.assert_allclose(alone.click[0], together.click[user], atol=1e-4)


def test_the_same_inputs_give_the_same_bits(on_gpu: LoadedModel) -> None:
    inputs = random_inputs(SCHEMA, 5, 200)
    first = on_gpu.rescorer.score(inputs)
    for _ in range(5):
        np.testing.assert_array_equal(on_gpu.rescorer.score(inputs).click, first.click)


def test_towers_are_those_of_the_cpu(on_gpu: LoadedModel, registered: tuple[Registry, Manifest]) -> None:
    on_cpu = load_model(registered[0].get("first"))
    ids = np.arange(9)
    rng = np.random.default_rng(1)
    content: dict[str, NDArray[Any]] = {
        "text": rng.normal(size=(9, SCHEMA.text_dim)).astype(np.float32),
        "attributes": rng.integers(0, 50, (9, SCHEMA.attributes)),
        **{name: rng.normal(size=(9, dim)).astype(np.float32) for name, dim in SCHEMA.modalities.items()},
    }
    for found, expected in zip(
        on_gpu.tower.vectors(ids, content), on_cpu.tower.vectors(ids, content), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    users = random_inputs(SCHEMA, 7, 1).of_users
    np.testing.assert_allclose(on_gpu.users.vectors(users), on_cpu.users.vectors(users), atol=1e-4)


def test_half_precision_keeps_the_order(
    on_cpu: Rescorer | InParts, registered: tuple[Registry, Manifest], tmp_path: Path
) -> None:
    path = tmp_path / "fp16.onnx"
    halve_rescorer(registered[0].get("first") / RESCORER_FP32, path)
    halved = open_rescorer(path, SCHEMA, registered[0].get("first"), ("cuda",))
    parity = measure(on_cpu.score, halved.score, held_out())
    assert parity.click_error_mean < ParityLimits().click_error_mean
    assert parity.top10_agreement > ParityLimits().top10_agreement


def test_inputs_that_do_not_fit_are_refused_and_the_next_ones_run(on_gpu: LoadedModel) -> None:
    inputs = random_inputs(SCHEMA, 2, 10)
    with pytest.raises(ModelError, match="did not run on"):
        on_gpu.rescorer.score(inputs._replace(profile=inputs.profile[:, :1]))
    assert np.isfinite(on_gpu.rescorer.score(inputs).click).all()


def test_tensorrt_runs_or_is_said_to_be_missing(registered: tuple[Registry, Manifest]) -> None:
    """onnxruntime-gpu lists it as available wherever it is installed, with its libraries or without."""
    loaded = load_model(registered[0].get("first"), ("tensorrt", "cuda"), fallback=True)
    if loaded.rescorer.fell_back:
        assert loaded.rescorer.provider == "cuda"
        with pytest.raises(ProviderError, match="expected execution provider 'tensorrt', which is not there"):
            load_model(registered[0].get("first"), ("tensorrt",))
    else:
        assert loaded.rescorer.provider == "tensorrt"
