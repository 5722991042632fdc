"""Which held-out examples fix the scales of static int8, and which judge it."""

from __future__ import annotations

import numpy as np
import pytest

from export.parity import HeldOut
from export.plan import ExportPlan
from export.random_inputs import random_inputs
from model.schema import Schema
from streams.offline.training.registration import split_for_calibration

SCHEMA = Schema(("a",), ("b",), ("c",), history=2, text_dim=2, item_dim=2)


def batch(users: int, seed: int) -> HeldOut:
    return HeldOut(
        random_inputs(SCHEMA, users, 3, seed), np.zeros(users, np.int64), np.ones((users, 3), np.bool_)
    )


@pytest.mark.parametrize(
    ("batches", "most", "calibrating"), [(40, 256, 10), (40, 30, 3), (3, 256, 1), (2, 1, 1)]
)
def test_the_oldest_calibrate_and_never_judge(batches: int, most: int, calibrating: int) -> None:
    held_out = [batch(8, k) for k in range(batches)]
    calibration, judged = split_for_calibration(held_out, ExportPlan("int8-static", most))
    assert [id(each) for each in (*calibration, *judged)] == [id(each) for each in held_out]
    assert len(calibration) == calibrating


def test_a_single_batch_does_both() -> None:
    held_out = [batch(5, 0)]
    calibration, judged = split_for_calibration(held_out, ExportPlan("int8-static"))
    assert calibration is judged is held_out


def test_other_precisions_are_judged_on_all() -> None:
    held_out = [batch(8, k) for k in range(6)]
    calibration, judged = split_for_calibration(held_out, ExportPlan("int8"))
    assert len(calibration) == 0
    assert judged is held_out
