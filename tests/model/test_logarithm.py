"""The logarithm of counts beside the C library's, alone and in rows of any length."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from model.logarithm import log1p_of_count, log_counts


def counts() -> NDArray[np.float64]:
    """From far below 1 to beyond any count or time."""
    rng = np.random.default_rng(3)
    spread = np.exp(rng.uniform(-40.0, 40.0, 50_000))
    return np.concatenate([np.zeros(1), np.arange(4_000) / 8.0, spread, [1e9, 2.0**52, 1e300]])


def logs_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found = values.copy()
    log_counts(found)
    return found


def test_it_is_within_one_unit_in_the_last_place() -> None:
    found, exact = logs_of(counts()), np.log(1.0 + counts())
    assert np.all(np.abs(found - exact) <= np.spacing(exact))


def test_as_float32_it_is_what_the_c_library_says() -> None:
    exact = np.array([math.log(1.0 + count) for count in counts()])
    np.testing.assert_array_equal(logs_of(counts()).astype(np.float32), exact.astype(np.float32))


def test_nothing_has_the_logarithm_zero() -> None:
    found = logs_of(np.zeros(3))
    assert not found.any()
    assert not np.signbit(found).any()


@pytest.mark.parametrize("n", [1, 3, 15, 16, 17, 64])
def test_a_number_is_the_same_alone_and_in_a_row(n: int) -> None:
    values = counts()[-n:]
    assert logs_of(values).tolist() == [log1p_of_count(float(value)) for value in values]


def test_compiled_code_has_the_bits_of_plain_python() -> None:
    plain = cast("Any", log1p_of_count).py_func
    values = counts()[::50]
    assert logs_of(values).tolist() == [float(plain(value)) for value in values]
