"""Quantizing says nothing."""

from __future__ import annotations

import logging

import pytest

from export.manifest import RESCORER_FP32, Manifest
from export.quantize import quantize_rescorer
from export.registry import Registry


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
