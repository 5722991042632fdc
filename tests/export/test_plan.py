"""The choice of a precision decides what is served."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from export.in_parts import open_rescorer
from export.manifest import RESCORER_FP32, Manifest
from export.package import write_served
from export.plan import ExportPlan, Precision
from export.random_inputs import random_inputs
from export.registry import Registry
from model.errors import SettingsError
from streams.settings.reading import load
from tests.export.conftest import SCHEMA, held_out


@pytest.mark.parametrize("precision", get_args(Precision))
def test_each_precision_is_written(
    registered: tuple[Registry, Manifest], tmp_path: Path, precision: Precision
) -> None:
    source = registered[0].get("first") / RESCORER_FP32
    write_served(precision, source, tmp_path / "served.onnx", held_out(60), SCHEMA)
    inputs = random_inputs(SCHEMA, 4, 30)
    expected, found = (
        open_rescorer(path, SCHEMA, source.parent).score(inputs).click
        for path in (source, tmp_path / "served.onnx")
    )
    assert np.array_equal(found, expected) == (precision == "fp32")
    np.testing.assert_allclose(found, expected, atol=0.5)


def test_a_precision_that_is_none_is_refused_with_its_name() -> None:
    assert load(None, {"HEADRACE_MODEL__EXPORT__PRECISION": "fp16"}).model.export == ExportPlan("fp16")
    with pytest.raises(SettingsError, match=r"Invalid enum value 'int4'.*model\.export\.precision"):
        load(None, {"HEADRACE_MODEL__EXPORT__PRECISION": "int4"})
