"""The rescoring benchmark says what it ran and what it could not."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort
import pytest

from streams.bench.rescoring import bench_rescoring
from tests.export.conftest import small_registry


@pytest.fixture
def folder() -> Path:
    return small_registry().get("first")


def test_every_variant_is_measured_at_every_size(folder: Path) -> None:
    rows, missing = bench_rescoring([folder], ("compiled", "cpu"), users=(1, 3), candidates=9, runs=3)
    assert missing == {}
    found = [(row.users, row.provider, row.precision) for row in rows]
    variants = [("compiled", "fp32"), ("cpu", "int8"), ("cpu", "fp32")]
    assert found == [(users, *variant) for users in (1, 3) for variant in variants]
    for row in rows:
        assert (row.nodes is None) == (row.provider == "compiled")
        assert min(row.nodes or (11,)) > 10
        assert 0 < row.p50_ms <= row.p99_ms
        assert min(row.tower_us, row.rescoring_us) > 0
        assert (row.click_error < 1e-5) == (row.precision == "fp32")


@pytest.mark.skipif(
    "CUDAExecutionProvider" in ort.get_available_providers(), reason="this machine's onnxruntime has CUDA"
)
def test_a_missing_provider_is_reported(folder: Path) -> None:
    rows, missing = bench_rescoring([folder], ("cuda", "cpu"), (1,), candidates=3, runs=1)
    assert {row.provider for row in rows} == {"cpu"}
    assert "expected execution provider 'cuda', which is not there" in missing["cuda"]
