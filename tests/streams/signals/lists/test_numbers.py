"""Numbers of places against their neighbours and against what was met."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from streams.signals.lists.numbers import MOST, OF_FIELD, of_field
from tests.streams.signals.lists.sessions import session

ROWS = [5, 6, 7, 8]
NOTHING: Mapping[int, tuple[float, ...]] = MappingProxyType({})


def columns(
    numbers: list[float],
    *events: tuple[int, float],
    known: Mapping[int, tuple[float, ...]] = NOTHING,
    actions: str = "",
) -> dict[str, list[float]]:
    met = session(ROWS, *events, actions=actions)
    found = of_field(np.array(ROWS, np.int32), np.array(numbers), 0, known, met)
    return {name: column.tolist() for name, column in zip(OF_FIELD, found, strict=True)}


def test_prices_within_the_list() -> None:
    found = columns([40.0, 20.0, 80.0, 10.0])
    assert found["lowest"] == [0, 0, 0, 1]
    assert found["new_lowest"] == [1, 1, 0, 1]
    assert found["over_above"] == pytest.approx([0, -math.log(2), math.log(4), -MOST / MOST * math.log(8)])
    assert found["over_below"] == pytest.approx([math.log(2), -math.log(4), math.log(8), 0])
    assert sum(found["median"]) == pytest.approx(0)
    assert found["sorted"][0] == pytest.approx(-0.4)  # Spearman of (3, 2, 4, 1) and the places
    assert columns([1.0, 2.0, 3.0, 4.0])["sorted"] == pytest.approx([1] * 4)
    assert columns([2.0] * 4)["sorted"] == [0] * 4


def test_prices_against_what_was_met_chosen_and_told_before() -> None:
    known = {5: (40.0,), 6: (10.0,), 9: (20.0,)}
    found = columns([40.0, 20.0, 80.0, 10.0], (9, 9.0), (6, 8.0), known=known, actions="cv")
    assert found["near_last"] == pytest.approx([math.log(4), math.log(2), math.log(8), 0])
    assert found["from_chosen"] == pytest.approx([math.log(2), 0, math.log(4), -math.log(2)])
    mean = math.sqrt(20 * 10)
    assert found["from_met"] == pytest.approx([math.log(each / mean) for each in (40, 20, 80, 10)])
    assert found["changed"] == pytest.approx([0, math.log(2), 0, 0])
    assert found["known"] == [1, 1, 0, 0]


def test_numbers_that_are_missing_or_not_above_zero() -> None:
    assert columns([math.nan] * 4) == {name: [0.0] * 4 for name in OF_FIELD}
    found = columns([0.0, math.nan, -4.0, 4.0])
    assert all(column[1] == 0 for column in found.values())
    assert found["lowest"] == [0, 0, 1, 0]
    assert np.isfinite(np.array(list(found.values()))).all()
