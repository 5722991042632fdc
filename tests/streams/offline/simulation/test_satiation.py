"""Who has just had something wants less of the like."""

from __future__ import annotations

import numpy as np
import pytest

from streams.offline.simulation.satiation import LOOKED, Satiation

VECTORS = np.array([[2.0, 0.0], [3.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])


def test_by_hand() -> None:
    """A click on item 0 and a look at item 2; half of it is gone after ten seconds."""
    satiation = Satiation(VECTORS, 0.5, 10.0)
    assert not satiation.of(1, 0).any()
    satiation.take(1, 1_000, np.array([0]), np.array([2]))
    assert satiation.of(1, 1_000).tolist() == pytest.approx([0.5, 0.5, 0.5 * LOOKED, 0.0, 0.0])
    assert satiation.of(1, 11_000).tolist() == pytest.approx([0.25, 0.25, 0.25 * LOOKED, 0.0, 0.0])
    assert not satiation.of(2, 1_000).any()
    satiation.take(1, 11_000, np.array([1]), np.empty(0, np.int64))
    assert satiation.of(1, 11_000)[0] == pytest.approx(0.75)


def test_without_strength_there_is_none() -> None:
    satiation = Satiation(VECTORS, 0.0, 10.0)
    satiation.take(1, 0, np.array([0]), np.array([1]))
    assert not satiation.of(1, 0).any()
