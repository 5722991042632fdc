"""The rescoring benchmark says what it ran and what it could not."""

from __future__ import annotations

import logging
from pathlib import Path

import onnxruntime as ort
import pytest

from benchmarks.rescoring import measure, open_variants, ratios
from export.manifest import RESCORER_FP32, Manifest
from export.quantize import quantize_rescorer
from export.registry import Registry
from tests.export.conftest import SCHEMA


def test_every_variant_is_measured(registered: tuple[Registry, Manifest], tmp_path: Path) -> None:
    variants, missing = open_variants(registered[0].get("first"), ["cpu"], 1, tmp_path)
    assert missing == {}
    rows = measure(variants, SCHEMA, users=2, candidates=9, runs=3)
    assert [(row.provider, row.precision, row.users) for row in rows] == [
        ("cpu", "int8", 2),
        ("cpu", "fp32", 2),
    ]
    assert all(0 < row.p50_ms <= row.p99_ms for row in rows)
    assert ratios(rows)["cpu fp32, 2 users"] == 1.0
    assert rows[0].click_error > rows[1].click_error == 0.0


@pytest.mark.skipif(
    "CUDAExecutionProvider" in ort.get_available_providers(), reason="this machine's onnxruntime has CUDA"
)
def test_missing_provider_is_reported(registered: tuple[Registry, Manifest], tmp_path: Path) -> None:
    variants, missing = open_variants(registered[0].get("first"), ["cuda", "cpu"], 1, tmp_path)
    assert {variant.rescorer.provider for variant in variants} == {"cpu"}
    assert "expected execution provider 'cuda', which is not there" in missing["cuda"]


def test_quantizing_leaves_the_log_alone(
    registered: tuple[Registry, Manifest],
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), list(root.filters))
    with caplog.at_level(logging.INFO):
        quantize_rescorer(
            registered[0].get("first") / RESCORER_FP32, tmp_path_factory.mktemp("quantized") / "int8.onnx"
        )
    assert caplog.records == []
    assert (list(root.handlers), list(root.filters)) == before
